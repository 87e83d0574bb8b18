from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from tests.training.data_check.texts import WORDS, made_up_rows, row, wrong_topics
from training.data.columns import LabelledRow
from training.data_check import label_errors
from training.data_check.label_errors import (
    N_FOLDS,
    LabelErrors,
    calibrate,
    estimate_errors,
    find_label_errors,
    frequent_labels,
    out_of_fold_probabilities,
    split_into_folds,
)
from training.data_check.words import read_words

TOPICS = sorted(WORDS)


def find(rows: list[LabelledRow]) -> LabelErrors:
    topics = [item.topics for item in rows]
    return find_label_errors(topics, read_words(rows).counts(), np.arange(len(rows)))


def test_planted_errors_come_first_with_the_right_topic() -> None:
    right = made_up_rows(100)
    rows, wrong = wrong_topics(right, every=20)
    found = find(rows)
    first = found.rows[: len(rows) // 10].tolist()
    assert len(wrong & set(first)) >= 0.9 * len(wrong)
    assert (np.diff(found.scores) >= 0).all()
    suggested = dict(zip(found.rows.tolist(), found.suggested, strict=True))
    assert sum(suggested.get(number) == right[number].topics for number in wrong) >= 0.9 * len(
        wrong
    )
    assert found.n_estimated == pytest.approx(len(wrong), abs=6)


def test_any_topic_of_a_row_is_right() -> None:
    rows = made_up_rows(40)
    other = {"sport": "markets", "markets": "science", "science": "sport"}
    swapped = [
        item._replace(topics=(other[item.topics[0]], item.topics[0])) if number % 10 == 0 else item
        for number, item in enumerate(rows)
    ]
    assert not {*range(0, len(rows), 10)} & {*find(swapped).rows[:12].tolist()}


def test_texts_of_no_topic_are_suspects_too() -> None:
    rows = [
        item._replace(topics=()) if item.topics == ("science",) else item
        for item in made_up_rows(60)
    ]
    rows[0] = rows[0]._replace(topics=())  # sport
    rows[2] = rows[2]._replace(topics=("sport",))  # science, which is no topic here
    found = find(rows)
    suggested = dict(zip(found.rows.tolist(), found.suggested, strict=True))
    assert suggested[0] == ("sport",)
    assert suggested[2] == ()


def test_rows_of_rare_topics_are_left_out() -> None:
    rows = made_up_rows(30)
    rare = [item._replace(topics=("chess", "sport")) for item in rows[:4]]
    assert not {0, 1, 2, 3} & {*find([*rare, *rows[4:]]).rows.tolist()}
    assert frequent_labels([item.topics for item in rare]) == []


def test_one_label_has_no_errors() -> None:
    found = find([row("rain in the north", "weather")] * 10)
    assert len(found.rows) == found.n_estimated == 0


def test_duplicates_do_not_judge_each_other() -> None:
    """Two copies of one text with one wrong label would vote for each other."""
    rows, _ = wrong_topics(made_up_rows(40), every=1000)  # row 0
    rows += [rows[0]] * 8
    topics, counts = [item.topics for item in rows], read_words(rows).counts()
    groups = np.arange(len(rows))
    groups[-8:] = 0
    together = find_label_errors(topics, counts, groups)
    assert {0, *range(len(rows) - 8, len(rows))} <= set(together.rows.tolist())


def test_estimate_is_that_of_the_confident_joint() -> None:
    probabilities = np.array(
        [[0.9, 0.1], [0.7, 0.3], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.55, 0.45]], np.float32
    )
    primary = np.array([0, 0, 0, 0, 1, 1])
    given = np.eye(2, dtype=bool)[primary]
    # both thresholds are 0.625: the last row does not count, one of the first four is wrong
    assert estimate_errors(probabilities, primary, given) == 1
    given[3, 1] = True  # also of the second topic
    assert estimate_errors(probabilities, primary, given) == 0


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
    monkeypatch.setattr(label_errors, "MAX_FIT_ROWS", 60)
    monkeypatch.setattr(label_errors, "MAX_WEIGHTS", 90)  # 30 words
    probabilities = out_of_fold_probabilities(counts, labels, groups)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.7


def test_texts_without_common_words_have_no_opinion() -> None:
    counts, labels, groups = inputs(10, 2)
    probabilities = out_of_fold_probabilities(counts[:, :0], labels, groups)
    np.testing.assert_allclose(probabilities, 0.5, atol=0.1)
