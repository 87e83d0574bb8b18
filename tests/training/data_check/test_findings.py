from datetime import date

from tests.training.data_check.texts import made_up_rows, row
from training.data.labelled_file import LabelledRow
from training.data_check.duplicates import find_duplicates
from training.data_check.findings import (
    MAX_WORDS,
    Finding,
    find_odd_texts,
    find_rare_topics,
    find_repeated_texts,
    find_split_errors,
)
from training.data_check.words import read_words

LONG = " ".join(item.text for item in made_up_rows(2))


def split_errors(rows: list[LabelledRow]) -> dict[str, Finding]:
    return find_split_errors(rows, find_duplicates(read_words(rows)))


def test_texts_by_length() -> None:
    rows = [
        *(row("...", "a"), row("rain now", "a"), row("rain now and then", "a")),
        *(row("rain " * MAX_WORDS, "a"), row("now " * MAX_WORDS + "rain", "a")),
    ]
    found = find_odd_texts(read_words(rows))
    assert found["empty_texts"].rows == [0]
    assert found["short_texts"].rows == [1]
    assert found["long_texts"].rows == [4]


def test_texts_of_unknown_words_worst_first() -> None:
    rows = [*made_up_rows(20), row("der Regen said und then", "a"), row("le vent du nord", "a")]
    assert find_odd_texts(read_words(rows))["unknown_words"].rows == [61, 60]


def test_repeated_texts_and_their_topics() -> None:
    rows = [
        *(row(LONG, "a", "b"), row(LONG.upper(), "b", "a"), row(LONG, "a")),
        *(row(LONG + " More.", "a"), row("rain", "a")),
    ]
    found = find_repeated_texts(rows, find_duplicates(read_words(rows)))
    assert found["exact_duplicates"] == ([1, 2], [0, 0], "")
    assert found["near_duplicates"] == ([3], [0], "")
    assert found["conflicting_duplicates"] == ([2], [0], "")
    assert found["conflicting_near_duplicates"] == ([3], [0], "")


def test_duplicates_and_groups_across_the_split() -> None:
    rows = [
        *(row("rain", "a", split="test"), row(LONG, "a", split="test", group="one")),
        *(row(LONG, "a", split="train"), row("rain", "a"), row(LONG + " More.", "a", split="test")),
        *(row("wind", "b", split="train", group="one"), row(LONG, "b", split="train")),
    ]
    found = split_errors(rows)
    assert found["split_duplicates"] == ([1, 4], [2, 2], "")
    assert found["split_groups"] == ([1], [5], "")


def test_test_texts_older_than_training_texts() -> None:
    days = (date(2026, 3, 1), date(2026, 3, 5), date(2026, 3, 4), date(2026, 3, 5), None)
    splits = ("train", "train", "test", "test", "test")
    rows = [
        row(f"rain {number}", "a", split=split, date=day)
        for number, (split, day) in enumerate(zip(splits, days, strict=True))
    ]
    assert split_errors(rows)["split_dates"] == ([2], (), "the latest: 2026-03-05")
    assert split_errors([item._replace(split=None) for item in rows])["split_dates"].rows == []
    assert split_errors(rows[2:])["split_dates"] == ([], (), "")


def test_rare_topics_are_of_few_texts() -> None:
    rows = [row("rain", "a", "d")] * 5 + [row("rain", "b", "a")] * 4
    rows += [row("rain", "a", "c"), row("x")]
    assert find_rare_topics(rows)["rare_topics"] == ([5, 6, 7, 8, 9], (), "b, c")
    assert find_rare_topics(rows[:5])["rare_topics"] == ([], (), "")
