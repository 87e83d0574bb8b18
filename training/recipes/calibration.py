"""From the margins of SVMs to probabilities: of each topic, and that no topic fits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from training.data.dataset import NO_TOPIC
from training.recipes.examples import TrainingTexts
from training.recipes.logistic import both_signs, fit_logits, fit_topics


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """Settings of the calibration."""

    strength: float = 0.03  # inverse regularisation of the influence of other topics' margins
    no_topic_strength: float = 0.1  # the same for the logit of "no topic fits"
    negative_factor: float = 1.5  # of the sample weights of newswires without a topic
    max_iterations: int = 100


@dataclass(frozen=True, slots=True)
class Calibration:
    """A linear map from margins and their negative parts to logits."""

    kernel: NDArray[np.float32]  # (2 * n_margins, n_logits)
    bias: NDArray[np.float32]  # (n_logits,)

    def logits(self, margins: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits of margins, float32 of shape (n_texts, n_logits)."""
        return both_signs(margins) @ self.kernel + self.bias

    def __call__(self, margins: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the joint probabilities of margins, both float32 of shape (n_texts, n_outputs)."""
        return normalise(self.logits(margins))[1]


def normalise(logits: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return log-sum-exp, (n_texts,), and softmax, (n_texts, n_logits), of each row."""
    highest = logits.max(axis=1, keepdims=True)
    exponentials = np.exp(logits - highest)
    sums = exponentials.sum(axis=1, keepdims=True)
    exponentials /= sums
    return (highest + np.log(sums))[:, 0], exponentials


def fit_calibration(
    margins: NDArray[np.float32],
    texts: TrainingTexts,
    settings: CalibrationSettings,
    *,
    no_topic: bool = True,
) -> Calibration:
    """Fit a calibration to out-of-fold margins of texts; the last is "no topic fits" if asked for.

    Only the logit of "no topic fits" is fitted to negatives, so that they do not move one topic
    against another. Without this logit outliers are left out too: they would lower the
    probabilities of all texts, which cost 1 point of coverage and 0.016 of calibration error on
    news of four sections. The other logits are those of `fit_topics`: matrix scaling drawn towards
    temperature scaling, C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    n_topics = margins.shape[1] - no_topic
    has_topic = texts.topical[:, np.newaxis]
    asked = ~texts.negative if no_topic else texts.topical
    weights = texts.weights(settings.negative_factor)
    topics = margins[:, :n_topics]
    wanted = _wanted(texts.labels[asked], n_topics)
    kernel, bias = fit_topics(
        topics[asked],
        normalise,
        wanted,
        weights[asked],
        settings.strength,
        settings.max_iterations,
    )
    if not no_topic:
        return Calibration(kernel.astype(np.float32), bias.astype(np.float32))
    offsets = normalise((both_signs(topics) @ kernel + bias).astype(np.float32))[0][:, np.newaxis]
    no_topic_kernel, no_topic_bias = fit_logits(
        both_signs(margins),
        np.eye(n_topics + 1)[:, -1:],
        lambda logits: (np.logaddexp(0, logits - offsets)[:, 0], expit(logits - offsets)),
        (~has_topic).astype(np.float32),
        weights,
        settings.no_topic_strength,
        settings.max_iterations,
    )
    joint = np.zeros((2 * (n_topics + 1), n_topics + 1))
    joint[:n_topics, :-1], joint[n_topics + 1 : -1, :-1] = np.split(kernel, 2)
    joint[:, -1:] = no_topic_kernel
    biases = np.append(bias, no_topic_bias)
    return Calibration(joint.astype(np.float32), biases.astype(np.float32))


def _wanted(labels: NDArray[np.int64], n_topics: int) -> NDArray[np.float32]:
    """Return target probabilities, (n_texts, n_topics): a label's is 1, an outlier's all alike."""
    wanted = np.full((len(labels), n_topics), 1 / n_topics, dtype=np.float32)
    (topical,) = np.nonzero(labels != NO_TOPIC)
    wanted[topical] = 0
    wanted[topical, labels[topical]] = 1
    return wanted
