"""Features of a linear classifier: TF-IGM weighted tokens, a sparse row per text."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from service.model import EncodedText, NewsText
from service.model.field_encoder import NewsEncoder, is_number
from service.model.token_counts import FIRST_WORD_ID, UNKNOWN_ID


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """Vocabulary and weights of the tokens."""

    min_newswires: int = 2  # minimum document frequency of a token
    igm_weight: float = 1.0  # additional weight of a token of one topic only


@dataclass(frozen=True, slots=True)
class FieldFeatures:
    """Tokens of title, lead and text, weighted by TF-IGM."""

    encoder: NewsEncoder  # of numbers first, then tokens by falling document frequency
    token_weights: NDArray[np.float32]  # (n_ids,), 0 for the ids that carry no word

    def encode(self, texts: Sequence[NewsText]) -> list[EncodedText]:
        """Encode texts by the vocabulary of these features."""
        return [self.encoder.encode(item.text, item.title) for item in texts]

    def rows(self, encoded: Sequence[EncodedText]) -> csr_array:
        """Return the features of texts, sparse float32 of shape (n_texts, n_ids)."""
        return tf_igm(count_rows(encoded, len(self.token_weights)), self.token_weights)


def fit_features(
    texts: Sequence[NewsText],
    labels: NDArray[np.int64],
    settings: FeatureSettings,
    negatives: Sequence[NewsText] = (),
    reserved: Collection[str] = (),
) -> FieldFeatures:
    """Build the vocabulary from training texts and weigh its tokens.

    Tokens of the negatives are added, other than reserved words: synonyms. The unknown word weighs
    as much as a word of one text, so unknown words lower the scores.
    """
    frequencies = _document_frequencies(texts)
    kept = {token for token, n in frequencies.items() if n >= settings.min_newswires}
    for token, n in _document_frequencies(negatives).items():
        if n >= settings.min_newswires and token.rpartition(":")[2] not in reserved:
            kept.add(token)
    ranking = sorted(kept, key=lambda token: (not is_number(token), -frequencies[token], token))
    vocabulary = {token: token_id for token_id, token in enumerate(ranking, FIRST_WORD_ID)}
    encoder = NewsEncoder(vocabulary)
    encoded = [encoder.encode(item.text, item.title) for item in texts]
    counts = count_rows(encoded, FIRST_WORD_ID + len(ranking))
    weights = idf_igm(counts, labels, settings.igm_weight)
    weights[:FIRST_WORD_ID] = 0
    weights[UNKNOWN_ID] = idf(np.ones(1), len(texts))[0]
    return FieldFeatures(encoder, weights.astype(np.float32))


def _document_frequencies(texts: Sequence[NewsText]) -> Counter[str]:
    return Counter(
        token for item in texts for token in set(NewsEncoder.field_tokens(item.text, item.title))
    )


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
    by_topic = np.asarray(present.T @ np.eye(len(topics))[indices])  # (n_ids, n_topics)
    ranked = -np.sort(-by_topic, axis=1)
    igm = ranked[:, 0] / np.maximum(ranked @ np.arange(1, len(topics) + 1), 1)
    return idf(by_topic.sum(axis=1), len(labels)) * (1 + igm_weight * igm)


def idf(document_frequencies: NDArray[np.float64], n_texts: int) -> NDArray[np.float64]:
    """Inverse document frequency as in scikit-learn: ``log((1 + n) / (1 + df)) + 1``."""
    return np.log((1 + n_texts) / (1 + document_frequencies)) + 1
