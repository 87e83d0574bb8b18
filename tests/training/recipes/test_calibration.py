from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp

from service.model import NewsText
from training.data.dataset import NO_TOPIC
from training.evaluation.metrics import expected_calibration_error
from training.recipes import logistic
from training.recipes.calibration import Calibration, CalibrationSettings, fit_calibration
from training.recipes.examples import Kind, TrainingTexts
from training.recipes.features import TokenCounts


def test_overconfident_margins_are_calibrated() -> None:
    """Labels are drawn from known probabilities, which distorted margins hide."""
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=1.5, size=(6_000, 4))
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([generator.choice(4, p=row) for row in truth])
    labels[labels == 3] = NO_TOPIC
    margins = (5 * logits).astype(np.float32)
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
    calibration = fit(margins, generator.integers(-1, 4, 64), CalibrationSettings(max_iterations=2))
    probabilities = calibration(margins)
    assert probabilities.shape == (64, 5)
    assert (probabilities > 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_margin_of_no_topic_moves_no_topic() -> None:
    generator = np.random.default_rng(0)
    margins = generator.normal(size=(200, 4)).astype(np.float32)
    calibration = fit(margins, generator.integers(-1, 3, 200), CalibrationSettings())
    assert not calibration.kernel[[3, 7], :3].any()


def test_weights_minimise_the_objective() -> None:
    """An oracle: the objective written out, at the fitted weights and beside them."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 300)
    margins = generator.normal(size=(300, 4)).astype(np.float32)
    margins[np.arange(300), labels] += 1
    settings = CalibrationSettings()
    calibration = fit(margins, labels, settings)
    inputs = np.hstack([margins[:, :3], np.minimum(margins[:, :3], 0)]).astype(np.float64)
    own = np.vstack([np.eye(3), np.eye(3)])

    def objective(kernel: NDArray[np.float64], bias: NDArray[np.float64]) -> float:
        """With the scales that leave the smallest correction."""
        logits = inputs @ kernel + bias
        losses = logsumexp(logits, axis=1) - logits[np.arange(300), labels]
        parts = np.split(kernel, 2), np.split(own, 2)
        corrections = [part - np.trace(part) / 3 * one for part, one in zip(*parts, strict=True)]
        penalty = 0.5 / (settings.strength * 300)
        return float(losses.mean() + penalty * sum((item**2).sum() for item in corrections))

    kernel = calibration.kernel[[0, 1, 2, 4, 5, 6], :3].astype(np.float64)
    bias = calibration.bias[:3].astype(np.float64)
    fitted = objective(kernel, bias)
    for _ in range(100):
        step, bias_step = (
            generator.normal(scale=0.01, size=(6, 3)),
            generator.normal(scale=0.01, size=3),
        )
        assert objective(kernel + step, bias + bias_step) > fitted


def test_outliers_and_negatives_have_no_topic() -> None:
    """Their last margin is positive, and that of a topic too; others have one of a topic only."""
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, NO_TOPIC], 200)
    margins = generator.normal(-1, 0.2, (800, 4)).astype(np.float32)
    margins[np.arange(800), labels] += 2  # NO_TOPIC is the last
    margins[600:, 0] += 1.5
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
        moved = np.vstack([margins[~negative], negatives])
        calibration = fit(moved, labels, CalibrationSettings(max_iterations=5))
        topics = calibration(margins)[:, :2]
        fitted.append(topics / topics.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(fitted[0], fitted[1], rtol=1e-5)


def test_without_no_topic_all_outputs_are_topics() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 300)
    margins = generator.normal(size=(300, 4)).astype(np.float32)
    margins[np.arange(300), labels] += 1
    with_no_topic = fit(margins, labels, CalibrationSettings())
    texts = texts_of(labels, 3)
    settings = CalibrationSettings(negative_factor=1.0)
    calibration = fit_calibration(margins[:, :3], texts, settings)
    assert calibration.kernel.shape == (6, 3)
    np.testing.assert_array_equal(calibration.kernel, with_no_topic.kernel[[0, 1, 2, 4, 5, 6], :3])


def test_outliers_are_left_out_without_no_topic() -> None:
    """Texts of random words, whose margins look like those of a topic."""
    labels = np.array([0, 1, 2] * 100)
    margins = np.full((300, 3), -1, dtype=np.float32)
    margins[np.arange(300), labels] = 1
    outlier = np.arange(300) < 150
    kinds = np.where(outlier, Kind.OUTLIER.value, Kind.WHOLE.value)
    texts = replace(texts_of(np.where(outlier, NO_TOPIC, labels), 3), kinds=kinds)
    calibration = fit_calibration(margins, texts, CalibrationSettings())
    alone = fit_calibration(margins[~outlier], texts.only(~outlier), CalibrationSettings())
    np.testing.assert_array_equal(calibration.kernel, alone.kernel)
    assert calibration(margins).max() > 0.9


def test_scales_alone_for_many_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels are drawn from known probabilities, whose logits are stretched where negative."""
    monkeypatch.setattr(logistic, "MAX_MATRIX_TOPICS", 3)
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=1.5, size=(6_000, 4))
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([generator.choice(4, p=row) for row in truth])
    margins = np.where(logits < 0, 4 * logits, 2 * logits).astype(np.float32)
    settings = CalibrationSettings()
    calibration = fit_calibration(margins, texts_of(labels, 4), settings)
    assert np.diag(calibration.kernel[:4]) == pytest.approx([0.5] * 4, abs=0.05)
    assert np.diag(calibration.kernel[4:]) == pytest.approx([-0.25] * 4, abs=0.05)
    off_diagonal = calibration.kernel[:4] - np.diag(np.diag(calibration.kernel[:4]))
    assert not off_diagonal.any()
    np.testing.assert_allclose(calibration(margins), truth, atol=0.05)


def test_scales_are_bounded_where_no_text_is_wrong() -> None:
    labels = np.array([0, 1, 2] * 10)
    margins = np.full((30, 3), -0.01, dtype=np.float32)
    margins[np.arange(30), labels] = 0.01
    calibration = fit_calibration(margins, texts_of(labels, 3), CalibrationSettings())
    assert np.abs(np.diag(calibration.kernel[:3])).max() < 31
    assert (calibration(margins).argmax(axis=1) == labels).all()


def texts_of(labels: NDArray[np.int64], n_topics: int) -> TrainingTexts:
    """Whole texts without words."""
    n_texts = len(labels)
    texts = [NewsText("")] * n_texts
    return TrainingTexts(
        texts=texts,
        groups=np.arange(n_texts),
        kinds=np.full(n_texts, Kind.WHOLE.value),
        labels=labels,
        any_topic=np.zeros((n_texts, n_topics), dtype=bool),
        counts=TokenCounts.of(texts),
    )


def fit(
    margins: NDArray[np.float32], labels: NDArray[np.int64], settings: CalibrationSettings
) -> Calibration:
    """Fit with all negatives apart, and every text counting the same."""
    texts = texts_of(labels, margins.shape[1] - 1)
    return fit_calibration(margins, texts, replace(settings, negative_factor=1.0))
