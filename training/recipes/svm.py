"""Linear machines with the features that they read.

Two are fitted for each topic: one is asked "is it the first topic?" and one "is it among the
topics?". Both are linear, so their mean is a machine as well, and only that is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from service.model import EncodedText
from training.progress import FitProgress
from training.recipes.examples import TrainingTexts
from training.recipes.features import FeatureSettings, FieldFeatures, fit_features
from training.recipes.linear import Examples, LinearSettings, fit_linear, to_tensor

AMONG_WEIGHT: Final = 0.75
"""How much "is it among the topics?" counts beside "is it the first topic?"."""


@dataclass(frozen=True, slots=True)
class Machines:
    """Fitted machines.

    Attributes
    ----------
    features : FieldFeatures
    layer : keras.layers.Dense
        Rows of the features to the margin of each topic.
    history : dict of str to list of float
        Loss and accuracy of each epoch.
    """

    features: FieldFeatures
    layer: Any
    history: dict[str, list[float]]

    def margins(self, encoded: Sequence[EncodedText]) -> NDArray[np.float32]:
        """Give the margins of texts, float32 of shape (n_texts, n_topics)."""
        margins: NDArray[np.float32] = self.layer(to_tensor(self.features.rows(encoded))).numpy()
        return margins


def fit_machines(
    texts: TrainingTexts,
    settings: LinearSettings,
    feature_settings: FeatureSettings,
    progress: FitProgress,
    *,
    seed: int,
    held_out: TrainingTexts | None = None,
) -> Machines:
    """Take the features from whole newswires, and fit the machines to all texts.

    Parameters
    ----------
    texts : TrainingTexts
    settings : LinearSettings
    feature_settings : FeatureSettings
    progress : FitProgress
    seed : int
    held_out : TrainingTexts or None
        To measure loss and accuracy on, after each epoch.
    """
    whole = texts.only(texts.whole)
    features = fit_features(whole.texts, whole.labels, feature_settings)
    layer, history = fit_linear(
        examples(texts, features),
        settings,
        seed=seed,
        metrics=[accuracy],
        validation=None if held_out is None else examples(held_out, features),
        callbacks=[progress],
    )
    return Machines(features, merge(layer), history)


def merge(pairs: Any) -> Any:
    """Give the layer of which each machine is the weighted mean of a topic's two machines.

    Parameters
    ----------
    pairs : keras.layers.Dense
        With 2 * n_topics units.
    """
    kernel, bias = (mean_of_pairs(weights) for weights in pairs.get_weights())
    layer = keras.layers.Dense(len(bias))
    layer.build((None, len(kernel)))
    layer.set_weights([kernel, bias])
    return layer


def mean_of_pairs(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average what both machines of a topic have.

    Parameters
    ----------
    values : float32 array of shape (..., 2 * n_topics)
        First of the machines that are asked for the first topic.

    Returns
    -------
    float32 array of shape (..., n_topics)
    """
    first, among = np.split(values, 2, axis=-1)
    mean = (first + AMONG_WEIGHT * among) / (1 + AMONG_WEIGHT)
    return mean.astype(np.float32)


def examples(texts: TrainingTexts, features: FieldFeatures) -> Examples:
    """Give what machines learn from texts."""
    encoded = features.encode(texts.texts)
    targets = np.where(machine_targets(texts), 1, -1).astype(np.float32)
    return Examples(features.rows(encoded), targets, texts.weights)


def machine_targets(texts: TrainingTexts) -> NDArray[np.bool_]:
    """Whether each machine should say yes to each text, bool of shape (n_texts, 2 * n_topics)."""
    return np.hstack([texts.first, texts.among])


def accuracy(targets: Any, margins: Any) -> Any:
    """Whether the largest first margin is that of the first topic, float32 (n,).

    Where there is no first topic, whether all of them are negative.
    """
    first, _ = tf.split(margins, 2, axis=-1)
    expected, _ = tf.split(targets, 2, axis=-1)
    right = tf.where(
        tf.reduce_any(expected > 0, axis=-1),
        tf.equal(tf.argmax(first, axis=-1), tf.argmax(expected, axis=-1)),
        tf.reduce_all(first < 0, axis=-1),
    )
    return tf.cast(right, tf.float32)
