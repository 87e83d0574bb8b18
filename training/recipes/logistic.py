"""Fits of generalised linear models that turn margins into logits."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

MAX_MATRIX_TOPICS: Final = 200
MAX_SCALE: Final = 30.0
"""Limit of the scale of own margins: topics that few texts tell apart without error would
have none, and the probabilities would amplify rounding."""
LogPartition = Callable[[NDArray[np.float32]], tuple[NDArray[Any], NDArray[Any]]]
"""From logits to the log of their normaliser, (n_texts,), and its derivative, the probabilities."""


def joint_partition(
    logits: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return log-sum-exp, (n_texts,), and softmax, (n_texts, n_logits): one topic of each text."""
    highest = logits.max(axis=1, keepdims=True)
    exponentials = np.exp(logits - highest)
    sums = exponentials.sum(axis=1, keepdims=True)
    exponentials /= sums
    return (highest + np.log(sums))[:, 0], exponentials


def separate_partition(
    logits: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the sum of log(1 + exp(logit)), (n_texts,), and sigmoid: each topic on its own."""
    return np.logaddexp(0, logits).sum(axis=1), expit(logits)


@dataclass(frozen=True, slots=True)
class Targets:
    """The probabilities that logits are fitted to, by texts with a weight each."""

    wanted: NDArray[np.float32]  # (n_texts, n_logits)
    weights: NDArray[np.floating]  # (n_texts,)
    log_partition: LogPartition

    def cross_entropy(self, logits: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
        """Return the weighted mean, and its derivative by the logits, (n_texts, n_logits)."""
        shares = (self.weights / len(self.weights)).astype(np.float32)
        log_norms, slopes = self.log_partition(logits)
        loss = shares @ (log_norms - np.einsum("ij,ij->i", self.wanted, logits))
        slopes -= self.wanted
        slopes *= shares[:, np.newaxis]
        return float(loss), slopes


def both_signs(margins: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return margins and their negative parts side by side, (n_texts, 2 * n_margins)."""
    return np.hstack([margins, np.minimum(margins, 0)])


def fit_topics(
    margins: NDArray[np.float32],  # (n_texts, n_margins), those of the topics first
    targets: Targets,
    strength: float,
    max_iterations: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit the logits of topics to margins; return kernel and bias, of `both_signs` of these.

    A topic's logit is its own margin, with a scale of its own where it is negative, and a
    regularised linear function of all margins. With more than `MAX_MATRIX_TOPICS` it is the own
    margin alone: the matrix would have more weights than there are texts.
    """
    n_topics = targets.wanted.shape[1]
    own = np.eye(margins.shape[1])[:, :n_topics]
    if n_topics > MAX_MATRIX_TOPICS:
        return fit_scales(margins, own, targets, max_iterations)
    return fit_logits(margins, own, targets, strength, max_iterations)


def fit_scales(
    margins: NDArray[np.float32],  # (n_texts, n_margins), those of the topics first
    own: NDArray[np.float64],  # (n_margins, n_topics), 1 where a margin is that of a topic
    targets: Targets,
    max_iterations: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit two scales of the own margin, where positive and negative, and a common bias.

    Return kernel and bias, as `fit_logits`. A common bias changes no joint probabilities.
    """
    n_topics = own.shape[1]
    signs = (np.maximum(margins[:, :n_topics], 0), np.minimum(margins[:, :n_topics], 0))

    def objective(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        positive, negative, bias = values.astype(np.float32)
        logits = positive * signs[0] + negative * signs[1] + bias
        loss, slopes = targets.cross_entropy(logits)
        gradient = [*(float((slopes * part).sum()) for part in signs), float(slopes.sum())]
        return loss, np.array(gradient)

    bounds = [(-MAX_SCALE, MAX_SCALE)] * 3
    start = np.array([1.0, 1.0, 0.0])
    options = {"maxiter": max_iterations}
    result = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    positive, negative, bias = result.x
    kernel = np.vstack([positive * own, (negative - positive) * own])
    return kernel, np.full(n_topics, bias)


def fit_logits(
    margins: NDArray[np.float32],  # (n_texts, n_margins)
    own: NDArray[np.float64],  # (n_margins, n_logits), 1 where a margin is that of a logit
    targets: Targets,
    strength: float,
    max_iterations: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a generalised linear model of margins, by L-BFGS; return kernel and bias.

    Own margins are scaled without regularisation.
    """
    inputs = both_signs(margins)
    n_logits = own.shape[1]
    shape = (inputs.shape[1], n_logits)
    penalty = 0.5 / (strength * len(inputs))
    own = np.stack([own, own])  # (2, n_margins, n_logits)

    def unpack(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        scales, bias = values[:2], values[2 : 2 + n_logits]
        correction = values[2 + n_logits :].reshape(shape)
        kernel = correction + (scales[:, np.newaxis, np.newaxis] * own).reshape(shape)
        return kernel, bias, correction

    def objective(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        kernel, bias, correction = unpack(values)
        logits = inputs @ kernel.astype(np.float32) + bias.astype(np.float32)
        loss, slopes = targets.cross_entropy(logits)
        by_kernel = (inputs.T @ slopes).astype(np.float64)
        by_scales = (by_kernel.reshape(own.shape) * own).sum(axis=(1, 2))
        by_correction = by_kernel + 2 * penalty * correction
        gradient = np.concatenate([by_scales, slopes.sum(axis=0), by_correction.ravel()])
        return loss + penalty * float((correction**2).sum()), gradient

    start = np.concatenate([np.ones(2), np.zeros(n_logits + shape[0] * shape[1])])
    options = {"maxiter": max_iterations}
    fit = partial(minimize, objective, start, jac=True, method="L-BFGS-B", options=options)
    result = fit()
    if np.abs(result.x[:2]).max() > MAX_SCALE:
        bounds = [(-MAX_SCALE, MAX_SCALE)] * 2 + [(None, None)] * (len(start) - 2)
        result = fit(bounds=bounds)
    kernel, bias, _ = unpack(result.x)
    return kernel, bias
