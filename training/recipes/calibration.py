"""From the margins of SVMs to probabilities: of each topic, and that no topic fits."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from training.data.dataset import NO_TOPIC
from training.recipes.examples import TrainingTexts
from training.recipes.logistic import (
    LogPartition,
    Targets,
    both_signs,
    fit_logits,
    fit_topics,
    joint_partition,
)


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """Settings of the calibration."""

    strength: float = 0.03  # inverse regularisation of the influence of other topics' margins
    no_topic_strength: float = 0.1  # the same for the logit of "no topic fits"
    negative_factor: float = 1.5  # of the sample weights of newswires without a topic
    max_iterations: int = 100


@dataclass(frozen=True, slots=True)
class Calibration:
    """A linear map from margins and their negative parts to logits, and these to probabilities."""

    kernel: NDArray[np.float32]  # (2 * n_margins, n_logits)
    bias: NDArray[np.float32]  # (n_logits,)
    log_partition: LogPartition = joint_partition

    def __call__(self, margins: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of margins, float32 of shape (n_texts, n_logits)."""
        return self.log_partition(both_signs(margins) @ self.kernel + self.bias)[1]


def calibrate_out_of_fold(
    margins: NDArray[np.float32],
    folds: NDArray[np.int64],
    texts: TrainingTexts,
    fit: Callable[[NDArray[np.float32], TrainingTexts], Calibration],
) -> NDArray[np.float32]:
    """Return the probabilities of the margins of each fold, calibrated by those of the others."""
    parts, rows = [], []
    for fold in np.unique(folds):
        inside = folds == fold
        calibration = fit(margins[~inside], texts.only(~inside))
        parts.append(calibration(margins[inside]))
        rows.append(np.flatnonzero(inside))
    return np.concatenate(parts)[np.argsort(np.concatenate(rows))]


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
    asked = ~texts.negative if no_topic else texts.topical
    weights = texts.weights(settings.negative_factor)
    topics = margins[:, :n_topics]
    wanted = _wanted(texts.labels[asked], n_topics)
    targets = Targets(wanted, weights[asked], joint_partition)
    kernel, bias = fit_topics(topics[asked], targets, settings.strength, settings.max_iterations)
    if not no_topic:
        return Calibration(kernel.astype(np.float32), bias.astype(np.float32))
    logits = (both_signs(topics) @ kernel + bias).astype(np.float32)
    offsets = joint_partition(logits)[0][:, np.newaxis]
    no_topic_kernel, no_topic_bias = fit_logits(
        margins,
        np.eye(n_topics + 1)[:, -1:],
        Targets(
            (~texts.topical[:, np.newaxis]).astype(np.float32),
            weights,
            lambda logits: (np.logaddexp(0, logits - offsets)[:, 0], expit(logits - offsets)),
        ),
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
