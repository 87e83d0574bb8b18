import keras
import numpy as np
import pytest

from training.metrics import expected_calibration_error
from training.recipes.calibration import CalibrationSettings, fit_calibration


def test_overconfident_margins_become_honest() -> None:
    """Labels are drawn from known probabilities, which distorted margins hide."""
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=1.5, size=(6_000, 4))
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([generator.choice(4, p=row) for row in truth])
    margins = (5 * logits).astype(np.float32)
    weights = np.ones(6_000, dtype=np.float32)
    keras.utils.set_random_seed(0)
    targets = np.eye(4, dtype=np.float32)[labels[:4_000]]
    layer = fit_calibration(margins[:4_000], targets, weights[:4_000], CalibrationSettings())

    honest = layer(margins[4_000:]).numpy()
    sure = np.exp(5 * (logits - logits.max(axis=1, keepdims=True)))[4_000:]
    sure /= sure.sum(axis=1, keepdims=True)
    assert expected_calibration_error(honest, labels[4_000:]) < 0.04
    assert expected_calibration_error(sure.astype(np.float32), labels[4_000:]) > 0.15
    np.testing.assert_allclose(honest, truth[4_000:], atol=0.15)


def test_scores_are_a_distribution() -> None:
    generator = np.random.default_rng(0)
    margins = generator.normal(size=(64, 5)).astype(np.float32)
    targets = np.eye(5, dtype=np.float32)[generator.integers(0, 5, 64)]
    layer = fit_calibration(
        margins, targets, np.ones(64, dtype=np.float32), CalibrationSettings(epochs=2)
    )
    probabilities = layer(margins).numpy()
    assert probabilities.shape == (64, 5)
    assert (probabilities > 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_what_is_no_news_is_of_no_topic_more_than_of_another() -> None:
    """Margins of outsiders are all negative; those of the others have one that is positive."""
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, -1], 200)
    inside = labels >= 0
    margins = generator.normal(-1, 0.2, (800, 3)).astype(np.float32)
    margins[inside, labels[inside]] += 2
    targets = np.where(inside[:, np.newaxis], np.eye(3)[labels], 1 / 3).astype(np.float32)
    keras.utils.set_random_seed(0)
    layer = fit_calibration(margins, targets, np.ones(800, np.float32), CalibrationSettings())
    confidence = layer(margins).numpy().max(axis=1)
    assert confidence[inside].mean() > 0.95
    assert confidence[~inside].mean() < 0.6
