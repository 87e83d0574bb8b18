from functools import partial

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import f1_score, log_loss, precision_score

from service.model import NewsText
from service.model.manifest import NEVER_REACHED
from training.recipes import logistic
from training.recipes.calibration import (
    AllTopicsSettings,
    calibrate_out_of_fold,
    choose_all_topics_thresholds,
    fit_topic_calibration,
)
from training.recipes.examples import Kind, TrainingTexts
from training.recipes.features import TokenCounts

N_TEXTS = 3_000
SHARES = np.array([0.4, 0.2, 0.05])


def draw(n_texts: int, seed: int = 0) -> tuple[np.ndarray, TrainingTexts, np.ndarray]:
    """Draw texts of several topics: margins, texts, and the true probability of each topic.

    The last margin is noise, as that of "no topic fits" may be. Topics 0 and 1 occur together.
    """
    generator = np.random.default_rng(seed)
    logits = np.log(SHARES / (1 - SHARES)) + generator.normal(scale=2, size=(n_texts, 3))
    logits[:, 1] += 0.5 * logits[:, 0]
    truth = expit(logits)
    any_topic = generator.random((n_texts, 3)) < truth
    margins = np.hstack([0.3 * logits, generator.normal(size=(n_texts, 1))]).astype(np.float32)
    labels = np.where(any_topic.any(axis=1), any_topic.argmax(axis=1), -1)
    texts = [NewsText(str(number)) for number in range(n_texts)]
    kinds = np.array([Kind.WHOLE.value] * n_texts)
    groups = np.arange(n_texts)
    return (
        margins,
        TrainingTexts(texts, groups, kinds, labels, any_topic, TokenCounts.of(texts)),
        truth,
    )


@pytest.mark.parametrize("max_matrix_topics", [200, 2])
def test_each_topic_has_its_own_probability(
    max_matrix_topics: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are the true ones, and sum to more than 1 where a text has several topics."""
    monkeypatch.setattr(logistic, "MAX_MATRIX_TOPICS", max_matrix_topics)
    margins, texts, truth = draw(N_TEXTS)
    calibration = fit_topic_calibration(margins, texts, AllTopicsSettings())
    assert calibration.kernel.shape == (2 * margins.shape[1], 3)
    probabilities = calibration(margins)
    np.testing.assert_allclose(probabilities, truth, atol=0.15)
    assert (probabilities.sum(axis=1) > 1.2).any()


def test_other_margins_say_what_occurs_together() -> None:
    """The margin of topic 1 is lost: it follows from that of topic 0, but not from its own."""
    margins, texts, _ = draw(N_TEXTS)
    margins[:, 1] = 0
    losses = []
    for strength in (10.0, 1e-6):
        calibration = fit_topic_calibration(margins, texts, AllTopicsSettings(strength))
        losses.append(log_loss(texts.any_topic[:, 1], calibration(margins)[:, 1]))
    assert losses[0] < losses[1] - 0.02


def test_out_of_fold_probabilities_do_not_know_their_fold() -> None:
    margins, texts, _ = draw(600)
    folds = np.arange(600) % 3
    fit = partial(fit_topic_calibration, settings=AllTopicsSettings(topic_iterations=20))
    probabilities = calibrate_out_of_fold(margins, folds, texts, fit)
    assert probabilities.shape == texts.any_topic.shape
    changed = texts.any_topic.copy()
    changed[folds == 1] = ~changed[folds == 1]
    other = TrainingTexts(
        texts.texts, texts.groups, texts.kinds, texts.labels, changed, texts.counts
    )
    again = calibrate_out_of_fold(margins, folds, other, fit)
    np.testing.assert_array_equal(again[folds == 1], probabilities[folds == 1])
    assert (again[folds != 1] != probabilities[folds != 1]).any()


@pytest.mark.parametrize("precision", [0.5, 0.8, 0.95])
def test_thresholds_reach_the_precision_on_other_texts(precision: float) -> None:
    _, texts, truth = draw(N_TEXTS)
    thresholds = choose_all_topics_thresholds(truth.astype(np.float32), texts.any_topic, precision)
    _, others, theirs = draw(N_TEXTS, seed=1)
    found = theirs >= thresholds
    measured = precision_score(others.any_topic, found, average=None)
    assert (measured > precision - 0.05).all()


def test_threshold_has_the_highest_f1() -> None:
    """An oracle: the F1 of every threshold, with many texts, where the prior has no weight."""
    _, texts, truth = draw(N_TEXTS)
    scores = truth.astype(np.float32)
    thresholds = choose_all_topics_thresholds(scores, texts.any_topic, 0.0)
    for topic, threshold in enumerate(thresholds):
        target = texts.any_topic[:, topic]
        best = max(
            f1_score(target, scores[:, topic] >= candidate)
            for candidate in np.quantile(scores[:, topic], np.linspace(0.3, 1, 200))
        )
        assert f1_score(target, scores[:, topic] >= threshold) > best - 0.002


def test_equal_scores_are_found_together() -> None:
    """Half of the texts with this score have the topic: no threshold divides them."""
    scores = np.full((200, 1), 0.5, dtype=np.float32)
    has_topic = np.arange(200)[:, np.newaxis] < 100
    assert choose_all_topics_thresholds(scores, has_topic, 0.4).tolist() == [0.5]
    assert choose_all_topics_thresholds(scores, has_topic, 0.6).tolist() == [NEVER_REACHED]


def test_few_texts_do_not_lower_the_threshold_by_chance() -> None:
    """One text of a topic, with the highest of low scores: that it is right is no evidence."""
    scores = np.linspace(0.2, 0, 100, dtype=np.float32)[:, np.newaxis]
    has_topic = np.arange(100)[:, np.newaxis] == 0
    assert choose_all_topics_thresholds(scores, has_topic, 0.5).tolist() == [NEVER_REACHED]
    many = np.arange(100)[:, np.newaxis] < 30
    assert choose_all_topics_thresholds(scores, many, 0.5)[0] < 0.2


def test_probabilities_that_are_rounded_to_1_have_a_threshold() -> None:
    scores = np.array([[1], [1], [1], [0]], dtype=np.float32)
    (threshold,) = choose_all_topics_thresholds(scores, scores > 0, 0.5)
    assert threshold < NEVER_REACHED
    assert (scores[:3] >= threshold).all()
