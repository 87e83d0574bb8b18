"""Calibration of SVM margins to probabilities: of one topic or none, and of each topic alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from service.model.manifest import NEVER_REACHED
from training.recipes.examples import TrainingTexts
from training.recipes.logistic import (
    LogPartition,
    Targets,
    both_signs,
    fit_logits,
    fit_topics,
    joint_partition,
    separate_partition,
)
from training.recipes.trained_model import HIGHEST, is_last_of_equals

PRIOR_TEXTS: Final = 2.0


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """Settings of the calibration."""

    strength: float = 0.03  # inverse regularisation of the influence of other topics' margins
    no_topic_strength: float = 0.1  # the same for the logit of "no topic fits"
    negative_factor: float = 1.5  # factor of the sample weights of newswires without a topic
    max_iterations: int = 100


@dataclass(frozen=True, slots=True)
class AllTopicsSettings:
    """Settings of the probabilities of topics on their own."""

    topic_strength: float = 0.1  # inverse regularisation of the influence of other topics' margins
    topic_precision: float = 0.5  # minimum of each topic on held-out texts
    topic_iterations: int = 100


@dataclass(frozen=True, slots=True)
class Calibration:
    """A linear map from margins and their negative parts to logits, and on to probabilities."""

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
) -> Calibration:
    """Fit a calibration to out-of-fold margins, of which one after the topics is "no topic fits".

    Only the logit of "no topic fits" is fitted to negatives, so that they do not move one topic
    against another. Without this logit outliers are left out too: they would lower the
    probabilities of all texts, which cost 1 point of coverage and 0.016 of calibration error on
    news of four sections. The other logits are those of `fit_topics`: matrix scaling drawn towards
    temperature scaling, C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    n_topics = texts.any_topic.shape[1]
    no_topic = margins.shape[1] > n_topics
    asked = ~texts.negative if no_topic else texts.topical
    weights = texts.weights(settings.negative_factor)
    topics = margins[:, :n_topics]
    alike = 1 / n_topics  # probability of each topic for an outlier
    wanted = np.where(texts.topical[:, np.newaxis], texts.primary_topic, alike)
    targets = Targets(wanted[asked].astype(np.float32), weights[asked], joint_partition)
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


def fit_topic_calibration(
    margins: NDArray[np.float32],  # (n_texts, n_margins)
    texts: TrainingTexts,
    settings: AllTopicsSettings,
) -> Calibration:
    """Fit logistic regressions of each topic on out-of-fold margins of texts, all at once.

    The logits are those of `fit_topics`: J. Platt, "Probabilistic outputs for support vector
    machines", 1999, with the margins of the other topics, which say what occurs together. A text
    has all of its topics; negatives and outliers have none.
    """
    targets = Targets(texts.any_topic.astype(np.float32), texts.weights(), separate_partition)
    kernel, bias = fit_topics(margins, targets, settings.topic_strength, settings.topic_iterations)
    return Calibration(kernel.astype(np.float32), bias.astype(np.float32), separate_partition)


def choose_all_topics_thresholds(
    probabilities: NDArray[np.float32],  # (n_texts, n_topics), of held-out texts
    any_topic: NDArray[np.bool_],  # (n_texts, n_topics), whether it is one of the text's topics
    precision: float,
) -> NDArray[np.float32]:
    """Choose the threshold of each topic with the highest F1 of those that reach a precision.

    Return (n_topics,), `NEVER_REACHED` for a topic that does not reach it. A topic of few texts has
    few hits to count: they are drawn towards the sum of the probabilities, which is their
    expectation, with the weight of `PRIOR_TEXTS`.
    """
    thresholds = np.full(probabilities.shape[1], NEVER_REACHED, dtype=np.float32)
    n_above = np.arange(1, len(probabilities) + 1)
    for topic, (column, is_topic) in enumerate(zip(probabilities.T, any_topic.T, strict=True)):
        order = np.argsort(-column, kind="stable")
        scores = column[order]
        counted, expected = np.cumsum(is_topic[order]), np.cumsum(scores, dtype=np.float64)
        weight = counted[-1] / (counted[-1] + PRIOR_TEXTS)
        hits = weight * counted + (1 - weight) * expected
        f1 = 2 * hits / (n_above + hits[-1])
        possible = np.flatnonzero(is_last_of_equals(scores) & (hits >= precision * n_above))
        if possible.size:
            thresholds[topic] = min(HIGHEST, scores[possible[f1[possible].argmax()]])
    return thresholds
