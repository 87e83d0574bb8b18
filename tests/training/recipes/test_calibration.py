import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.dataset import NO_TOPIC
from training.evaluation.metrics import expected_calibration_error
from training.recipes.calibration import Calibration, CalibrationSettings, fit_calibration


def test_overconfident_margins_become_honest() -> None:
    """Labels are drawn from known probabilities, which distorted margins hide."""
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=1.5, size=(6_000, 4))
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([generator.choice(4, p=row) for row in truth])
    labels[labels == 3] = NO_TOPIC
    margins = (5 * logits).astype(np.float32)
    keras.utils.set_random_seed(0)
    calibration = fit(margins[:4_000], labels[:4_000], CalibrationSettings())

    honest = calibration(margins[4_000:])
    labels[labels == NO_TOPIC] = 3
    sure = np.exp(5 * (logits - logits.max(axis=1, keepdims=True)))[4_000:]
    sure /= sure.sum(axis=1, keepdims=True)
    assert expected_calibration_error(honest, labels[4_000:]) < 0.04
    assert expected_calibration_error(sure.astype(np.float32), labels[4_000:]) > 0.15
    np.testing.assert_allclose(honest, truth[4_000:], atol=0.15)


def test_scores_are_a_distribution() -> None:
    generator = np.random.default_rng(0)
    margins = generator.normal(size=(64, 5)).astype(np.float32)
    calibration = fit(margins, generator.integers(-1, 4, 64), CalibrationSettings(epochs=2))
    probabilities = calibration(margins)
    assert probabilities.shape == (64, 5)
    assert (probabilities > 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_the_weights_give_the_same_probabilities() -> None:
    """As the exported network has them: one matrix on margins and their negative parts."""
    generator = np.random.default_rng(0)
    margins = generator.normal(size=(200, 4)).astype(np.float32)
    keras.utils.set_random_seed(0)
    calibration = fit(margins, generator.integers(-1, 3, 200), CalibrationSettings(epochs=5))
    kernel, bias = calibration.weights()
    logits = np.hstack([margins, np.minimum(margins, 0)]) @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(calibration(margins), expected, atol=1e-6)
    assert not kernel[[3, 7], :3].any()  # the margin of "no topic" moves no topic


def test_outliers_and_negatives_have_no_topic() -> None:
    """Their last margin is positive, and that of a topic too; others have one of a topic only."""
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, NO_TOPIC], 200)
    margins = generator.normal(-1, 0.2, (800, 4)).astype(np.float32)
    margins[np.arange(800), labels] += 2  # NO_TOPIC is the last
    margins[600:, 0] += 1.5
    keras.utils.set_random_seed(0)
    probabilities = fit(margins, labels, CalibrationSettings())(margins)
    assert probabilities[:600, :3].max(axis=1).mean() > 0.95
    assert probabilities[600:, 3].mean() > 0.95


def test_negatives_move_no_topic_against_another() -> None:
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1, NO_TOPIC], 200)
    margins = generator.normal(size=(600, 3)).astype(np.float32)
    margins[np.arange(600), labels] += 1
    negative = labels == NO_TOPIC
    fitted = []
    for negatives in (margins[negative], margins[negative] + 5):
        keras.utils.set_random_seed(0)
        moved = np.vstack([margins[~negative], negatives])
        calibration = fit(moved, labels, CalibrationSettings(epochs=5))
        topics = calibration(margins)[:, :2]
        fitted.append(topics / topics.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(fitted[0], fitted[1], rtol=1e-5)


def fit(
    margins: NDArray[np.float32], labels: NDArray[np.int64], settings: CalibrationSettings
) -> Calibration:
    """Fit with all negatives apart, and every text counting the same."""
    weights = np.ones(len(labels), dtype=np.float32)
    return fit_calibration(margins, labels, labels == NO_TOPIC, weights, settings)
