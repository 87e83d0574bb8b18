"""Features of a linear classifier: TF-IGM weighted tokens, a sparse row per text."""

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.preprocessing import normalize

from service.model import EncodedText, NewsText
from service.model.field_encoder import NewsEncoder, is_number
from service.model.token_counts import FIRST_WORD_ID, UNKNOWN_ID

MAX_KERNEL_BYTES: Final = 20_000_000  # a byte for each token and topic; the service reads 32 MB


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """Vocabulary and weights of the tokens."""

    min_newswires: int = 2  # minimum document frequency of a token
    igm_weight: float = 1.0  # additional weight of a token of one topic only
    max_tokens: int = 400_000  # the most frequent are kept; fewer with over 50 topics


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Token counts of texts, so that texts are tokenized once and not for each fold."""

    tokens: Sequence[str]  # distinct tokens of all texts, by `NewsEncoder.field_tokens`
    rows: csr_array  # float32 (n_texts, n_tokens)

    @classmethod
    def of(cls, texts: Sequence[NewsText]) -> Self:
        """Count the tokens of texts: words, title words and lead words."""
        columns: dict[str, int] = {}
        rows = []
        for item in texts:
            tokens = NewsEncoder.field_tokens(item.text, item.title)
            rows.append(array("i", [columns.setdefault(token, len(columns)) for token in tokens]))
        return cls(list(columns), count_ids(rows, len(columns)))

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the counts of the texts where ``chosen``, of shape (n_texts,), is true."""
        return type(self)(self.tokens, self.rows[np.flatnonzero(chosen)])

    def document_frequencies(self) -> NDArray[np.int64]:
        """Return the number of texts with each token, of shape (n_tokens,)."""
        return np.bincount(self.rows.indices, minlength=len(self.tokens))


def fit_encoder(
    counts: TokenCounts,
    n_topics: int,
    settings: FeatureSettings,
    negatives: TokenCounts | None = None,
    reserved: Collection[str] = (),
) -> NewsEncoder:
    """Build the vocabulary of training texts: numbers first, then by falling document frequency.

    Tokens of the negatives, which are counts of the same tokens, are added, except reserved words:
    synonyms.
    """
    frequencies = counts.document_frequencies()
    kept = frequencies >= settings.min_newswires
    if negatives is not None:
        usable = [token.rpartition(":")[2] not in reserved for token in counts.tokens]
        kept |= (negatives.document_frequencies() >= settings.min_newswires) & np.array(usable)
    names = [counts.tokens[column] for column in np.flatnonzero(kept).tolist()]
    falling = dict(zip(names, (-frequencies[kept]).tolist(), strict=True))
    names.sort(key=lambda name: (not is_number(name), falling[name], name))
    most = min(settings.max_tokens, MAX_KERNEL_BYTES // n_topics)
    if len(names) > most:
        known = set(names[:most])  # drops tokens of a field whose word is cut off
        names = [name for name in names[:most] if name.rpartition(":")[2] in known]
    return NewsEncoder({name: token_id for token_id, name in enumerate(names, FIRST_WORD_ID)})


def weigh_tokens(
    counts: csr_array, labels: NDArray[np.int64], igm_weight: float
) -> NDArray[np.float32]:
    """Return the weights of token ids by `idf_igm`, (n_ids,); 0 for the ids that carry no word.

    The unknown word weighs as much as a word of one text, so unknown words lower the scores.
    """
    weights = idf_igm(counts, labels, igm_weight)
    weights[:FIRST_WORD_ID] = 0
    weights[UNKNOWN_ID] = idf(np.ones(1), len(labels))[0]
    return weights.astype(np.float32)


def count_rows(encoded: Sequence[EncodedText], n_ids: int) -> csr_array:
    """Return the counts of token ids, sparse float32 of shape (n_texts, n_ids)."""
    ids = np.concatenate([text.token_ids for text in encoded])
    counts = np.concatenate([text.token_counts for text in encoded])
    ends = np.cumsum([0, *(len(text.token_ids) for text in encoded)])
    return csr_array((counts, ids, ends), shape=(len(encoded), n_ids))


def count_ids(rows: Sequence[Sequence[int]], n_ids: int) -> csr_array:
    """Count the ids of each row, sparse float32 of shape (n_rows, n_ids)."""
    ids = np.fromiter(chain.from_iterable(rows), np.int64)
    ends = np.cumsum([0, *map(len, rows)])
    counts = csr_array((np.ones(len(ids), np.float32), ids, ends), shape=(len(rows), n_ids))
    counts.sum_duplicates()
    return counts


def tf_igm(counts: csr_array, token_weights: NDArray[np.floating]) -> csr_array:
    """Return ``(1 + log(count)) * token_weight``, sparse float32 rows of norm 1 or 0."""
    rows = counts.astype(np.float64)
    rows.data = (1 + np.log(rows.data)) * token_weights[rows.indices]
    return normalize(rows).astype(np.float32)


def idf_igm(counts: csr_array, labels: NDArray[np.int64], igm_weight: float) -> NDArray[np.float64]:
    """Return ``idf * (1 + igm_weight * igm)``, float64 of shape (n_ids,); NO_TOPIC is a topic too.

    The inverse gravity moment is 1 for a token of one topic only, and falls towards 0 the more
    evenly a token is spread over the topics: K. Chen et al., "Turning from TF-IDF to TF-IGM for
    term weighting in text classification", Expert Systems with Applications, 2016.
    """
    present = counts.astype(bool).astype(np.float64)
    topics, indices = np.unique(labels, return_inverse=True)
    one_hot = count_ids(indices[:, np.newaxis].tolist(), len(topics))
    by_topic = csr_array(present.T @ one_hot)  # (n_ids, n_topics)
    token = np.repeat(np.arange(by_topic.shape[0]), np.diff(by_topic.indptr))
    order = np.lexsort((-by_topic.data, token))  # the topics of each token by falling frequency
    rank = 1 + np.arange(len(order)) - by_topic.indptr[token]
    moments = np.bincount(token, by_topic.data[order] * rank, by_topic.shape[0])
    igm: NDArray[np.float64] = by_topic.max(axis=1).toarray() / np.maximum(moments, 1)
    return idf(by_topic.sum(axis=1), len(labels)) * (1 + igm_weight * igm)


def idf(document_frequencies: NDArray[np.float64], n_texts: int) -> NDArray[np.float64]:
    """Inverse document frequency as in scikit-learn: ``log((1 + n) / (1 + df)) + 1``."""
    return np.log((1 + n_texts) / (1 + document_frequencies)) + 1
