from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from tests.training.data_check.texts import WORDS, made_up_rows
from training.data_check import label_model
from training.data_check.label_model import (
    N_FOLDS,
    calibrate,
    out_of_fold_probabilities,
    split_into_folds,
)
from training.data_check.words import read_words

TOPICS = sorted(WORDS)


def inputs(n_each: int, n_topics: int) -> tuple[Any, NDArray[np.int64], NDArray[np.int64]]:
    rows = made_up_rows(n_each, TOPICS[:n_topics])
    labels = np.array([TOPICS.index(row.topics[0]) for row in rows])
    return read_words(rows).counts(), labels, np.arange(len(rows))


@pytest.mark.parametrize("n_topics", [2, 3])
def test_probabilities_of_texts_that_were_not_learnt(n_topics: int) -> None:
    counts, labels, groups = inputs(40, n_topics)
    probabilities = out_of_fold_probabilities(counts, labels, groups)
    assert probabilities.shape == (len(labels), n_topics)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.9
    np.testing.assert_array_equal(out_of_fold_probabilities(counts, labels, groups), probabilities)


def test_a_row_does_not_judge_itself() -> None:
    """Of random labels nothing can be told, other than from the row's own."""
    counts, labels, groups = inputs(100, 3)
    labels = np.random.default_rng(0).permutation(labels)
    probabilities = out_of_fold_probabilities(counts, labels, groups)
    assert 0.2 < (probabilities.argmax(axis=1) == labels).mean() < 0.45


def test_folds_are_stratified_and_keep_groups() -> None:
    labels = np.repeat([0, 1, 2], [50, 10, 5])
    alone = split_into_folds(labels, np.arange(65), 0)
    for fold in range(N_FOLDS):
        assert np.bincount(labels[alone == fold]).tolist() == [10, 2, 1]
    groups = np.arange(65) // 2
    folds = split_into_folds(labels, groups, 0)
    assert all(len(set(folds[groups == group])) == 1 for group in range(33))
    assert not np.array_equal(folds, split_into_folds(labels, groups, 1))


def test_a_topic_of_one_group_is_not_judged() -> None:
    counts, labels, groups = inputs(20, 3)
    groups[labels == 2] = groups[labels == 2][0]
    probabilities = out_of_fold_probabilities(counts, labels, groups)
    np.testing.assert_array_equal(np.isnan(probabilities).all(axis=1), labels == 2)
    assert not np.isnan(probabilities[labels != 2]).any()


def test_calibration_minimises_the_loss() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(3, size=3000)
    scores = (np.eye(3)[labels] + random.normal(size=(3000, 3))).astype(np.float32)

    def loss(factor: float) -> float:
        exponentials = np.exp(scores.astype(np.float64) * factor)
        right = exponentials[np.arange(3000), labels] / exponentials.sum(axis=1)
        return float(-np.log(right).mean())

    best = minimize_scalar(loss, bounds=(0.01, 100), method="bounded").x
    expected = np.exp(scores * best) / np.exp(scores * best).sum(axis=1, keepdims=True)
    found = calibrate(scores, labels)
    np.testing.assert_allclose(found, expected, atol=0.01)
    confident = found.max(axis=1) > 0.8
    right = (found.argmax(axis=1) == labels)[confident]
    assert abs(right.mean() - found.max(axis=1)[confident].mean()) < 0.05


def test_fits_to_a_part_of_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, labels, groups = inputs(60, 3)
    monkeypatch.setattr(label_model, "MAX_FIT_ROWS", 60)
    monkeypatch.setattr(label_model, "MAX_WEIGHTS", 90)  # 30 words
    probabilities = out_of_fold_probabilities(counts, labels, groups)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.7


def test_texts_without_common_words_have_no_opinion() -> None:
    counts, labels, groups = inputs(10, 2)
    probabilities = out_of_fold_probabilities(counts[:, :0], labels, groups)
    np.testing.assert_allclose(probabilities, 0.5, atol=0.1)
