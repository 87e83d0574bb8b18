import json
from pathlib import Path
from typing import Any

import pytest

from training.data.dataset import DataError
from training.data_check.input_rows import InputRows, read_input_rows


def write(path: Path, *topics: Any) -> Path:
    lines = (json.dumps({"text": f"Text {n}", "topics": item}) for n, item in enumerate(topics))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def read(*files: Path, topics: Path | None = None, test: Path | None = None) -> InputRows:
    return read_input_rows(files, test, topics, columns={}, max_bad_rows=0.0, data_dir=None)


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
    found = read_input_rows(
        [Path("reuters21578"), desk], None, None, columns={}, max_bad_rows=0.0, data_dir=data_dir
    )
    assert found.rows[-1].topics == ("crude",)
