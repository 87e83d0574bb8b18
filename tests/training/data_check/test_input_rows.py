import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data.dataset import Article, DataError, Dataset, Split
from training.data.options import DataOptions
from training.data_check.input_rows import InputRows, read_input_rows, rows_of_dataset


def write(path: Path, *topics: Any) -> Path:
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
    desk = write(tmp_path / "desk.jsonl", "Sci/Tech", "sci", ["art", "sci", "Sci/Tech"], [], "Arts")
    rows = read(desk, topics=topics).rows
    assert [row.topics for row in rows] == [
        *(("Sci/Tech",), ("Sci/Tech",)),
        ("art", "Sci/Tech"),
        *((), ("art",)),
    ]


@pytest.mark.parametrize("label", ["//", "x" * 65, "a\nb"])
def test_labels_that_train_does_not_take(tmp_path: Path, label: str) -> None:
    desk = write(tmp_path / "desk.jsonl", "sport", label)
    with pytest.raises(DataError, match=r"desk.jsonl, line 2: topics: expected names with 1 to 64"):
        read(desk)


def test_two_labels_of_one_code(tmp_path: Path) -> None:
    desk = write(tmp_path / "desk.jsonl", "Sci/Tech", "Sci Tech")
    with pytest.raises(DataError, match="line 2: topics: 'Sci/Tech' and 'Sci Tech' have the same"):
        read(desk)


def test_names_of_the_topics_of_reuters(tmp_path: Path, data_dir: Path) -> None:
    desk = write(tmp_path / "desk.jsonl", "Crude oil")
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
