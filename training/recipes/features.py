"""From texts to what a linear classifier learns from: weighted tokens, a sparse row a text."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from service.model import EncodedText, NewsText
from service.model.encoder import FIRST_WORD_ID, UNKNOWN_ID
from service.model.field_encoder import LEAD, TITLE, NewsEncoder, is_number
from training.data.reuters_expected import TOPIC_CODES


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """Which tokens there are, and what they weigh.

    Attributes
    ----------
    min_newswires : int
        How many newswires a token must stand in to be in the vocabulary.
    igm_weight : float
        How much more a token weighs that stands in newswires of a single topic.
    """

    min_newswires: int = 2
    igm_weight: float = 1.0


@dataclass(frozen=True, slots=True)
class FieldFeatures:
    """Tokens told apart by where they stand, weighted by how rare and how telling they are.

    Attributes
    ----------
    encoder : NewsEncoder
        Has the vocabulary: numbers first, then the more frequent a token, the lower its id.
    token_weights : float32 array of shape (n_ids,)
        Weight of each token id; 0 for the ids that carry no word.
    """

    encoder: NewsEncoder
    token_weights: NDArray[np.float32]

    def encode(self, texts: Sequence[NewsText]) -> list[EncodedText]:
        """Encode texts by the vocabulary of these features."""
        return [self.encoder.encode(item.text, item.title) for item in texts]

    def rows(self, encoded: Sequence[EncodedText]) -> csr_array:
        """Weigh the tokens of texts.

        Parameters
        ----------
        encoded : sequence of EncodedText, of length n_texts

        Returns
        -------
        sparse float32 array of shape (n_texts, n_ids)
            As from `tf_igm`.
        """
        return tf_igm(count_rows(encoded, len(self.token_weights)), self.token_weights)

    def usable_synonyms(self, synonyms: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Return those whose word is unknown here and whose equivalents are all known."""
        vocabulary = self.encoder.vocabulary
        return {
            word: list(equivalents)
            for word, equivalents in synonyms.items()
            if word not in vocabulary and all(item in vocabulary for item in equivalents)
        }

    def with_synonyms(
        self, synonyms: Mapping[str, Sequence[str]], kernel: NDArray[np.float32]
    ) -> tuple["FieldFeatures", NDArray[np.float32]]:
        """Return features that know more words, and the rows of a kernel for their tokens.

        A text with such a word gets the margins that it gets with all of its equivalents.

        Parameters
        ----------
        synonyms : mapping of str to sequence of str
            As from `usable_synonyms`.
        kernel : float32 array of shape (n_ids, n_outputs)

        Returns
        -------
        FieldFeatures
            With an id for each new word, and for it in the title and in the lead.
        float32 array of shape (n_new_ids, n_outputs)
        """
        vocabulary = dict(self.encoder.vocabulary)
        weights: list[float] = []
        rows: list[NDArray[np.float32]] = []
        for word, equivalents in synonyms.items():
            for field in ("", TITLE, LEAD):
                ids = [
                    vocabulary[field + item] for item in equivalents if field + item in vocabulary
                ]
                if ids:
                    vocabulary[field + word] = len(self.token_weights) + len(rows)
                    shares = self.token_weights[ids]
                    weights.append(float(np.linalg.norm(shares)))
                    rows.append(shares @ kernel[ids] / weights[-1])
        new_weights = np.append(self.token_weights, weights).astype(np.float32)
        new_rows = np.array(rows, dtype=np.float32).reshape(len(rows), kernel.shape[1])
        return FieldFeatures(NewsEncoder(vocabulary), new_weights), new_rows


def fit_features(
    texts: Sequence[NewsText],
    labels: NDArray[np.int64],
    settings: FeatureSettings,
    *,
    negatives: Sequence[NewsText] = (),
    reserved: Collection[str] = (),
) -> FieldFeatures:
    """Take the vocabulary from training texts, and what each of its tokens weighs there.

    Parameters
    ----------
    texts : sequence of NewsText, of length n_texts
    labels : int64 array of shape (n_texts,)
    settings : FeatureSettings
    negatives : sequence of NewsText
        Texts without a topic. Their words are in the vocabulary too, so that words which the
        newswires do not have can say that no topic fits.
    reserved : collection of str
        Words that only the newswires can bring into the vocabulary: synonyms.

    Notes
    -----
    The unknown word weighs as much as a word that one text has: so the more of a text is unknown,
    the less say has the rest, and the lower are its scores.
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
    """Give how often each token stands in each text, sparse float32 of shape (n_texts, n_ids)."""
    columns = np.concatenate([text.token_ids for text in encoded])
    counts = np.concatenate([text.token_counts for text in encoded])
    ends = np.cumsum([len(text.token_ids) for text in encoded])
    return csr_array((counts, columns, np.concatenate([[0], ends])), shape=(len(encoded), n_ids))


def tf_igm(counts: csr_array, token_weights: NDArray[np.floating]) -> csr_array:
    """Turn counts into weights.

    Parameters
    ----------
    counts : sparse array of shape (n_texts, n_ids)
    token_weights : array of shape (n_ids,)

    Returns
    -------
    sparse float32 array of shape (n_texts, n_ids)
        ``(1 + log(count)) * token_weight``, each row of length 1 in the Euclidean norm, or 0.
    """
    rows = counts.astype(np.float64)
    rows.data = (1 + np.log(rows.data)) * token_weights[rows.indices]
    norms = np.sqrt(rows.multiply(rows).sum(axis=1))
    rows.data /= np.repeat(np.where(norms > 0, norms, 1), np.diff(rows.indptr))
    return rows.astype(np.float32)


def idf_igm(
    counts: csr_array, labels: NDArray[np.int64], igm_weight: float
) -> NDArray[np.float64]:
    """Say how much each token weighs: the rarer, and the fewer topics it stands for, the more.

    Parameters
    ----------
    counts : sparse array of shape (n_texts, n_ids)
    labels : int64 array of shape (n_texts,)
        ``NO_TOPIC`` counts as a topic.
    igm_weight : float
        0 leaves the topics out.

    Returns
    -------
    float64 array of shape (n_ids,)

    Notes
    -----
    ``idf * (1 + igm_weight * igm)``. The inverse gravity moment is 1 for a token of one
    topic only, and the lower, the more evenly it is spread over the topics: K. Chen et al.,
    "Turning from TF-IDF to TF-IGM for term weighting in text classification", Expert Systems with
    Applications, 2016.
    """
    present = counts.astype(bool).astype(np.float64)
    topics = np.eye(len(TOPIC_CODES) + 1)[labels]  # the last for NO_TOPIC
    by_topic = np.asarray(present.T @ topics)  # (n_ids, n_topics)
    ranked = -np.sort(-by_topic, axis=1)
    moment = ranked @ np.arange(1, len(TOPIC_CODES) + 2)
    igm = ranked[:, 0] / np.maximum(moment, 1)
    return idf(by_topic.sum(axis=1), len(labels)) * (1 + igm_weight * igm)


def idf(document_frequencies: NDArray[np.float64], n_texts: int) -> NDArray[np.float64]:
    """Inverse document frequency as in scikit-learn: ``log((1 + n) / (1 + df)) + 1``."""
    return np.log((1 + n_texts) / (1 + document_frequencies)) + 1
