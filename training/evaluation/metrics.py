"""Metrics of probabilistic classifiers, confidence intervals and significance tests."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import (
    f1_score,
    label_ranking_average_precision_score,
    precision_score,
    recall_score,
)

CALIBRATION_BINS: Final = 15


def top_k_accuracy(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], top_k: int
) -> float:
    """Share of the texts whose label is among the top-k topics; ties go to the lower index."""
    ranking = np.argsort(-probabilities, axis=1, kind="stable")[:, :top_k]
    return float((ranking == labels[:, np.newaxis]).any(axis=1).mean())


def calibration_bins(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64]
) -> Iterator[tuple[float, float, float]]:
    """Yield mean confidence, accuracy and share of the texts of each bin of the highest score."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    for number in np.unique(bins):
        inside = bins == number
        yield float(confidence[inside].mean()), float(correct[inside].mean()), float(inside.mean())


def expected_calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64]
) -> float:
    """Mean absolute difference of confidence and accuracy over the texts; 0 is best.

    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3; 15 bins.
    """
    return sum(
        share * abs(accuracy - confidence)
        for confidence, accuracy, share in calibration_bins(probabilities, labels)
    )


def calibration_error_by_chance(probabilities: NDArray[np.float32]) -> float:
    """Return the 95th percentile of the error above if the probabilities were exact.

    Few texts have an error by chance alone. 200 draws decide which predictions are correct.
    """
    confidence = probabilities.max(axis=1)
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    generator = np.random.default_rng(0)
    errors = [
        np.abs(
            np.bincount(bins, (generator.random(len(confidence)) < confidence) - confidence)
        ).sum()
        for _ in range(200)
    ]
    return float(np.quantile(errors, 0.95)) / len(confidence)


def brier_score(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean squared distance of the probabilities from the one-hot label; 0 is best, 2 worst.

    G. W. Brier, "Verification of forecasts expressed in terms of probability", 1950.
    """
    distance = probabilities.astype(np.float64)
    distance[np.arange(len(labels)), labels] -= 1
    return float((distance**2).sum(axis=1).mean())


def all_topics_scores(
    any_topic: NDArray[np.bool_],  # (n_texts, n_topics), the topics that texts have
    found: NDArray[np.bool_],  # (n_texts, n_topics)
    probabilities: NDArray[np.float32],  # (n_texts, n_topics), of each topic on its own
) -> dict[str, float]:
    """Return scores of all topics of texts by name.

    Macro F1 is over the topics that occur or are found; the average precision of the ranking is of
    the texts that have a topic. Without such texts there is only the exact match.
    """
    topical = any_topic.any(axis=1)
    scores = {"all_topics_exact_match": float((any_topic == found).all(axis=1).mean())}
    if not topical.any():
        return scores
    used = (any_topic | found).any(axis=0)
    for name, score, average in (
        ("micro_f1", f1_score, "micro"),
        ("macro_f1", f1_score, "macro"),
        ("precision", precision_score, "micro"),
        ("recall", recall_score, "micro"),
    ):
        scores[f"all_topics_{name}"] = float(
            score(any_topic[:, used], found[:, used], average=average, zero_division=0.0)
        )
    ranking = label_ranking_average_precision_score(any_topic[topical], probabilities[topical])
    return scores | {"label_ranking_average_precision": float(ranking)}


def bootstrap_interval(right: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the 95 % confidence interval of an accuracy, by bootstrap.

    Percentile bootstrap over the texts, 1,000 resamples: B. Efron, "Bootstrap methods: another look
    at the jackknife", 1979. The number of correct ones in a resample is binomial.
    """
    counts = np.random.default_rng(0).binomial(len(right), right.mean(), 1_000)
    low, high = np.quantile(counts / len(right), [0.025, 0.975])
    return float(low), float(high)


def mcnemar(right: NDArray[np.bool_], other_right: NDArray[np.bool_]) -> float:
    """Return the p-value of the hypothesis that two classifiers are equally accurate.

    Exact McNemar test on the texts that only one of them classified correctly: Q. McNemar, 1947.
    """
    only_one = int((right & ~other_right).sum()), int((other_right & ~right).sum())
    return float(binomtest(only_one[0], sum(only_one)).pvalue) if sum(only_one) else 1.0
