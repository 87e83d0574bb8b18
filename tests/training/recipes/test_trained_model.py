import numpy as np
import pytest

from service.model.manifest import NEVER_REACHED
from training.data.dataset import NO_TOPIC
from training.recipes.trained_model import HIGHEST, MIN_KNOWN_WORDS_RATIO, OutOfFold


def out_of_fold(
    confidence: np.ndarray,
    right: np.ndarray,
    known: np.ndarray | None = None,
    no_topic: np.ndarray | None = None,
) -> OutOfFold:
    """Two topics, of which the first is always predicted; where it is wrong, no topic fits."""
    none = np.zeros(len(confidence)) if no_topic is None else no_topic
    columns = [confidence, 1 - confidence - none, none]
    probabilities = np.stack(columns, axis=1).astype(np.float32)
    labels = np.where(right, 0, NO_TOPIC)
    ratio = np.ones(len(confidence)) if known is None else known
    return OutOfFold(labels, probabilities, probabilities, ratio)


def test_threshold_reaches_target_precision() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.5, 1, 20_000)
    predictions = out_of_fold(confidence, generator.random(20_000) < confidence)
    threshold = predictions.choose_thresholds(2).confidence
    answered = predictions.probabilities[:, 0] >= threshold
    assert (predictions.labels[answered] == 0).mean() == pytest.approx(0.956, abs=0.0025)
    assert threshold == pytest.approx(0.912, abs=0.02)  # the mean above it is 0.956


def test_perfect_model_never_abstains() -> None:
    confidence = np.linspace(0.6, 1, 100)
    thresholds = out_of_fold(confidence, np.ones(100, dtype=bool)).choose_thresholds(2)
    assert thresholds.confidence == pytest.approx(0.6)


def test_equal_confidences_are_above_it_together() -> None:
    """Scores are rounded to 1 where topics are easy to tell apart, or a network is overtrained."""
    confidence = np.ones(400)
    mixed = out_of_fold(confidence, np.arange(400) < 250)  # the first are right
    assert mixed.choose_thresholds(2).confidence == NEVER_REACHED
    assert out_of_fold(confidence, confidence > 0).choose_thresholds(2).confidence == HIGHEST


def test_other_abstentions_do_not_count() -> None:
    """Neither those that are mostly unknown, nor those that have no topic more likely than not."""
    confidence = np.linspace(0.6, 1, 100)
    right = np.arange(100) >= 50
    known = np.where(right, 1.0, MIN_KNOWN_WORDS_RATIO - 0.01)
    thresholds = out_of_fold(confidence, right, known).choose_thresholds(2)
    assert thresholds.confidence == pytest.approx(confidence[50])
    confidence = np.linspace(0.46, 0.49, 100)
    none = np.where(right, 0.1, 0.501)
    thresholds = out_of_fold(confidence, right, no_topic=none).choose_thresholds(2)
    assert thresholds.confidence == pytest.approx(confidence[50])
