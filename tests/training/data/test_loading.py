import json
from pathlib import Path
from typing import Any

import pytest

from training.data.dataset import DataError, Dataset
from training.data.loading import load_data, name_of
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
