"""All topics of a text: the probability of each topic on its own, and thresholds for them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model.manifest import NEVER_FOUND
from training.recipes.calibration import Calibration
from training.recipes.examples import TrainingTexts
from training.recipes.logistic import Targets, fit_topics, separate_partition

PRIOR_TEXTS: Final = 2.0
HIGHEST: Final = np.nextafter(np.float32(NEVER_FOUND), np.float32(0))
"""Of thresholds that are reached: probabilities may be rounded to 1."""


@dataclass(frozen=True, slots=True)
class AllTopicsSettings:
    """Settings of the probabilities of topics on their own."""

    topic_strength: float = 0.1  # inverse regularisation of the influence of other topics' margins
    topic_precision: float = 0.5  # of each topic on held-out texts, at least
    topic_iterations: int = 100


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
    probabilities: NDArray[np.float32],  # (n_texts, n_topics), of texts that were not trained on
    any_topic: NDArray[np.bool_],  # (n_texts, n_topics), whether it is one of the text's topics
    precision: float,
) -> NDArray[np.float32]:
    """Choose the threshold of each topic with the highest F1 of those that reach a precision.

    Return (n_topics,), `NEVER_FOUND` for a topic that does not reach it. A topic of few texts has
    few hits to count: they are drawn towards the sum of the probabilities, which is their
    expectation, with the weight of `PRIOR_TEXTS`.
    """
    thresholds = np.full(probabilities.shape[1], NEVER_FOUND, dtype=np.float32)
    n_above = np.arange(1, len(probabilities) + 1)
    for topic, (column, is_topic) in enumerate(zip(probabilities.T, any_topic.T, strict=True)):
        order = np.argsort(-column, kind="stable")
        scores = column[order]
        counted, expected = np.cumsum(is_topic[order]), np.cumsum(scores, dtype=np.float64)
        weight = counted[-1] / (counted[-1] + PRIOR_TEXTS)
        hits = weight * counted + (1 - weight) * expected
        f1 = 2 * hits / (n_above + hits[-1])
        is_last = np.append(scores[1:] < scores[:-1], True)  # equal scores are above it together
        possible = np.flatnonzero(is_last & (hits >= precision * n_above))
        if possible.size:
            thresholds[topic] = min(HIGHEST, scores[possible[f1[possible].argmax()]])
    return thresholds
