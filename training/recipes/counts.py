"""Counts of the tokens of texts, so that texts are split once and not again for each fold."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from service.model import NewsText
from service.model.field_encoder import NewsEncoder, is_number
from service.model.token_counts import FIRST_WORD_ID, PAD_ID, UNKNOWN_ID


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """How often each text has each token of words, title words and lead words."""

    tokens: Sequence[str]  # of all texts, as `NewsEncoder.field_tokens` returns them
    rows: csr_array  # float32 (n_texts, n_tokens)

    @classmethod
    def of(cls, texts: Sequence[NewsText]) -> Self:
        """Count the tokens of texts."""
        columns: dict[str, int] = {}
        indices, ends = array("i"), [0]
        for item in texts:
            for token in NewsEncoder.field_tokens(item.text, item.title):
                indices.append(columns.setdefault(token, len(columns)))
            ends.append(len(indices))
        ones = np.ones(len(indices), dtype=np.float32)
        shape = (len(texts), len(columns))
        rows = csr_array((ones, np.array(indices, dtype=np.int32), ends), shape=shape)
        rows.sum_duplicates()
        return cls(list(columns), rows)

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the counts of the texts where ``chosen``, of shape (n_texts,), is true."""
        return type(self)(self.tokens, self.rows[np.flatnonzero(chosen)])

    def document_frequencies(self) -> NDArray[np.int64]:
        """Return the number of texts with each token, of shape (n_tokens,)."""
        return np.bincount(self.rows.indices, minlength=len(self.tokens))

    def encoded(self, encoder: NewsEncoder, n_ids: int) -> csr_array:
        """Count token ids, float32 of shape (n_texts, n_ids), as if the encoder encoded each text.

        `START_ID`, which every text has, is left out.
        """
        ids = self._ids(encoder)
        (found,) = np.nonzero(ids != PAD_ID)
        ones = np.ones(len(found), dtype=np.float32)
        to_ids = csr_array((ones, (found, ids[found])), shape=(len(ids), n_ids))
        rows = csr_array(self.rows @ to_ids)
        rows.sort_indices()
        return rows

    def known_words_ratios(self, encoder: NewsEncoder) -> NDArray[np.float64]:
        """Return `EncodedText.known_words_ratio` of each text, of shape (n_texts,)."""
        n_numbers = sum(is_number(token) for token in encoder.vocabulary)
        ids = self._ids(encoder)
        words = np.array([":" not in token for token in self.tokens], dtype=bool)
        n_known = self.rows @ (words & (ids >= FIRST_WORD_ID + n_numbers)).astype(np.float64)
        n_unknown = self.rows @ (words & (ids == UNKNOWN_ID)).astype(np.float64)
        return np.asarray(n_known / np.maximum(n_known + n_unknown, 1))

    def _ids(self, encoder: NewsEncoder) -> NDArray[np.int64]:
        """Return the id of each token, of shape (n_tokens,): `UNKNOWN_ID` for an unknown word.

        A word of a field that has no id there has `PAD_ID`.
        """
        words = [token.rpartition(":")[2] for token in self.tokens]
        ids = encoder.word_ids(words)
        known = {token_id: word for word, token_id in encoder.vocabulary.items()}
        for column, token in enumerate(self.tokens):
            field, colon, _ = token.rpartition(":")
            if colon:  # of the word that was found: without its 's, it may be another
                name = f"{field}:{known.get(ids.item(column), '')}"
                ids[column] = encoder.vocabulary.get(name, PAD_ID)
        return ids
