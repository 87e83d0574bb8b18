"""One-vs-rest linear SVMs and the features that they read.

One separates the texts of each topic from the others, and a last one those of which no topic fits.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.svm import LinearSVC

from service.model import EncodedText
from service.model.field_encoder import LEAD, TITLE, NewsEncoder
from training.recipes.examples import TrainingTexts
from training.recipes.features import FeatureSettings, FieldFeatures, fit_features


@dataclass(frozen=True, slots=True)
class SVMSettings:
    """Settings of the SVMs."""

    C: float = 0.7  # inverse strength of regularisation
    any_topic_weight: float = 0.75  # of "is it any of the topics?" beside "the primary one?"
    negative_factor: float = 2.0  # newswires without a topic are a fifth of those with one


@dataclass(frozen=True, slots=True)
class LinearSVMs:
    """Fitted SVMs."""

    features: FieldFeatures
    kernel: NDArray[np.float32]  # (n_ids, n_topics + 1), for "no topic fits" last
    bias: NDArray[np.float32]  # (n_topics + 1,)

    def margins(self, encoded: Sequence[EncodedText]) -> NDArray[np.float32]:
        """Return the margins of texts, float32 of shape (n_texts, n_topics + 1)."""
        margins: NDArray[np.float32] = self.features.rows(encoded) @ self.kernel + self.bias
        return margins


def read_synonyms() -> dict[str, list[str]]:
    """Return modern words, each with the words of 1987 that it stands for.

    Reviewed by hand, and chosen without the sets that are measured on.
    """
    content = files("training.recipes").joinpath("synonyms.json").read_bytes()
    synonyms: dict[str, list[str]] = json.loads(content)
    return synonyms


def add_synonyms(
    svms: LinearSVMs, synonyms: Mapping[str, list[str]]
) -> tuple[LinearSVMs, dict[str, list[str]]]:
    """Add the synonyms whose word is unknown and whose equivalents are all known; return them too.

    A text with such a word, also in its title or lead, has the margins of a text with all of its
    equivalents.
    """
    known = svms.features.encoder.vocabulary
    usable = {
        word: equivalents
        for word, equivalents in synonyms.items()
        if word not in known and all(item in known for item in equivalents)
    }
    vocabulary, old_weights = dict(known), svms.features.token_weights
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
    features = FieldFeatures(NewsEncoder(vocabulary), token_weights)
    return LinearSVMs(features, kernel, svms.bias), usable


def fit_svms(
    texts: TrainingTexts,
    settings: SVMSettings,
    feature_settings: FeatureSettings,
    reserved: Collection[str] = (),
) -> LinearSVMs:
    """Fit features to whole newswires and written negatives, and SVMs to all texts.

    Negatives are left out of the SVMs of topics: some are about a topic that they were not given.
    """
    newswires = texts.only(texts.whole)
    written = texts.only(texts.written & texts.negative)
    features = fit_features(
        newswires.texts, newswires.labels, feature_settings, written.texts, reserved
    )
    weights = fit_weights(features.rows(features.encode(texts.texts)), texts, settings)
    return LinearSVMs(features, weights[:-1], weights[-1])


def fit_weights(
    rows: csr_array, texts: TrainingTexts, settings: SVMSettings
) -> NDArray[np.float32]:
    """Return coefficients, and last the intercepts, float32 of shape (n_ids + 1, n_topics + 1)."""
    # LIBLINEAR takes float64, with indices of 32 bits
    indices = (rows.indices.astype(np.int32), rows.indptr.astype(np.int32))
    rows = csr_array((rows.data.astype(np.float64), *indices), shape=rows.shape)
    asked = np.flatnonzero(~texts.negative)
    inputs = (rows[asked], texts.weights()[asked], settings.C)
    topics = fit_each(texts.primary_topic[asked], *inputs)
    if weight := settings.any_topic_weight:
        topics = (topics + weight * fit_each(texts.any_topic[asked], *inputs)) / (1 + weight)
    weights = texts.weights(settings.negative_factor)
    no_topic = fit_each(~texts.topical[:, np.newaxis], rows, weights, settings.C)
    return np.hstack([topics, no_topic]).astype(np.float32)


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
