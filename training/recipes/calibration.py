"""From the margins of linear machines to probabilities that mean what they say."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """How the calibration is fitted.

    Attributes
    ----------
    strength : float
        The smaller, the less a topic's score may depend on the margins of other topics.
    """

    strength: float = 0.03
    epochs: int = 60
    batch_size: int = 256
    learning_rate: float = 0.02


class Calibration(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Turns a margin a topic into probabilities.

    A topic's logit is its own margin, on a scale of its own where it is negative; and a correction
    by all margins, which is held down. That is matrix scaling, drawn towards temperature scaling:
    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Parameters
    ----------
    penalty : float
        L2 regularisation of the correction.
    """

    def __init__(self, penalty: float) -> None:
        super().__init__()
        self._penalty = penalty

    def build(self, input_shape: tuple[int | None, int]) -> None:
        """Make the weights for margins of shape (n, n_topics)."""
        n_topics = input_shape[-1]
        self.scales = self.add_weight(shape=(2, 1), initializer="ones", name="scales")
        self.kernel = self.add_weight(
            shape=(2 * n_topics, n_topics),
            initializer="zeros",
            regularizer=keras.regularizers.L2(self._penalty),
            name="kernel",
        )
        self.bias = self.add_weight(shape=(n_topics,), initializer="zeros", name="bias")

    def call(self, margins: Any) -> Any:
        """Margins (n, n_topics) to probabilities (n, n_topics)."""
        kernel = self.whole_kernel(margins.shape[-1])
        inputs = tf.concat([margins, tf.minimum(margins, 0.0)], axis=-1)
        return tf.nn.softmax(tf.matmul(inputs, kernel) + self.bias)

    def whole_kernel(self, n_topics: int) -> Any:
        """Scales and correction as one matrix, (2 * n_topics, n_topics)."""
        own = tf.reshape(self.scales * tf.ones((1, n_topics)), (-1, 1))  # (2 * n_topics, 1)
        return self.kernel + own * tf.tile(tf.eye(n_topics), (2, 1))


def fit_calibration(
    margins: NDArray[np.float32],
    targets: NDArray[np.float32],
    weights: NDArray[np.float32],
    settings: CalibrationSettings,
) -> Calibration:
    """Fit a calibration to margins of texts that the machines had not seen.

    Parameters
    ----------
    margins : float32 array of shape (n_texts, n_topics)
    targets : float32 array of shape (n_texts, n_topics)
        What the probabilities should be: 1 for the label; the same for every topic where there is
        none.
    weights : float32 array of shape (n_texts,)
        How much each text counts.

    Returns
    -------
    Calibration
    """
    n_texts = len(targets)
    layer = Calibration(0.5 / (settings.strength * n_texts))
    network = keras.Sequential([keras.Input((margins.shape[1],)), layer])
    steps = settings.epochs * -(-n_texts // settings.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    network.compile(keras.optimizers.Adam(schedule), loss="categorical_crossentropy")
    network.fit(
        margins,
        targets,
        sample_weight=weights,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        verbose=0,
    )
    return layer
