"""The command line of labelled files: ``--data`` and its options."""

import gzip
from pathlib import Path

import pytest

from tests.training.test_main import assert_refused, run

GOOD = b'{"text": "Rain %d", "topics": ["weather"]}\n{"text": "Cup %d", "topics": ["sport"]}\n'
ROWS = b"".join(GOOD % (number, number) for number in range(10))
TABLE = b"text,topics\n" + b"".join(b"Rain %d,weather\nCup %d,sport\n" % (n, n) for n in range(10))

BAD_FILES = {
    "empty.jsonl": (b"", "expected rows of labelled texts, got none"),
    "one.jsonl": (ROWS.replace(b"sport", b"weather"), "expected 2 to 1,000 topics, got 1: weather"),
    "column.csv": (TABLE.replace(b"text,", b"body,"), "expected a column text, got body, topics"),
    "latin1.csv": (TABLE.replace(b"Cup 7", b"C\xf6p"), "line 17: expected UTF-8, got byte 0xf6"),
    "ragged.csv": (TABLE.replace(b"Cup 7", b"Cup, 7"), "line 17: expected 2 fields as in the head"),
    "line.jsonl": (ROWS, "line 21: expected at most 16 MiB in a line, got more"),
    "nested.jsonl": (ROWS.replace(b'"Cup 7"', b'{"en": "Cup"}'), "text: expected a string, got an"),
    "half.jsonl.gz": (gzip.compress(ROWS)[:90], "truncated or altered gzip"),
    "header.csv": (TABLE.replace(b"text,topics", b"text,text"), "each column once, got 'text' 2"),
    "rare.jsonl": (ROWS + b'{"text": "a", "topics": "b"}\n', "fewer of 1 among 3 topics: b (1)"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_one_line_and_status_1(tmp_path: Path, name: str) -> None:
    content, message = BAD_FILES[name]
    with (tmp_path / name).open("wb") as file:
        file.write(content)
        if name == "line.jsonl":
            file.truncate(2**30)  # 1 GB of zeros, none of which is on the disk
    shown = run("train", "--data", tmp_path / name, "--out", tmp_path / "models" / "1")
    assert_refused(shown, message)
    assert [line for line in shown.stderr.splitlines() if line] == shown.stderr.splitlines()[:1]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]


def test_contradictory_options_are_one_line_and_status_1(tmp_path: Path) -> None:
    shown = run("train", "--data", "keras", "--data", "a.jsonl", "--out", tmp_path / "1")
    assert_refused(shown, "--data keras: the set has word ids without texts")
    shown = run("train", "--data", "a.jsonl", "--columns", "text", "--out", tmp_path / "1")
    assert_refused(shown, "--columns: expected FIELD=COLUMN, as in text=body, got 'text'")
    assert list(tmp_path.iterdir()) == []


def test_name_of_a_file_that_is_no_name_of_a_bundle(tmp_path: Path) -> None:
    path = tmp_path / "my\u00a0desk.jsonl"
    path.write_bytes(ROWS)
    shown = run("train", "--data", path, "--out", tmp_path / "models" / "1")
    assert_refused(shown, r"--name: expected 1 to 500 printable characters, got 'my\xa0desk'")


def test_share_of_bad_rows_is_0_to_1() -> None:
    shown = run("train", "--data", "a.jsonl", "--max-bad-rows", "2")
    assert shown.returncode == 2
    assert "--max-bad-rows" in shown.stderr


def test_every_command_explains_data() -> None:
    for command in ("train", "evaluate"):
        shown = run(command, "--help").stdout
        for option in (
            "--data",
            "--test",
            "--topics",
            "--columns",
            "--max-bad-rows",
            "--drop-rare",
        ):
            assert option in shown
