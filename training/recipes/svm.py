"""One-vs-rest linear SVMs and the features that they read.

One separates the texts of each topic from the others, and a last one those of which no topic fits.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.svm import LinearSVC

from service.model import EncodedText
from training.recipes.examples import TrainingTexts
from training.recipes.features import FeatureSettings, FieldFeatures, fit_features


@dataclass(frozen=True, slots=True)
class SVMSettings:
    """Settings of the SVMs.

    Attributes
    ----------
    C : float
        Inverse strength of regularisation.
    any_topic_weight : float
        Weight of "is it any of the topics?" beside "is it the primary topic?".
    negative_factor : float
        Factor of the sample weights of newswires without a topic: there are 5 times as many with.
    """

    C: float = 0.7
    any_topic_weight: float = 0.75
    negative_factor: float = 2.0


@dataclass(frozen=True, slots=True)
class LinearSVMs:
    """Fitted SVMs.

    Attributes
    ----------
    kernel : float32 array of shape (n_ids, n_topics + 1)
        Coefficients for each topic, and last for "no topic fits".
    bias : float32 array of shape (n_topics + 1,)
    """

    features: FieldFeatures
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]

    def margins(self, encoded: Sequence[EncodedText]) -> NDArray[np.float32]:
        """Return the margins of texts, float32 of shape (n_texts, n_topics + 1)."""
        margins: NDArray[np.float32] = self.features.rows(encoded) @ self.kernel + self.bias
        return margins

    def with_synonyms(self, synonyms: Mapping[str, Sequence[str]]) -> "LinearSVMs":
        """Add words by the words of the vocabulary that they stand for."""
        features, rows = self.features.with_synonyms(synonyms, self.kernel)
        return LinearSVMs(features, np.vstack([self.kernel, rows]), self.bias)


def fit_svms(
    texts: TrainingTexts,
    settings: SVMSettings,
    feature_settings: FeatureSettings,
    *,
    reserved: Collection[str] = (),
) -> LinearSVMs:
    """Fit features to whole newswires and written negatives, and SVMs to all texts.

    Parameters
    ----------
    reserved : collection of str
        As for `fit_features`.

    Notes
    -----
    Negatives are left out of the SVMs of topics: some are about a topic that they were not given.
    """
    newswires = texts.only(texts.whole)
    features = fit_features(
        newswires.texts,
        newswires.labels,
        feature_settings,
        negatives=texts.only(texts.written & texts.negative).texts,
        reserved=reserved,
    )
    weights = fit_weights(features.rows(features.encode(texts.texts)), texts, settings)
    return LinearSVMs(features, weights[:-1], weights[-1])


def fit_weights(
    rows: csr_array, texts: TrainingTexts, settings: SVMSettings
) -> NDArray[np.float32]:
    """Return coefficients, and last the intercepts, float32 of shape (n_ids + 1, n_topics + 1)."""
    rows = to_float64(rows)
    asked = np.flatnonzero(~texts.negative)

    def fit_topics(targets: NDArray[np.bool_]) -> NDArray[np.float64]:
        return fit_each(rows[asked], targets[asked], texts.weights[asked], settings.C)

    topics = fit_topics(texts.primary_topic)
    if weight := settings.any_topic_weight:
        topics = (topics + weight * fit_topics(texts.any_topic)) / (1 + weight)
    no_topic = fit_each(
        rows,
        ~texts.topical[:, np.newaxis],
        texts.weights_with(settings.negative_factor),
        settings.C,
    )
    return np.hstack([topics, no_topic]).astype(np.float32)


def fit_each(
    rows: csr_array,
    targets: NDArray[np.bool_],
    weights: NDArray[np.floating],
    c: float,
) -> NDArray[np.float64]:
    """Fit an SVM to each column of the targets.

    Parameters
    ----------
    rows : sparse float64 array of shape (n_texts, n_ids)
    targets : bool array of shape (n_texts, n_svms)
    weights : array of shape (n_texts,)

    Returns
    -------
    float64 array of shape (n_ids + 1, n_svms)
        Coefficients, and last the intercept: 1 or -1 alone where all targets are the same.

    Notes
    -----
    L2 regularisation and squared hinge loss: T. Joachims, "Text categorization with support vector
    machines", ECML 1998; R.-E. Fan et al., "LIBLINEAR", JMLR 2008. LIBLINEAR's dual solver takes a
    seventh of the time of its primal one. Its random numbers are global: fits in threads would not
    be repeatable.
    """

    def fit(target: NDArray[np.bool_]) -> NDArray[np.float64]:
        if target.all() or not target.any():
            constant = np.zeros(rows.shape[1] + 1)
            constant[-1] = 1 if target.all() else -1
            return constant
        svm = LinearSVC(C=c, dual=True, random_state=0).fit(rows, target, weights)
        return np.append(svm.coef_[0], svm.intercept_)

    return np.stack([fit(target) for target in targets.T], axis=1)


def to_float64(rows: csr_array) -> csr_array:
    """Return rows as LIBLINEAR takes them: float64, with indices of 32 bits."""
    return csr_array(
        (rows.data.astype(np.float64), rows.indices.astype(np.int32), rows.indptr.astype(np.int32)),
        shape=rows.shape,
    )
