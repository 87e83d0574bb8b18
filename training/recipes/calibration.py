"""From the margins of SVMs to probabilities: of each topic, and that no topic fits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from training.data.dataset import NO_TOPIC
from training.recipes.examples import TrainingTexts

MAX_MATRIX_TOPICS: Final = 200
MAX_SCALE: Final = 30.0
"""Of own margins. Topics that few texts tell apart without error would have no limit, and the
probabilities would amplify rounding."""


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

    kernel: NDArray[np.float32]  # (2 * n_outputs, n_outputs)
    bias: NDArray[np.float32]  # (n_outputs,)

    def __call__(self, margins: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of margins, both float32 of shape (n_texts, n_outputs)."""
        return normalise(both_signs(margins) @ self.kernel + self.bias)[1]


def both_signs(margins: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return margins and their negative parts side by side, (n_texts, 2 * n_margins)."""
    return np.hstack([margins, np.minimum(margins, 0)])


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
    news of four sections. A topic's logit is its own margin, with a scale of its own where it is
    negative, and a regularised linear function of all margins: matrix scaling drawn towards
    temperature scaling, C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017. With
    more than `MAX_MATRIX_TOPICS` it is the own margin alone: the matrix would have more weights
    than there are texts.
    """
    n_topics = margins.shape[1] - no_topic
    has_topic = texts.topical[:, np.newaxis]
    asked = ~texts.negative if no_topic else texts.topical
    weights = texts.weights(settings.negative_factor)
    topics = margins[:, :n_topics]
    wanted = _wanted(texts.labels[asked], n_topics)
    if n_topics > MAX_MATRIX_TOPICS:
        kernel, bias = _fit_scales(topics[asked], wanted, weights[asked], settings)
    else:
        kernel, bias = _fit(
            both_signs(topics[asked]),
            np.eye(n_topics),
            normalise,
            wanted,
            weights[asked],
            settings.strength,
            settings.max_iterations,
        )
    if not no_topic:
        return Calibration(kernel.astype(np.float32), bias.astype(np.float32))
    offsets = normalise((both_signs(topics) @ kernel + bias).astype(np.float32))[0][:, np.newaxis]
    no_topic_kernel, no_topic_bias = _fit(
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


def _fit_scales(
    margins: NDArray[np.float32],  # (n_texts, n_topics)
    wanted: NDArray[np.float32],  # (n_texts, n_topics), target probabilities
    weights: NDArray[np.floating],  # (n_texts,)
    settings: CalibrationSettings,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit two scales of the own margin, where positive and negative; return kernel and bias."""
    n_topics = margins.shape[1]
    shares = (weights / len(margins)).astype(np.float32)
    signs = (np.maximum(margins, 0), np.minimum(margins, 0))

    def objective(scales: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        positive, negative = scales.astype(np.float32)
        logits = positive * signs[0] + negative * signs[1]
        log_norms, slopes = normalise(logits)
        loss = shares @ (log_norms - np.einsum("ij,ij->i", wanted, logits))
        slopes -= wanted
        slopes *= shares[:, np.newaxis]
        return float(loss), np.array([float((slopes * part).sum()) for part in signs])

    options = {"maxiter": settings.max_iterations}
    bounds = [(-MAX_SCALE, MAX_SCALE)] * 2
    result = minimize(
        objective, np.ones(2), jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    positive, negative = result.x
    own = np.eye(n_topics)
    return np.vstack([positive * own, (negative - positive) * own]), np.zeros(n_topics)


def _fit(
    inputs: NDArray[np.float32],  # (n_texts, 2 * n_margins)
    own: NDArray[np.float64],  # (n_margins, n_logits), 1 where a margin is that of a logit
    log_partition: Callable[[NDArray[np.float32]], tuple[NDArray[Any], NDArray[Any]]],
    wanted: NDArray[np.float32],  # (n_texts, n_logits), target probabilities
    weights: NDArray[np.floating],  # (n_texts,)
    strength: float,
    max_iterations: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minimise the cross-entropy of a generalised linear model by L-BFGS; return kernel and bias.

    Own margins are scaled without regularisation. ``log_partition`` maps logits to the log of their
    normaliser, (n_texts,), and to its derivative, the probabilities.
    """
    n_texts, n_logits = wanted.shape
    shape = (inputs.shape[1], n_logits)
    penalty = 0.5 / (strength * n_texts)
    shares = (weights / n_texts).astype(np.float32)
    own = np.stack([own, own])  # (2, n_margins, n_logits)

    def unpack(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        scales, bias = values[:2], values[2 : 2 + n_logits]
        correction = values[2 + n_logits :].reshape(shape)
        kernel = correction + (scales[:, np.newaxis, np.newaxis] * own).reshape(shape)
        return kernel, bias, correction

    def objective(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        kernel, bias, correction = unpack(values)
        logits = inputs @ kernel.astype(np.float32) + bias.astype(np.float32)
        log_norms, slopes = log_partition(logits)
        loss = shares @ (log_norms - np.einsum("ij,ij->i", wanted, logits))
        slopes -= wanted
        slopes *= shares[:, np.newaxis]
        by_kernel = (inputs.T @ slopes).astype(np.float64)
        by_scales = (by_kernel.reshape(own.shape) * own).sum(axis=(1, 2))
        by_correction = by_kernel + 2 * penalty * correction
        gradient = np.concatenate([by_scales, slopes.sum(axis=0), by_correction.ravel()])
        return float(loss + penalty * (correction**2).sum()), gradient

    start = np.concatenate([np.ones(2), np.zeros(n_logits + shape[0] * shape[1])])
    options = {"maxiter": max_iterations}
    result = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    if np.abs(result.x[:2]).max() > MAX_SCALE:
        bounds = [(-MAX_SCALE, MAX_SCALE)] * 2 + [(None, None)] * (len(start) - 2)
        result = minimize(
            objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
    kernel, bias, _ = unpack(result.x)
    return kernel, bias
