from dataclasses import replace

import numpy as np
import pytest

from training.data.dataset import Article, DataError, Dataset, Split
from training.data_check.dataset_rows import rows_of_dataset


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
