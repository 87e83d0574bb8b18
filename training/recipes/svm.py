"""One-vs-rest linear SVMs and the features that they read.

Each separates the texts of a topic from the others. Where there are negatives, a last one separates
those that no topic fits.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.svm import LinearSVC

from service.model import EncodedText
from service.model.field_encoder import LEAD, TITLE, NewsEncoder
from service.model.token_counts import FIRST_WORD_ID
from training.recipes.examples import TrainingTexts
from training.recipes.features import (
    FeatureSettings,
    count_rows,
    fit_encoder,
    tf_igm,
    weigh_tokens,
)

C_OF_REUTERS: Final = 0.7


@dataclass(frozen=True, slots=True)
class SVMSettings:
    """Settings of the SVMs."""

    C: float | None = None  # inverse regularisation; None: `C_OF_REUTERS`, or chosen by a recipe
    any_topic_weight: float = 0.75  # weight of "any of the topics?" beside "the primary one?"
    negative_factor: float = 2.0  # newswires without a topic are a fifth of those with one


@dataclass(frozen=True, slots=True)
class LinearSVMs:
    """Fitted SVMs."""

    encoder: NewsEncoder
    token_weights: NDArray[np.float32]  # (n_ids,)
    kernel: NDArray[np.float32]  # (n_ids, n_outputs), for "no topic fits" last
    bias: NDArray[np.float32]  # (n_outputs,)

    def margins(self, encoded: Sequence[EncodedText]) -> NDArray[np.float32]:
        """Return the margins of texts, float32 of shape (n_texts, n_outputs)."""
        rows = tf_igm(count_rows(encoded, len(self.token_weights)), self.token_weights)
        return np.asarray(rows @ self.kernel + self.bias)


def add_synonyms(
    svms: LinearSVMs, synonyms: Mapping[str, list[str]]
) -> tuple[LinearSVMs, dict[str, list[str]]]:
    """Add the synonyms whose word is unknown and whose equivalents are all known; return them too.

    A text with such a word, also in its title or lead, has the margins of a text with all of its
    equivalents.
    """
    known = svms.encoder.vocabulary
    usable = {
        word: equivalents
        for word, equivalents in synonyms.items()
        if word not in known and all(item in known for item in equivalents)
    }
    vocabulary, old_weights = dict(known), svms.token_weights
    weights: list[float] = []
    rows: list[NDArray[np.float32]] = []
    for word, equivalents in usable.items():
        for field in ("", TITLE, LEAD):
            ids = [vocabulary[field + item] for item in equivalents if field + item in vocabulary]
            if ids:
                vocabulary[field + word] = len(old_weights) + len(rows)
                shares = old_weights[ids]
                weights.append(float(np.linalg.norm(shares)))
                rows.append(shares @ svms.kernel[ids] / weights[-1])
    token_weights = np.append(old_weights, weights).astype(np.float32)
    kernel = np.vstack([svms.kernel, *rows]).astype(np.float32)
    return LinearSVMs(NewsEncoder(vocabulary), token_weights, kernel, svms.bias), usable


def fit_svms(
    texts: TrainingTexts,
    settings: SVMSettings,
    feature_settings: FeatureSettings,
    reserved: Collection[str] = (),
    *,
    no_topic: bool = True,
) -> LinearSVMs:
    """Fit the encoder to whole newswires and written negatives, and SVMs to all texts.

    Negatives are left out of the SVMs of topics: some are about a topic that they were not given.
    """
    whole, written = texts.whole, texts.written & texts.negative
    encoder = fit_encoder(
        texts.counts.only(whole),
        len(np.unique(texts.labels[whole])),
        feature_settings,
        texts.counts.only(written),
        reserved,
    )
    encoded = [encoder.encode(item.text, item.title) for item in texts.texts]
    counts = count_rows(encoded, FIRST_WORD_ID + len(encoder.vocabulary))
    token_weights = weigh_tokens(counts[whole], texts.labels[whole], feature_settings.igm_weight)
    rows = tf_igm(counts, token_weights)
    weights = fit_weights(rows, texts, settings, no_topic=no_topic)
    return LinearSVMs(encoder, token_weights, weights[:-1], weights[-1])


def fit_weights(
    rows: csr_array, texts: TrainingTexts, settings: SVMSettings, *, no_topic: bool = True
) -> NDArray[np.float32]:
    """Return coefficients, and last the intercepts, float32 of shape (n_ids + 1, n_outputs)."""
    # LIBLINEAR takes float64, with indices of 32 bits
    indices = (rows.indices.astype(np.int32), rows.indptr.astype(np.int32))
    rows = csr_array((rows.data.astype(np.float64), *indices), shape=rows.shape)
    asked = np.flatnonzero(~texts.negative)
    inputs = (rows if len(asked) == rows.shape[0] else rows[asked], texts.weights()[asked])
    primary, any_topic = texts.primary_topic[asked], texts.any_topic[asked]
    c = C_OF_REUTERS if settings.C is None else settings.C
    topics = fit_each(primary, *inputs, c)
    weight = settings.any_topic_weight
    if weight and (primary != any_topic).any():  # else the SVMs would be the same
        topics = (topics + weight * fit_each(any_topic, *inputs, c)) / (1 + weight)
    del inputs
    if not no_topic:
        return topics.astype(np.float32)
    weights = texts.weights(settings.negative_factor)
    last = fit_each(~texts.topical[:, np.newaxis], rows, weights, c)
    return np.hstack([topics, last]).astype(np.float32)


def fit_each(
    targets: NDArray[np.bool_], rows: csr_array, weights: NDArray[np.floating], c: float
) -> NDArray[np.float64]:
    """Fit an SVM to each column of the targets, which have the shape (n_texts, n_svms).

    Return coefficients, and last the intercepts, of shape (n_ids + 1, n_svms): the intercept 1 or
    -1 alone where all targets are the same.

    L2 regularisation and squared hinge loss: T. Joachims, "Text categorization with support vector
    machines", ECML 1998; R.-E. Fan et al., "LIBLINEAR", JMLR 2008. LIBLINEAR's dual solver takes a
    seventh of the time of its primal one. Its random numbers are global: fits in threads would not
    be repeatable.
    """

    def fit(target: NDArray[np.bool_]) -> NDArray[np.float64]:
        if target.all() or not target.any():
            return np.append(np.zeros(rows.shape[1]), 1 if target.all() else -1)
        svm = LinearSVC(C=c, dual=True, random_state=0).fit(rows, target, weights)
        return np.append(svm.coef_[0], svm.intercept_)

    return np.stack([fit(target) for target in targets.T], axis=1)
