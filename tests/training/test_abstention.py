import numpy as np
import pytest

from training.abstention import choose_thresholds
from training.recipes.network import HeldOut


def held_out(confidence: np.ndarray, right: np.ndarray, known: np.ndarray) -> HeldOut:
    """Two topics, of which the first is always answered."""
    probabilities = np.stack([confidence, 1 - confidence], axis=1).astype(np.float32)
    labels = np.where(right, 0, 1)
    return HeldOut(labels, probabilities, probabilities, known)


def test_what_is_answered_is_right_often_enough() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.5, 1, 20_000)
    answers = held_out(confidence, generator.random(20_000) < confidence, np.ones(20_000))
    threshold = choose_thresholds(answers).confidence
    answered = answers.probabilities[:, 0] >= threshold
    assert (answers.labels[answered] == 0).mean() == pytest.approx(0.95, abs=0.001)
    assert threshold == pytest.approx(0.9, abs=0.02)  # the mean above it is 0.95


def test_a_model_that_is_always_right_never_abstains() -> None:
    confidence = np.linspace(0.6, 1, 100)
    thresholds = choose_thresholds(held_out(confidence, np.ones(100, dtype=bool), np.ones(100)))
    assert thresholds.confidence == pytest.approx(0.6)


def test_nearly_all_newswires_have_enough_known_words() -> None:
    known = np.linspace(0.5, 1, 1_001)
    confidence = np.full(1_001, 0.9)
    thresholds = choose_thresholds(held_out(confidence, np.ones(1_001, dtype=bool), known))
    assert (known < thresholds.known_words_ratio).sum() == 2
