import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli import inputs as reading
from service.cli.inputs import (
    BATCH_TEXTS,
    Entry,
    check_inputs,
    parse_entry,
    read_lines,
    read_text,
    read_texts,
    split_lines,
)
from service.model import NewsText
from service.rows import CommandError

NAMES = {"topic", "error"}
BLANK = "expected a text or a title that is not only white space, got "


def parse(line: bytes) -> Entry:
    return parse_entry("a.jsonl", 1, line, NAMES)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"text": "a"', "expected a JSON object: Expecting ',' delimiter at character 13"),
        (b"[" * 100_000, "expected a JSON object, got one nested too deeply"),
        (b'{"text": NaN}', f"text, title: {BLANK}nothing"),
        (b'{"text": "\xff"}', "expected UTF-8"),
        (b"[]", "expected a JSON object, got an array"),
        (b"7", "expected a JSON object, got a number"),
        (b'"text"', "expected a JSON object, got a string"),
        (b"null", "expected a JSON object, got null"),
        (b"{}", f"text, title: {BLANK}nothing"),
        (b'{"text": null, "title": null}', f"text, title: {BLANK}nothing"),
        (b'{"title": " "}', f"text, title: {BLANK}only white space"),
        (b'{"text": true}', "text: expected a string or null, got a boolean"),
        (b'{"text": {}}', "text: expected a string or null, got an object"),
        (b'{"text": ""}', f"text, title: {BLANK}nothing"),
        (b'{"text": " \\n"}', f"text, title: {BLANK}only white space"),
        (b'{"text": "a", "title": 1}', "title: expected a string or null, got a number"),
        (
            b'{"text": "a", "topic": 1, "error": 2}',
            "expected no key 'error': a result has that name; see --prefix",
        ),
    ],
)
def test_invalid_lines(line: bytes, problem: str) -> None:
    assert parse(line).content == problem


def test_lines_are_kept_as_written() -> None:
    line = b'\xef\xbb\xbf {"n": 1.10, "big": ' + b"9" * 5_000 + b', "text": "\\ud83d", "n": 2 } \r'
    content, kept = parse(line)[1:3]
    assert content == NewsText("?")
    assert kept + "}" == line.decode("utf-8-sig").replace(" } \r", "}").lstrip()


def test_unpaired_surrogates_become_question_marks(tmp_path: Path) -> None:
    line = b'{"text": "Gold \\ud83d rose", "title": "\\ude00"}'
    assert parse(line).content == NewsText("Gold ? rose", "?")
    path = tmp_path / "a.txt"
    path.write_text("Gold rose.")
    assert read_text(str(path), "\udcff") == NewsText("Gold rose.", "?")


def test_nan_and_infinities_become_null() -> None:
    line = rb'{"n": NaN, "say": "NaN \" Infinity", "m": [-Infinity,Infinity, 1.10],"text":"a"}'
    content, kept = parse(line)[1:3]
    assert content == NewsText("a")
    assert kept == r'{"n": null, "say": "NaN \" Infinity", "m": [null,null, 1.10],"text":"a"'
    assert json.loads(kept + "}")["m"] == [None, None, 1.1]


def test_blank_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"text": "a"}\r\n\r\n \t\n{"text": "b"}\n\n')
    entries = [entry for batch in read_lines([str(path)], NAMES) for entry in batch]
    assert [(entry.line, entry.content) for entry in entries] == [
        (2, NewsText("a")),
        (5, NewsText("b")),
    ]


@pytest.mark.parametrize("text", [b"", b'"text": null, ', b'"text": "", '])
def test_title_without_text(text: bytes) -> None:
    assert parse(b"{" + text + b'"title": "a"}').content == NewsText(title="a")
    assert parse(b'{"text": " \\n", "title": "a"}').content == NewsText(" \n", "a")


def test_title_with_blank_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(" \n")
    assert read_text(str(path), "OPEC meets") == NewsText(" \n", "OPEC meets")
    with pytest.raises(CommandError, match=BLANK + "only white space$"):
        read_text(str(path), " ")


def test_null_title() -> None:
    assert parse(b'{"text": "a", "title": null}').content == NewsText("a")


def test_too_long_line_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    monkeypatch.setattr(reading, "CHUNK_BYTES", 10)
    path = tmp_path / "a.jsonl"
    path.write_text(
        json.dumps({"text": "long " * 500}) + "\n" + json.dumps({"text": "short"}) + "\n"
    )
    long, short = [entry for batch in read_lines([str(path)], NAMES) for entry in batch]
    assert (long.line, long.content) == (1, "expected at most 100 bytes")
    assert (short.line, short.content) == (2, NewsText("short"))


def test_many_short_lines_are_several_batches(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n' * (2 * BATCH_TEXTS + 1))
    batches = list(read_lines([str(path)], NAMES))
    assert max(len(batch) for batch in batches) <= BATCH_TEXTS
    assert [entry.line for batch in batches for entry in batch] == list(
        range(1, 2 * BATCH_TEXTS + 2)
    )
    assert (
        sum(entry.size for batch in batches for entry in batch)
        == path.stat().st_size
        == check_inputs([str(path)])
    )


def test_files_of_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    contents = {
        "good": b"\xef\xbb\xbfCrude oil",
        "empty": b"",
        "binary": b"\xff",
        "long": b"long " * 100,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    files = [str(tmp_path / name) for name in (*contents, "absent")]
    (batch,) = read_texts(files)
    assert [entry.file for entry in batch] == files
    assert [entry.content for entry in batch] == [
        NewsText("Crude oil"),
        BLANK + "nothing",
        "expected UTF-8",
        "expected at most 100 bytes",
        "cannot be read: No such file or directory",
    ]
    with pytest.raises(CommandError, match=r"/binary: expected UTF-8$"):
        read_text(files[2], None)


def test_files_are_read_a_batch_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH_TEXTS", 2)
    path = tmp_path / "a.txt"
    path.write_text("Crude oil")
    sizes = [
        (len(batch), sum(entry.size for entry in batch)) for batch in read_texts([str(path)] * 5)
    ]
    assert sizes == [(2, 18), (2, 18), (1, 9)]


def test_missing_files_are_reported_first(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"absent: there is no such file$"):
        check_inputs(["-", str(tmp_path / "absent")])
    with pytest.raises(CommandError, match=r"expected a file, this is a folder$"):
        check_inputs([str(tmp_path)])
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        list(read_lines([str(tmp_path / "absent")], NAMES))


def test_size_of_standard_input_is_unknown(tmp_path: Path) -> None:
    assert check_inputs(["-"]) is None


@given(
    lines=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1), max_size=20
    ),
    size=st.integers(1, 40),
    ends=st.booleans(),
)
def test_split_lines_of_any_chunk_size(lines: list[str], size: int, *, ends: bool) -> None:
    content = "\n".join(lines).encode() + (b"\n" if ends and lines else b"")
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    assert [line.decode() for some in split_lines(chunks, 1_000) for line in some] == lines


def test_lines_are_yielded_with_the_chunk_that_ends_them() -> None:
    assert list(split_lines([b"a\nb", b"c", b"\n\nd"], 9)) == [[b"a"], [b"bc", b""], [b"d"]]
    assert list(split_lines([], 9)) == []


def test_too_long_lines_are_cut() -> None:
    (lines,) = split_lines([b"abc", b"def", b"ghi", b"j\nk\n"], 4)
    assert len(lines[0]) > 4
    assert b"ghi" not in lines[0]
    assert lines[1] == b"k"
