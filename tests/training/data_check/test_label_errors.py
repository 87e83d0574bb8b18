import numpy as np
import pytest

from tests.training.data_check.texts import made_up_rows, row, wrong_topics
from training.data.labelled_file import LabelledRow
from training.data_check.label_errors import (
    LabelErrors,
    estimate_errors,
    find_label_errors,
    frequent_labels,
)
from training.data_check.words import read_words


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
