"""From the margins of SVMs to probabilities: of each topic, and that no topic fits."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.special import logsumexp

from training.data.dataset import NO_TOPIC


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """How the calibration is fitted.

    Attributes
    ----------
    strength : float
        The smaller, the less a topic's logit may depend on the margins of other topics.
    no_topic_strength : float
        The smaller, the less the logit of "no topic fits" may depend on the margins of topics.
    negative_factor : float
        How much more newswires without a topic count than the archive has them: above 1, a text is
        sooner taken for one of no topic.
    """

    strength: float = 0.03
    no_topic_strength: float = 0.1
    negative_factor: float = 1.5
    epochs: int = 60
    batch_size: int = 1024
    learning_rate: float = 0.05


class TopicLogits(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Turns margins of topics into logits.

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
        self.correction = self.add_weight(
            shape=(2 * n_topics, n_topics),
            initializer="zeros",
            regularizer=keras.regularizers.L2(self._penalty),
            name="correction",
        )
        self.bias = self.add_weight(shape=(n_topics,), initializer="zeros", name="bias")

    def call(self, margins: Any) -> Any:
        """Margins (n, n_topics) to logits (n, n_topics)."""
        return tf.matmul(both_signs(margins), self.kernel()) + self.bias

    def kernel(self) -> Any:
        """Scales and correction as one matrix, (2 * n_topics, n_topics)."""
        n_topics = self.bias.shape[0]
        own = tf.reshape(self.scales * tf.ones((1, n_topics)), (-1, 1))  # (2 * n_topics, 1)
        return self.correction + own * tf.tile(tf.eye(n_topics), (2, 1))


class NoTopicLogit(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Turns margins into the logit of "no topic fits": its own margin, and a correction by all.

    Parameters
    ----------
    penalty : float
        L2 regularisation of the correction.
    """

    def __init__(self, penalty: float) -> None:
        super().__init__()
        self._penalty = penalty

    def build(self, input_shape: tuple[int | None, int]) -> None:
        """Make the weights for margins of shape (n, n_topics + 1)."""
        n_margins = input_shape[-1]
        self.scales = self.add_weight(shape=(2,), initializer="ones", name="scales")
        self.correction = self.add_weight(
            shape=(2 * n_margins, 1),
            initializer="zeros",
            regularizer=keras.regularizers.L2(self._penalty),
            name="correction",
        )
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")

    def call(self, margins: Any) -> Any:
        """Margins (n, n_topics + 1) to logits (n, 1)."""
        return tf.matmul(both_signs(margins), self.kernel()) + self.bias

    def kernel(self) -> Any:
        """Scales and correction as one column, (2 * (n_topics + 1), 1)."""
        n_margins = self.correction.shape[0] // 2
        own = tf.one_hot([n_margins - 1, 2 * n_margins - 1], 2 * n_margins)  # (2, 2 * n_margins)
        return self.correction + tf.transpose(tf.reshape(self.scales, (1, 2)) @ own)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns margins, float32 (n, n_topics + 1), into joint probabilities of the same shape.

    The softmax over the logits of all topics and of "no topic fits" is the probability that a topic
    fits, times the softmax over the topics.
    """

    topics: TopicLogits
    no_topic: NoTopicLogit

    def __call__(self, margins: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the joint probabilities of margins."""
        logits = tf.concat([self.topics(margins[:, :-1]), self.no_topic(margins)], axis=-1)
        probabilities: NDArray[np.float32] = tf.nn.softmax(logits).numpy()
        return probabilities

    def weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return kernel (2 * n_margins, n_margins) and bias (n_margins,) of `both_signs`."""
        topics = self.topics.kernel().numpy()
        n_topics = topics.shape[1]
        kernel = np.zeros((2 * (n_topics + 1), n_topics + 1), dtype=np.float32)
        kernel[:n_topics, :-1], kernel[n_topics + 1 : -1, :-1] = np.split(topics, 2)
        kernel[:, -1:] = self.no_topic.kernel().numpy()
        return kernel, np.append(self.topics.bias.numpy(), self.no_topic.bias.numpy())


def both_signs(margins: Any) -> Any:
    """Return margins and their negative parts side by side, (n, 2 * n_margins)."""
    return tf.concat([margins, tf.minimum(margins, 0.0)], axis=-1)


def fit_calibration(
    margins: NDArray[np.float32],
    labels: NDArray[np.int64],
    negative: NDArray[np.bool_],
    weights: NDArray[np.floating],
    settings: CalibrationSettings,
) -> Calibration:
    """Fit a calibration to margins of texts that the SVMs had not seen.

    Parameters
    ----------
    margins : float32 array of shape (n_texts, n_topics + 1)
    labels : int64 array of shape (n_texts,)
        ``NO_TOPIC`` where no topic fits.
    negative : bool array of shape (n_texts,)
        Texts that teach the logit of "no topic fits" alone, so that they do not move one topic
        against another.
    weights : array of shape (n_texts,)
        How much each text counts.
    settings : CalibrationSettings
    """
    asked = ~negative
    topics = TopicLogits(0.5 / (settings.strength * int(asked.sum())))
    _fit(
        keras.Sequential(
            [keras.Input((margins.shape[1] - 1,)), topics, keras.layers.Activation("softmax")]
        ),
        "categorical_crossentropy",
        margins[asked, :-1],
        wanted_probabilities(labels[asked], margins.shape[1] - 1),
        weights[asked],
        settings,
    )
    offsets = logsumexp(topics(margins[:, :-1]).numpy(), axis=1, keepdims=True)
    no_topic = NoTopicLogit(0.5 / (settings.no_topic_strength * len(margins)))
    inputs = keras.Input((margins.shape[1],)), keras.Input((1,))
    logits = keras.layers.Subtract()([no_topic(inputs[0]), inputs[1]])
    _fit(
        keras.Model(inputs, keras.layers.Activation("sigmoid")(logits)),
        "binary_crossentropy",
        (margins, offsets),
        (labels == NO_TOPIC).astype(np.float32)[:, np.newaxis],
        weights,
        settings,
    )
    return Calibration(topics, no_topic)


def wanted_probabilities(labels: NDArray[np.int64], n_topics: int) -> NDArray[np.float32]:
    """1 for the label, and the same for every topic where there is none; (n_texts, n_topics)."""
    has_topic = (labels != NO_TOPIC)[:, np.newaxis]
    return np.where(has_topic, np.eye(n_topics)[labels], 1 / n_topics).astype(np.float32)


def _fit(
    network: Any,
    loss: str,
    inputs: Any,
    targets: NDArray[np.float32],
    weights: NDArray[np.floating],
    settings: CalibrationSettings,
) -> None:
    steps = settings.epochs * -(-len(targets) // settings.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    network.compile(keras.optimizers.Adam(schedule), loss=loss)
    network.fit(
        inputs,
        targets,
        sample_weight=weights,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        verbose=0,
    )
