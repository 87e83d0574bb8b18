"""One-vs-rest linear SVMs, with the features that they read.

Two are fitted for each topic: "is it the primary topic?" and "is it any of the topics?". Both are
linear, so their mean is a linear classifier as well, and only that is kept. One more separates
texts of which no topic fits.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.svm import LinearSVC

from service.model import EncodedText
from training.recipes.examples import TrainingTexts
from training.recipes.features import FeatureSettings, FieldFeatures, fit_features


@dataclass(frozen=True, slots=True)
class SVMSettings:
    """How the SVMs are fitted.

    Attributes
    ----------
    C : float
        Inverse strength of regularisation.
    any_topic_weight : float
        Weight of "is it any of the topics?" beside "is it the primary topic?" in their mean.
    negative_factor : float
        How much more newswires without a topic count for "no topic fits": there are 5 times as many
        with a topic.
    """

    C: float = 0.7
    any_topic_weight: float = 0.75
    negative_factor: float = 2.0


@dataclass(frozen=True, slots=True)
class LinearSVMs:
    """Fitted SVMs.

    Attributes
    ----------
    features : FieldFeatures
    layer : keras.layers.Dense
        Rows of the features, float32 (n, n_ids), to margins, float32 (n, n_topics + 1): of each
        topic, and last of "no topic fits".
    """

    features: FieldFeatures
    layer: Any

    def margins(self, encoded: Sequence[EncodedText]) -> NDArray[np.float32]:
        """Return the margins of texts, float32 of shape (n_texts, n_topics + 1)."""
        margins: NDArray[np.float32] = self.layer(to_tensor(self.features.rows(encoded))).numpy()
        return margins

    def with_synonyms(self, synonyms: Mapping[str, Sequence[str]]) -> "LinearSVMs":
        """Return SVMs that know more words, each by the words of the vocabulary that it stands for.

        Parameters
        ----------
        synonyms : mapping of str to sequence of str
            As for `FieldFeatures.with_synonyms`.
        """
        kernel, bias = self.layer.get_weights()
        features, rows = self.features.with_synonyms(synonyms, kernel)
        return LinearSVMs(features, to_layer(np.vstack([kernel, rows]), bias))


def fit_svms(
    texts: TrainingTexts,
    settings: SVMSettings,
    feature_settings: FeatureSettings,
    *,
    reserved: Collection[str] = (),
) -> LinearSVMs:
    """Take the features from whole newswires and written negatives, and fit the SVMs to all texts.

    Parameters
    ----------
    texts : TrainingTexts
    settings : SVMSettings
    feature_settings : FeatureSettings
    reserved : collection of str
        As for `fit_features`.

    Notes
    -----
    L2 regularisation and squared hinge loss: T. Joachims, "Text categorization with support vector
    machines", ECML 1998; R.-E. Fan et al., "LIBLINEAR", JMLR 2008.

    Negatives teach the last SVM alone. Newswires that are about a topic and were not given it are
    among them, and would teach the SVM of that topic to say no.
    """
    newswires = texts.only(texts.whole)
    features = fit_features(
        newswires.texts,
        newswires.labels,
        feature_settings,
        negatives=texts.only(texts.written & texts.negative).texts,
        reserved=reserved,
    )
    rows = to_float64(features.rows(features.encode(texts.texts)))
    asked = np.flatnonzero(~texts.negative)
    targets = np.hstack([texts.primary_topic, texts.any_topic])[asked]
    pairs = fit_each(rows[asked], targets, texts.weights[asked], settings.C)
    no_topic = fit_each(
        rows,
        ~texts.topical[:, np.newaxis],
        texts.weights_with(settings.negative_factor),
        settings.C,
    )
    topics = mean_of_pairs(pairs, settings.any_topic_weight)
    kernel = np.hstack([topics, no_topic]).astype(np.float32)
    return LinearSVMs(features, to_layer(kernel[:-1], kernel[-1]))


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
    c : float

    Returns
    -------
    float64 array of shape (n_ids + 1, n_svms)
        Coefficients, and last the intercept. Where all targets are the same, the intercept alone
        says so: 1 or -1.
    """

    def fit(target: NDArray[np.bool_]) -> NDArray[np.float64]:
        if target.all() or not target.any():
            constant = np.zeros(rows.shape[1] + 1)
            constant[-1] = 1 if target.all() else -1
            return constant
        svm = LinearSVC(C=c, dual=False).fit(rows, target, weights)  # no random numbers are drawn
        return np.append(svm.coef_[0], svm.intercept_)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # LIBLINEAR lets other threads run
        return np.stack(list(pool.map(fit, targets.T)), axis=1)


def mean_of_pairs(values: NDArray[np.floating], any_topic_weight: float) -> NDArray[np.floating]:
    """Average the two SVMs of each topic.

    Parameters
    ----------
    values : array of shape (..., 2 * n_topics)
        First those for the primary topic.
    any_topic_weight : float

    Returns
    -------
    array of shape (..., n_topics)
    """
    primary, any_topic = np.split(values, 2, axis=-1)
    mean: NDArray[np.floating] = (primary + any_topic_weight * any_topic) / (1 + any_topic_weight)
    return mean


def to_layer(kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> Any:
    """Return a `keras.layers.Dense` with these weights, of shapes (n_ids, n) and (n,)."""
    layer = keras.layers.Dense(len(bias))
    layer.build((None, len(kernel)))
    layer.set_weights([kernel, bias])
    return layer


def to_tensor(rows: csr_array) -> Any:
    """Return the `tf.SparseTensor` of a sparse array."""
    coordinates = rows.tocoo()
    indices = np.stack(coordinates.coords, axis=1).astype(np.int64)
    return tf.sparse.reorder(tf.SparseTensor(indices, coordinates.data, rows.shape))


def to_float64(rows: csr_array) -> csr_array:
    """Return rows as LIBLINEAR takes them: float64, with indices of 32 bits."""
    return csr_array(
        (rows.data.astype(np.float64), rows.indices.astype(np.int32), rows.indptr.astype(np.int32)),
        shape=rows.shape,
    )
