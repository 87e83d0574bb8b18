import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data.dataset import Article, DataError, Dataset, Split
from training.data.loading import (
    InputRows,
    load_data,
    name_of,
    read_input_rows,
    rows_of_dataset,
)
from training.data.options import DataOptions


def write(path: Path, n_rows: int, **fields: Any) -> Path:
    rows = (
        {"text": f"Text {number} of {path.stem}", "topics": ["sport", "arts"][number % 2], **fields}
        for number in range(n_rows)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_built_in_set_is_as_before(data_dir: Path, corpus_dataset: Dataset) -> None:
    dataset = load_data(DataOptions(data_dir=data_dir, name="mine"))
    assert dataset.fingerprint() == corpus_dataset.fingerprint()
    assert (dataset.name, dataset.source) == ("mine", "reuters21578")
    assert dataset.topics == corpus_dataset.topics
    by_date = load_data(DataOptions(data=("keras",), data_dir=data_dir, split_seed=None))
    assert (by_date.name, by_date.source, by_date.split_seed) == ("reuters", "keras", None)


def test_files_are_learnt_together(tmp_path: Path) -> None:
    first, second = write(tmp_path / "desk.jsonl", 20), write(tmp_path / "more.jsonl", 10)
    dataset = load_data(DataOptions(data=(str(first), str(second))))
    assert (dataset.name, dataset.source) == ("desk", "files")
    assert dataset.description == "texts of desk.jsonl, more.jsonl"
    assert len(dataset.train.labels) + len(dataset.test.labels) == 30


def test_built_in_set_and_files(data_dir: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "desk.jsonl", 10)
    dataset = load_data(DataOptions(data=("reuters21578", str(path)), data_dir=data_dir))
    assert (dataset.name, dataset.source) == ("reuters", "files")
    assert dataset.description.endswith("Reuters-21578 (1987), and texts of desk.jsonl")
    assert list(dataset.topic_codes)[:2] == ["cocoa", "grain"]
    assert list(dataset.topic_codes)[46:] == ["arts", "sport"]
    assert dataset.topics[0].name == "Cocoa"
    assert (len(dataset.train.labels), len(dataset.test.labels)) == (8_982 + 8, 2_246 + 2)


def test_all_options_of_files(tmp_path: Path) -> None:
    data, test = write(tmp_path / "desk.jsonl", 20, body="Body"), write(tmp_path / "held.jsonl", 6)
    topics = tmp_path / "topics.json"
    subject = {"uri": "http://cv.iptc.org/newscodes/mediatopic/15000000", "match": "exact"}
    described = {"code": "sport", "name": "Sports", "group": "Leisure"}
    topics.write_text(json.dumps([described | {"subjects": [subject | {"name": "sport"}]}]))
    with data.open("a") as file:
        file.write('{"text": "Rare", "topics": "rare"}\n{"text": 1}\n')
    lines: list[str] = []
    options = DataOptions(
        data=(str(data),),
        name="My desk",
        test=test,
        topics=topics,
        columns={"date": "", "text": "text"},
        max_bad_rows=0.5,
        drop_rare=True,
        split_seed=3,
    )
    dataset = load_data(options, lines.append)
    assert (dataset.name, dataset.split_seed) == ("My desk", 3)
    assert (len(dataset.train.labels), len(dataset.test.labels)) == (20, 6)
    assert [(topic.name, topic.group) for topic in dataset.topics] == [
        ("arts", "arts"),
        ("Sports", "Leisure"),
    ]
    assert [len(topic.subjects) for topic in dataset.topics] == [0, 1]
    assert lines[0].startswith(f"Left out a bad row: {data}, line 22: expected a column topics")


def test_many_bad_rows_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "desk.jsonl", 40)
    path.write_text(path.read_text() + "{\n" * 25)
    lines: list[str] = []
    load_data(DataOptions(data=(str(path),), max_bad_rows=1.0), lines.append)
    assert [line.startswith("Left out a bad row: ") for line in lines[:10]] == [True] * 10
    assert lines[10] == "Left out 15 more bad rows"


def test_bad_rows_are_told_before_an_error_of_the_data(tmp_path: Path) -> None:
    """Of what was left out one has to know to understand that a topic is rare."""
    path = write(tmp_path / "desk.jsonl", 20)
    path.write_text(path.read_text() + '{"text": "a", "topics": "rare"}\n{"text": 1}\n')
    lines: list[str] = []
    with pytest.raises(DataError, match="expected at least 5 texts of each topic"):
        load_data(DataOptions(data=(str(path),), max_bad_rows=0.5), lines.append)
    assert len(lines) == 1
    assert lines[0].startswith(f"Left out a bad row: {path}, line 22: ")


def test_names_of_files() -> None:
    names = {"a/desk.jsonl.gz": "desk", "desk": "desk", ".jsonl": ".jsonl"}
    assert {path: name_of(Path(path)) for path in names} == names


def test_corrections_replace_rows_and_are_counted(tmp_path: Path) -> None:
    data, corrections = tmp_path / "desk.jsonl", tmp_path / "corrections.jsonl"
    rows = [
        {"text": f"Text {n}", "topics": ["sport", "arts"][n % 2], "id": str(n)} for n in range(20)
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    corrections.write_text(json.dumps(rows[0] | {"topics": "arts"}) + "\n")
    lines: list[str] = []
    dataset = load_data(DataOptions(data=(str(data), str(corrections))), lines.append)
    articles = [item for part in (dataset.train, dataset.test) for item in part.articles]
    assert len(articles) == 20
    (changed,) = (item for item in articles if item.body == "Text 0")
    assert changed.topics == ("arts",)
    assert (changed.file, changed.line) == (str(corrections), 1)
    assert lines[0] == f"{data}: rows replaced by those of the same id in later files: 1"


def write_topics(path: Path, *topics: Any) -> Path:
    lines = (json.dumps({"text": f"Text {n}", "topics": item}) for n, item in enumerate(topics))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def read(*files: Path, topics: Path | None = None, test: Path | None = None) -> InputRows:
    data = tuple(map(str, files))
    return read_input_rows(DataOptions(data=data, topics=topics, test=test, max_bad_rows=0.0))


def test_labels_of_one_code_are_one_topic(tmp_path: Path) -> None:
    """A name and its code mean the same topic, whose label is the one that comes first."""
    topics = tmp_path / "topics.json"
    topics.write_text('[{"code": "sci", "name": "Sci/Tech"}, {"code": "art", "name": "Arts"}]')
    desk = write_topics(
        tmp_path / "desk.jsonl", "Sci/Tech", "sci", ["art", "sci", "Sci/Tech"], [], "Arts"
    )
    rows = read(desk, topics=topics).rows
    assert [row.topics for row in rows] == [
        *(("Sci/Tech",), ("Sci/Tech",)),
        ("art", "Sci/Tech"),
        *((), ("art",)),
    ]


@pytest.mark.parametrize("label", ["//", "x" * 65, "a\nb"])
def test_labels_that_train_does_not_take(tmp_path: Path, label: str) -> None:
    desk = write_topics(tmp_path / "desk.jsonl", "sport", label)
    with pytest.raises(DataError, match=r"desk.jsonl, line 2: topics: expected names with 1 to 64"):
        read(desk)


def test_two_labels_of_one_code(tmp_path: Path) -> None:
    desk = write_topics(tmp_path / "desk.jsonl", "Sci/Tech", "Sci Tech")
    with pytest.raises(DataError, match="line 2: topics: 'Sci/Tech' and 'Sci Tech' have the same"):
        read(desk)


def test_names_of_the_topics_of_reuters(tmp_path: Path, data_dir: Path) -> None:
    desk = write_topics(tmp_path / "desk.jsonl", "Crude oil")
    found = read_input_rows(DataOptions(data=("reuters21578", str(desk)), data_dir=data_dir))
    assert found.rows[-1].topics == ("crude",)


def article(body: str, *topics: str, title: str = "") -> Article:
    return Article(title, body, has_body=True, keras_text=body, topics=topics)


def dataset(*parts: Split) -> Dataset:
    return Dataset("desk", "texts", "files", {}, [], 113, *parts)


def test_rows_of_both_parts() -> None:
    codes = ["wind", "rain"]
    train = Split(
        [[1], [1]],
        np.array([0, 1]),
        codes,
        [article("a", "wind", "snow", title="A"), article("b", "rain", "wind")],
        [article("c")],
    )
    test = Split([[1]], np.array([1]), codes, [article("d", "rain")])
    rows = list(rows_of_dataset(dataset(train, test)))
    assert [(row.text, row.title, row.topics, row.split, row.file, row.line) for row in rows] == [
        ("a", "A", ("wind",), "train", "desk/train", 1),
        ("b", None, ("rain", "wind"), "train", "desk/train", 2),
        ("c", None, (), "train", "desk/train", 3),
        ("d", None, ("rain",), "test", "desk/test", 1),
    ]


def test_rows_of_files_keep_their_places() -> None:
    placed = replace(article("a", "wind"), file="desk.jsonl", line=7)
    part = Split([[1]], np.array([0]), ["wind"], [placed])
    rows = list(rows_of_dataset(dataset(part, part)))
    assert [(row.split, row.file, row.line) for row in rows] == [
        ("train", "desk.jsonl", 7),
        ("test", "desk.jsonl", 7),
    ]


def test_word_ids_alone_cannot_be_checked() -> None:
    part = Split([[1]], np.array([0]), ["wind"])
    with pytest.raises(DataError, match="desk/train: expected texts"):
        list(rows_of_dataset(dataset(part, part)))
