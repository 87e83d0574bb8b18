"""The words of rows as arrays, which every check reads."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from service.model.encoder import join_title
from service.model.tokenization import NEWS_TOKENIZER
from training.data.columns import LabelledRow
from training.data.text_table import Numbers


@dataclass(frozen=True, slots=True)
class RowWords:
    """The words of titles and texts, numbered in the order of their first appearance."""

    word_ids: NDArray[np.int32]  # (n_words,), those of all rows in order
    starts: NDArray[np.int64]  # (n_rows + 1,), where each row begins, and the end
    n_distinct: int

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of words of each row, (n_rows,)."""
        return np.diff(self.starts)

    def counts(self) -> csr_array:
        """Return how often each word occurs in each row, float32 (n_rows, n_distinct)."""
        ones = np.ones(len(self.word_ids), dtype=np.float32)
        shape = (len(self.starts) - 1, self.n_distinct)
        # a copy of the ids, as their duplicates are summed in place
        counts = csr_array((ones, self.word_ids.copy(), self.starts.astype(np.int32)), shape=shape)
        counts.sum_duplicates()
        return counts


def read_words(rows: Iterable[LabelledRow]) -> RowWords:
    """Split the titles and texts of rows into words, as the service does."""
    numbers = Numbers()
    word_ids, starts = array("i"), array("q", [0])
    for row in rows:
        words = NEWS_TOKENIZER.tokenize(join_title(row.title, row.text))
        word_ids.extend([numbers[word] for word in words])
        starts.append(len(word_ids))
    return RowWords(
        np.frombuffer(word_ids, dtype=np.int32) if word_ids else np.empty(0, dtype=np.int32),
        np.frombuffer(starts, dtype=np.int64),
        len(numbers),
    )


def unknown_shares(counts: csr_array) -> NDArray[np.float64]:
    """Return the share of each row's distinct words that are in no other row, (n_rows,)."""
    n_rows_with = np.bincount(counts.indices, minlength=counts.shape[1])
    n_alone = counts.sign() @ (n_rows_with == 1)
    shares: NDArray[np.float64] = n_alone / np.maximum(np.diff(counts.indptr), 1)
    return shares
