from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.model import NewsText
from service.model.encoder import TextEncoder
from training.data.columns import LabelledRow
from training.data.dataset import DataError, Dataset, Split
from training.data.file_dataset import build_dataset
from training.data.topic_list import TopicList

FILE = "desk.jsonl"


def row(number: int, *topics: str, **fields: Any) -> LabelledRow:
    text = f"{topics[0] if topics else 'none'} text number{number}"
    return LabelledRow(text, None, topics, FILE, number)._replace(**fields)


ROWS = [row(number, ["sport", "arts", "law"][number % 3]) for number in range(60)]
NEGATIVES = [row(number) for number in range(60, 70)]


def build(rows: Sequence[LabelledRow], **options: Any) -> Dataset:
    defaults: dict[str, Any] = {"name": "desk", "description": "texts", "split_seed": 0}
    return build_dataset(rows, TopicList({}), **{**defaults, **options})


def texts_of(split: Split) -> set[str]:
    return {article.body for article in (*split.articles, *split.negatives)}


def test_dataset_of_rows() -> None:
    lines: list[str] = []
    dataset = build([*ROWS, *NEGATIVES], report=lines.append)
    train, test = dataset.train, dataset.test
    assert (dataset.name, dataset.source, dataset.split_seed) == ("desk", "files", 0)
    assert list(dataset.topic_codes) == ["arts", "law", "sport"]
    assert np.bincount(train.labels).tolist() == [16, 16, 16]
    assert np.bincount(test.labels).tolist() == [4, 4, 4]
    assert (len(train.negatives), len(test.negatives)) == (8, 2)
    assert [topic.training_newswires for topic in dataset.topics] == [16, 16, 16]
    assert texts_of(train) | texts_of(test) == {item.text for item in (*ROWS, *NEGATIVES)}
    assert lines == [
        "Read texts of 3 topics: 48 to train on and 12 to test on; of no topic: 8 and 2"
    ]
    for split in (train, test):
        codes = [split.topic_codes[label] for label in split.labels]
        assert codes == [article.topics[0] for article in split.articles]
        assert all(article.has_body for article in split.articles)


def test_token_ids_are_those_of_the_keras_encoder() -> None:
    rows = [item._replace(title="The Title") for item in ROWS]
    dataset = build(rows)
    encoder = TextEncoder(dataset.vocabulary)
    for split in (dataset.train, dataset.test):
        for ids, article in zip(split.token_ids, split.articles, strict=True):
            assert article.news_text == NewsText(article.body, "The Title")
            assert list(ids) == encoder.token_ids(article.keras_text)
            assert list(ids) == encoder.token_ids(article.body, article.title)


def test_vocabulary_is_of_the_training_texts_by_frequency() -> None:
    rows = [row(n, "ab"[n % 2], text="b b b a a" + " c" * (n % 2) + f" {n}") for n in range(20)]
    dataset = build([*rows, row(0, text="negative")])
    numbers = {word for word in dataset.vocabulary if word.isdigit()}
    assert numbers == {item.body.split()[-1] for item in dataset.train.articles}
    expected = ["b", "a", "c", *sorted(numbers)]
    assert dataset.vocabulary == {word: 4 + rank for rank, word in enumerate(expected)}


def test_same_seed_same_dataset() -> None:
    first, again, other = build(ROWS), build(ROWS), build(ROWS, split_seed=1)
    assert first.fingerprint() == again.fingerprint()
    assert texts_of(first.test) == texts_of(again.test) != texts_of(other.test)


def test_texts_stay_on_their_side_when_a_file_grows() -> None:
    """So that the bundle before is measured on few texts that it was trained on."""
    rows = [row(number, ["sport", "arts", "law"][number % 3]) for number in range(660)]
    before, after = build(rows[:600]), build(rows)
    assert len(texts_of(after.test) & texts_of(before.train)) <= 12
    assert len(texts_of(after.test) & texts_of(before.test)) >= 108
    backwards = build(rows[::-1])
    assert texts_of(backwards.test) == texts_of(after.test)


def test_fingerprint_is_of_topics_and_negatives_too() -> None:
    dataset = build([*ROWS, *NEGATIVES])
    others = [
        build([*ROWS, *NEGATIVES[:-1], row(99)]),
        build([item._replace(topics=(*item.topics, "law")) for item in ROWS] + NEGATIVES),
        build([item._replace(topics=(f"{item.topics[0]}s",)) for item in ROWS] + NEGATIVES),
    ]
    assert len({item.fingerprint() for item in [dataset, *others]}) == 4


def test_all_topics_of_a_row_are_kept() -> None:
    rows = [item._replace(topics=(*item.topics, "law", "Sport")) for item in ROWS]
    dataset = build([*rows, *(row(n, "Sport") for n in range(100, 105))])
    assert {item.topics for item in dataset.train.articles} == {
        ("sport", "law", "Sport"),
        ("arts", "law", "Sport"),
        ("law", "Sport"),
        ("Sport",),
    }


@pytest.mark.parametrize("seed", range(3))
def test_equal_texts_and_groups_are_on_one_side(seed: int) -> None:
    grouped = [item._replace(group=str(number // 3)) for number, item in enumerate(ROWS)]
    copies = [
        item._replace(text=f"{item.text.upper()}!", group=None, topics=("law",))
        for item in ROWS[::5]
    ]
    dataset = build([*grouped, *copies], split_seed=seed)
    sides = []
    for split in (dataset.train, dataset.test):
        words = {text.lower().strip("!") for text in texts_of(split)}
        groups = {item.group for item in grouped if item.text in words}
        sides.append((words, groups))
    assert sides[0][0].isdisjoint(sides[1][0])
    assert sides[0][1].isdisjoint(sides[1][1])


@pytest.mark.parametrize("way", ["stratified", "chronological", "fixed"])
def test_groups_are_on_one_side_in_every_split(way: str) -> None:
    """Groups of texts with different topics, days and sides."""
    first = date(2026, 1, 1)
    rows = [
        item._replace(
            group=str(number % 20),
            date=first + timedelta(days=number),
            split=("test" if number < 9 else "train") if way == "fixed" else None,
        )
        for number, item in enumerate(ROWS)
    ]
    dataset = build(rows, split_seed=None if way == "chronological" else 7)
    train, test = (
        {item.group for item in rows if item.text in texts_of(part)}
        for part in (dataset.train, dataset.test)
    )
    assert train
    assert test
    assert train.isdisjoint(test)


def test_column_of_the_split() -> None:
    rows = [
        item._replace(split="test" if number < 9 else "train") for number, item in enumerate(ROWS)
    ]
    dataset = build(rows)
    assert texts_of(dataset.test) == {item.text for item in ROWS[:9]}
    assert texts_of(dataset.train) == {item.text for item in ROWS[9:]}


def test_training_rows_equal_to_test_rows_are_left_out() -> None:
    lines: list[str] = []
    leak = ROWS[9]._replace(split="train", text=ROWS[0].text)
    rows = [item._replace(split="test") for item in ROWS[:9]] + [leak, *ROWS[10:]]
    dataset = build(rows, report=lines.append)
    assert ROWS[0].text in texts_of(dataset.test) - texts_of(dataset.train)
    assert lines[0] == "Left out 1 training rows: equal to test rows, or of their groups"


def test_chronological() -> None:
    first = date(2026, 1, 1)
    rows = [
        item._replace(date=first + timedelta(days=int(day)))
        for item, day in zip(ROWS, np.random.default_rng(0).permutation(60), strict=True)
    ]
    dataset = build(rows, split_seed=None)
    assert dataset.split_seed is None
    days = {item.text: item.date for item in rows}
    in_order = [days[article.body] for article in dataset.train.articles]
    assert in_order == [first + timedelta(days=day) for day in range(48)]
    assert len(dataset.test.labels) == 12
    with pytest.raises(DataError, match="--chronological: expected a date in every row, desk"):
        build([*rows, row(99, "law")], split_seed=None)


def test_rare_topics_are_rejected_or_dropped() -> None:
    rows = [*ROWS, row(100, "rare", "law"), row(101, "rare"), row(102, "law", "rare"), row(103)]
    with pytest.raises(DataError, match=r"got fewer of 1 among 4 topics: rare \(3\);"):
        build(rows)
    lines: list[str] = []
    dataset = build(rows, drop_rare=True, report=lines.append)
    assert list(dataset.topic_codes) == ["arts", "law", "sport"]
    together = [*dataset.train.articles, *dataset.test.articles]
    topics = {item.body: item.topics for item in together}
    assert topics["rare text number100"] == topics["law text number102"] == ("law",)
    assert "rare text number101" not in topics
    negatives = [*dataset.train.negatives, *dataset.test.negatives]
    assert [item.body for item in negatives] == ["none text number103"]
    assert lines[0] == "Left out 1 rare topics (rare), and 1 rows with no other"


def test_topic_that_is_never_the_first_is_learnt() -> None:
    rows = [*ROWS, *(row(100 + number, "law", "courts") for number in range(6))]
    dataset = build(rows)
    assert list(dataset.topic_codes) == ["arts", "courts", "law", "sport"]
    (courts,) = [topic for topic in dataset.topics if topic.code == "courts"]
    articles = dataset.train.articles
    assert courts.training_newswires == sum("courts" in item.topics for item in articles) > 0
    assert courts.id not in {*dataset.train.labels, *dataset.test.labels}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS[::3], "expected 2 to 1,000 topics, got 1: sport"),
        (NEGATIVES, "expected 2 to 1,000 topics, got 0"),
        ([item._replace(split="train") for item in ROWS], "expected texts of a topic to test on"),
        ([item._replace(split="test") for item in ROWS], "expected texts of a topic to train on"),
        (
            [item._replace(split="test" if "law" in item.topics else "train") for item in ROWS],
            "expected texts of each topic to train on, got none of 1, such as law",
        ),
        ([*ROWS, row(7, "!!")], "desk.jsonl, line 7: topics: expected names with 1 to 64 letters"),
    ],
)
def test_data_that_cannot_be_learnt(rows: list[LabelledRow], message: str) -> None:
    with pytest.raises(DataError, match=message):
        build(rows)


def test_after_a_built_in_set() -> None:
    """Its topics keep their indices, and its texts their side; new topics follow."""
    built_in = build(
        [row(n, "ba"[n % 2], text=f"built in {n}", split=["train", "test"][n % 4 == 0])
         for n in range(20)]
    )  # fmt: skip
    assert list(built_in.topic_codes) == ["a", "b"]
    reversed_codes = replace(
        built_in,
        train=replace(built_in.train, topic_codes=["b", "a"], labels=1 - built_in.train.labels),
        test=replace(built_in.test, topic_codes=["b", "a"], labels=1 - built_in.test.labels),
    )
    correction = row(99, "sport", text="Built in 4")  # equal to a text that is tested on
    dataset = build([*ROWS, row(98, "a"), correction], built_in=reversed_codes)
    assert list(dataset.topic_codes) == ["b", "a", "arts", "law", "sport"]
    assert texts_of(built_in.train) < texts_of(dataset.train)
    assert texts_of(built_in.test) | {"Built in 4"} < texts_of(dataset.test)
    codes = [dataset.topic_codes[label] for label in dataset.test.labels]
    assert codes == [item.topics[0] for item in dataset.test.articles]


def test_built_in_set_alone_is_the_same(corpus_dataset: Dataset) -> None:
    """But for the order of the texts, and words of the test texts."""
    dataset = build([], built_in=corpus_dataset)
    for ours, theirs in (
        (dataset.train, corpus_dataset.train),
        (dataset.test, corpus_dataset.test),
    ):
        assert sorted(map(repr, ours.articles)) == sorted(map(repr, theirs.articles))
        assert sorted(map(repr, ours.negatives)) == sorted(map(repr, theirs.negatives))
        assert sorted(ours.labels) == sorted(theirs.labels)
    assert dataset.topic_codes == corpus_dataset.topic_codes
    assert dataset.vocabulary.keys() < corpus_dataset.vocabulary.keys()


def test_paths_are_no_part_of_the_fingerprint() -> None:
    moved = [item._replace(file=str(Path("elsewhere") / FILE), line=1, id="x") for item in ROWS]
    assert build(moved).fingerprint() == build(ROWS).fingerprint()
