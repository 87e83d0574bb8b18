from datetime import date

import numpy as np
import pytest

from tests.training.data_check.texts import made_up_rows, row, wrong_topics
from training.data.columns import LabelledRow
from training.data.dataset import DataError
from training.data_check.check import (
    MAX_WORDS,
    check_rows,
    find_odd_texts,
    find_rare_topics,
    find_repeated_texts,
    find_split_errors,
)
from training.data_check.duplicates import find_duplicates
from training.data_check.report import Finding
from training.data_check.words import read_words

FINDINGS = [
    *("empty_texts", "short_texts", "long_texts", "unknown_words"),
    *("exact_duplicates", "near_duplicates"),
    *("conflicting_duplicates", "conflicting_near_duplicates"),
    *("split_duplicates", "split_groups", "split_dates"),
    *("rare_topics", "label_errors"),
]


def test_report_has_every_finding() -> None:
    rows, wrong = wrong_topics(made_up_rows(40), every=20)
    report = check_rows([*rows, row("again", "chess"), rows[7]])
    assert list(report.findings) == FINDINGS
    found = {key: finding.rows for key, finding in report.findings.items() if finding.rows}
    errors = found.pop("label_errors")
    assert found == {"short_texts": [120], "exact_duplicates": [121], "rare_topics": [120]}
    assert wrong <= set(errors[:12])
    assert report.word_quantiles == {"minimum": 1, "median": 24, "95 %": 24, "maximum": 24}


def test_rows_of_a_group_do_not_judge_each_other() -> None:
    """A wrong label that a whole group has is found, though its texts are alike."""
    rows = made_up_rows(40)
    alike = [
        row(f"{rows[0].text} {number} {number * 7}", "science", group="agency")
        for number in range(8)
    ]
    errors = check_rows([*rows, *alike]).label_errors
    assert set(range(120, 128)) <= set(errors.rows[:12].tolist())


def test_same_rows_same_report() -> None:
    rows, _ = wrong_topics(made_up_rows(20), every=10)
    first, second = (check_rows(rows).label_errors for _ in range(2))
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.scores, second.scores)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (made_up_rows(20, ["sport"]), "got 1 in 20 texts (sport: 20)"),
        (made_up_rows(4), "got 0 in 12 texts (sport: 4, markets: 4, science: 4)"),
        ([row("rain", f"{n}") for n in range(6)], "6 texts (0: 1, 1: 1, 2: 1, 3: 1, 4: 1, ...)"),
        ([row("rain")] * 9 + made_up_rows(6, ["sport"]), "15 texts (no topic: 9, sport: 6)"),
        ([row("rain", f"{n}") for n in range(1001)] * 5, "got 1,001 in 5,005 texts"),
    ],
    ids=["one topic", "rare topics", "text as topic", "one topic and none", "too many"],
)
def test_rows_that_cannot_be_trained_on(rows: list[LabelledRow], found: str) -> None:
    with pytest.raises(DataError, match="expected 2 to 1,000 topics") as raised:
        check_rows(rows)
    assert found in str(raised.value)
    assert "--columns topics=NAME" in str(raised.value)


LONG = " ".join(item.text for item in made_up_rows(2))


def odd_texts(rows: list[LabelledRow]) -> dict[str, Finding]:
    words = read_words(rows)
    return find_odd_texts(words.lengths, words.counts())


def split_errors(rows: list[LabelledRow]) -> dict[str, Finding]:
    return find_split_errors(rows, find_duplicates(read_words(rows)))


def test_texts_by_length() -> None:
    rows = [
        *(row("...", "a"), row("rain now", "a"), row("rain now and then", "a")),
        *(row("rain " * MAX_WORDS, "a"), row("now " * MAX_WORDS + "rain", "a")),
    ]
    found = odd_texts(rows)
    assert found["empty_texts"].rows == [0]
    assert found["short_texts"].rows == [1]
    assert found["long_texts"].rows == [4]


def test_texts_of_unknown_words_worst_first() -> None:
    rows = [*made_up_rows(20), row("der Regen said und then", "a"), row("le vent du nord", "a")]
    assert odd_texts(rows)["unknown_words"].rows == [61, 60]


def test_repeated_texts_and_their_topics() -> None:
    rows = [
        *(row(LONG, "a", "b"), row(LONG.upper(), "b", "a"), row(LONG, "a")),
        *(row(LONG + " More.", "a"), row("rain", "a")),
    ]
    found = find_repeated_texts(rows, find_duplicates(read_words(rows)))
    assert found["exact_duplicates"][1:] == ([1, 2], [0, 0], "")
    assert found["near_duplicates"][1:] == ([3], [0], "")
    assert found["conflicting_duplicates"][1:] == ([2], [0], "")
    assert found["conflicting_near_duplicates"][1:] == ([3], [0], "")


def test_duplicates_and_groups_across_the_split() -> None:
    rows = [
        *(row("rain", "a", split="test"), row(LONG, "a", split="test", group="one")),
        *(row(LONG, "a", split="train"), row("rain", "a"), row(LONG + " More.", "a", split="test")),
        *(row("wind", "b", split="train", group="one"), row(LONG, "b", split="train")),
    ]
    found = split_errors(rows)
    assert found["split_duplicates"][1:] == ([1, 4], [2, 2], "")
    assert found["split_groups"][1:] == ([1], [5], "")


def test_test_texts_older_than_training_texts() -> None:
    days = (date(2026, 3, 1), date(2026, 3, 5), date(2026, 3, 4), date(2026, 3, 5), None)
    splits = ("train", "train", "test", "test", "test")
    rows = [
        row(f"rain {number}", "a", split=split, date=day)
        for number, (split, day) in enumerate(zip(splits, days, strict=True))
    ]
    assert split_errors(rows)["split_dates"][1:] == ([2], (), "the latest: 2026-03-05")
    assert split_errors([item._replace(split=None) for item in rows])["split_dates"].rows == []
    assert split_errors(rows[2:])["split_dates"][1:] == ([], (), "")


def test_rare_topics_are_of_few_texts() -> None:
    rows = [row("rain", "a", "d")] * 5 + [row("rain", "b", "a")] * 4
    rows += [row("rain", "a", "c"), row("x")]
    assert find_rare_topics(rows)[1:] == ([5, 6, 7, 8, 9], (), "b, c")
    assert find_rare_topics(rows[:5])[1:] == ([], (), "")
