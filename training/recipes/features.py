"""Features of a linear classifier: TF-IGM weighted tokens, a sparse row per text."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from service.model import EncodedText
from service.model.field_encoder import NewsEncoder, is_number
from service.model.token_counts import FIRST_WORD_ID, UNKNOWN_ID
from training.recipes.counts import TokenCounts

MAX_KERNEL_BYTES: Final = 20_000_000  # a byte for each token and topic; the service reads 32 MB


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """Vocabulary and weights of the tokens."""

    min_newswires: int = 2  # minimum document frequency of a token
    igm_weight: float = 1.0  # additional weight of a token of one topic only
    max_tokens: int = 400_000  # the most frequent are kept; fewer with over 50 topics


@dataclass(frozen=True, slots=True)
class FieldFeatures:
    """Tokens of title, lead and text, weighted by TF-IGM."""

    encoder: NewsEncoder  # of numbers first, then tokens by falling document frequency
    token_weights: NDArray[np.float32]  # (n_ids,), 0 for the ids that carry no word

    def rows(self, encoded: Sequence[EncodedText]) -> csr_array:
        """Return the features of texts, sparse float32 of shape (n_texts, n_ids)."""
        return tf_igm(count_rows(encoded, len(self.token_weights)), self.token_weights)

    def rows_of_counts(self, counts: TokenCounts) -> csr_array:
        """Return the features of counted texts, the same as `rows` of them encoded."""
        return tf_igm(counts.encoded(self.encoder, len(self.token_weights)), self.token_weights)


def fit_features(
    counts: TokenCounts,
    labels: NDArray[np.int64],
    settings: FeatureSettings,
    negatives: TokenCounts | None = None,
    reserved: Collection[str] = (),
) -> FieldFeatures:
    """Build the vocabulary from training texts and weigh its tokens.

    Tokens of the negatives, which are counts of the same tokens, are added, other than reserved
    words: synonyms. The unknown word weighs as much as a word of one text, so unknown words lower
    the scores.
    """
    frequencies = counts.document_frequencies()
    kept = frequencies >= settings.min_newswires
    if negatives is not None:
        usable = [token.rpartition(":")[2] not in reserved for token in counts.tokens]
        kept |= (negatives.document_frequencies() >= settings.min_newswires) & np.array(usable)
    ranking = _rank(counts.tokens, frequencies, kept)
    most = min(settings.max_tokens, MAX_KERNEL_BYTES // len(np.unique(labels)))
    if len(ranking) > most:
        ranking = _with_words(ranking[:most])
    encoder = NewsEncoder(
        {token: token_id for token_id, token in enumerate(ranking, FIRST_WORD_ID)}
    )
    rows = counts.encoded(encoder, FIRST_WORD_ID + len(ranking))
    weights = idf_igm(rows, labels, settings.igm_weight)
    weights[:FIRST_WORD_ID] = 0
    weights[UNKNOWN_ID] = idf(np.ones(1), len(labels))[0]
    return FieldFeatures(encoder, weights.astype(np.float32))


def _rank(
    tokens: Sequence[str], frequencies: NDArray[np.int64], kept: NDArray[np.bool_]
) -> list[str]:
    """Return the kept tokens: numbers, then by falling document frequency and by name."""
    names = (tokens[index] for index in np.flatnonzero(kept).tolist())
    falling = (-frequencies[kept]).tolist()
    ranked = sorted((not is_number(name), n, name) for name, n in zip(names, falling, strict=True))
    return [name for _, _, name in ranked]


def _with_words(tokens: Iterable[str]) -> list[str]:
    """Leave out the tokens of a field whose word, as frequent as they, was cut off."""
    known = set(tokens)
    return [token for token in tokens if token.rpartition(":")[2] in known]


def count_rows(encoded: Sequence[EncodedText], n_ids: int) -> csr_array:
    """Count the tokens of texts, sparse float32 of shape (n_texts, n_ids)."""
    columns = np.concatenate([text.token_ids for text in encoded])
    counts = np.concatenate([text.token_counts for text in encoded])
    ends = np.cumsum([len(text.token_ids) for text in encoded])
    return csr_array((counts, columns, np.concatenate([[0], ends])), shape=(len(encoded), n_ids))


def tf_igm(counts: csr_array, token_weights: NDArray[np.floating]) -> csr_array:
    """Return ``(1 + log(count)) * token_weight``, each row of length 1 or 0, sparse float32."""
    rows = counts.astype(np.float64)
    rows.data = (1 + np.log(rows.data)) * token_weights[rows.indices]
    norms = np.sqrt(rows.multiply(rows).sum(axis=1))
    rows.data /= np.repeat(np.where(norms > 0, norms, 1), np.diff(rows.indptr))
    return rows.astype(np.float32)


def idf_igm(counts: csr_array, labels: NDArray[np.int64], igm_weight: float) -> NDArray[np.float64]:
    """Return ``idf * (1 + igm_weight * igm)``, float64 of shape (n_ids,); NO_TOPIC is a topic too.

    The inverse gravity moment is 1 for a token of one topic only, and falls towards 0 the more
    evenly a token is spread over the topics: K. Chen et al., "Turning from TF-IDF to TF-IGM for
    term weighting in text classification", Expert Systems with Applications, 2016.
    """
    present = counts.astype(bool).astype(np.float64)
    topics, indices = np.unique(labels, return_inverse=True)
    one_hot = csr_array(
        (np.ones(len(labels)), indices, np.arange(len(labels) + 1)), (len(labels), len(topics))
    )
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
