import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.training.data_check.texts import read_files
from training.data import file_formats
from training.data.columns import LabelledRow
from training.data.dataset import DataError
from training.data.file_formats import format_of

LINES = """{"text": "The keeper saved two penalties.", "title": "Cup", "topics": ["sport", "law"]}
{"text": "Rain is likely.", "topics": "weather", "date": "2026-03-01", "id": 7, "split": "TEST"}

{"text": "The bank and the club.", "topics": "business|sport", "group": "desk", "title": null}
{"text": "Buy one, get one.", "topics": []}
"""
ROWS = [
    LabelledRow("The keeper saved two penalties.", "Cup", ("sport", "law"), "", 1),
    LabelledRow("Rain is likely.", None, ("weather",), "", 2, date(2026, 3, 1), "7", "test"),
    LabelledRow("The bank and the club.", None, ("business", "sport"), "", 4, group="desk"),
    LabelledRow("Buy one, get one.", None, (), "", 5),
]


def read(path: Path, content: bytes | str, **options: Any) -> list[LabelledRow]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_files([path], **options))


def read_parquet(path: Path, columns: dict[str, Any], **options: Any) -> list[LabelledRow]:
    pq.write_table(pa.table(columns), path)
    return list(read_files([path], **options))


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "desk.jsonl"
    expected = [row._replace(file=str(path)) for row in ROWS]
    assert read(path, LINES) == expected
    assert read(path, b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n").encode()) == expected


@pytest.mark.parametrize(
    ("name", "delimiter"), [("desk.csv", ","), ("desk.tsv", "\t"), ("desk.CSV.GZ", ",")]
)
def test_tables(tmp_path: Path, name: str, delimiter: str) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow(["title", " text ", "label", "date", "other"])
    writer.writerow(["Cup", 'Two\nlines,\t"quoted"', "sport| people|sport", "", "x"])
    writer.writerow([])
    writer.writerow(["", "Café", '["a", "b|c"]', "2026-03-01T10:00:00Z", ""])
    writer.writerow(["", "Buy", "", "", ""])
    content = b"\xef\xbb\xbf" + stream.getvalue().encode()
    rows = read(tmp_path / name, gzip.compress(content) if name.endswith("GZ") else content)
    assert [(row.title, row.text, row.topics, row.date, row.line) for row in rows] == [
        ("Cup", 'Two\nlines,\t"quoted"', ("sport", "people"), None, 2),
        ("", "Café", ("a", "b|c"), date(2026, 3, 1), 5),
        ("", "Buy", (), None, 6),
    ]


def test_parquet(tmp_path: Path) -> None:
    day = datetime(2026, 3, 1, 23, 59)
    rows = read_parquet(
        tmp_path / "desk.parquet",
        {
            "text": pa.array(["one", "two", None]).dictionary_encode(),
            "title": ["", None, "three"],
            "topics": [["a", "b"], [], ["a"]],
            "date": pa.array([day, None, day], pa.timestamp("ns")),
            "id": [1, 2, 3],
            "unused": [b"\xff", b"", None],
        },
    )
    assert [(row.text, row.title, row.topics, row.date, row.id, row.line) for row in rows] == [
        ("one", "", ("a", "b"), date(2026, 3, 1), "1", 1),
        ("two", None, (), None, "2", 2),
        ("", "three", ("a",), date(2026, 3, 1), "3", 3),
    ]


def test_class_numbers_are_topics(tmp_path: Path) -> None:
    (row,) = read_parquet(tmp_path / "a.parquet", {"text": ["one"], "label": [3]})
    assert row.topics == ("3",)


def test_columns_of_other_names(tmp_path: Path) -> None:
    """A file with the usual names is read beside one with others."""
    theirs, ours = tmp_path / "theirs.jsonl", tmp_path / "ours.csv"
    theirs.write_text('{"body": "Rain", "section": "weather", "group": "x"}\n')
    ours.write_text("text,topics\nSun,weather\n")
    columns = {"text": "body", "topics": "section", "group": ""}
    rows = list(read_files([theirs, ours], columns=columns))
    assert [(row.text, row.topics, row.group) for row in rows] == [
        ("Rain", ("weather",), None),
        ("Sun", ("weather",), None),
    ]


def test_a_column_is_of_one_field(tmp_path: Path) -> None:
    content = '{"text": "Rain", "group": "weather"}\n'
    (row,) = read(tmp_path / "desk.jsonl", content, columns={"topics": "group"})
    assert (row.topics, row.group) == (("weather",), None)


def test_named_column_must_be_in_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a column 'published', no file has it"):
        read(tmp_path / "desk.jsonl", LINES, columns={"date": "published"})


def test_bad_rows_are_named_and_left_out(tmp_path: Path) -> None:
    good = '{"text": "Rain", "topics": ["weather"]}\n'
    content = good * 150 + '{"text": 7, "topics": []}\n' + good * 49
    errors: list[str] = []
    path = tmp_path / "desk.jsonl"
    rows = read(path, content, on_bad_row=errors.append)
    assert len(rows) == 199
    assert errors == [f"{path}, line 151: text: expected a string, got 7"]
    with pytest.raises(DataError, match=r"line 151.*1 of 200 rows of this file.* allows 0.40%"):
        read(path, content, max_bad_rows=0.004)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"topics": []}, "expected a column text, got topics: name it"),
        ({"text": "a"}, "expected a column topics or labels or topic or label, got text"),
        ({"text": "a", "topic": "b", "label": "c"}, "expected one column of topics, got topic and"),
        ({"text": " ", "topics": []}, "expected a text or a title that is not only white space"),
        ({"text": ["a"], "topics": []}, "text: expected a string, got an array"),
        ({"text": "a", "title": {"en": "b"}, "topics": []}, "title: .*, got an object"),
        ({"text": "a", "topics": None}, "topics: expected a list or a string .*, got null"),
        ({"text": "a", "topics": {"a": 1}}, "topics: expected a list or a string .*, got an obj"),
        ({"text": "a", "topics": [["a"]]}, "topics: expected a string, got an array"),
        ({"text": "a", "topics": True}, "topics: expected a list or a string .*, got True"),
        ({"text": "a", "topics": "['a', 'b']"}, r"topics: expected a\|b or a JSON array"),
        ({"text": "a", "topics": [], "date": "1 March"}, "date: expected a date, as in 2026-03-01"),
        ({"text": "a", "topics": [], "date": 20260301}, "date: expected a date"),
        ({"text": "a", "topics": [], "split": "dev"}, "split: expected train or test, got 'dev'"),
        ({"text": "a", "topics": [], "group": [1]}, "group: expected a string, got an array"),
        ("text", "expected a JSON object, got a string"),
    ],
)
def test_errors_of_rows(tmp_path: Path, row: object, message: str) -> None:
    path = tmp_path / "desk.jsonl"
    with pytest.raises(DataError, match=rf"desk.jsonl, line 2: {message}") as raised:
        read(path, '{"text": "a", "topics": []}\n' + json.dumps(row) + "\n")
    assert "1 of 2 rows" in str(raised.value)


def test_half_surrogates_are_replaced(tmp_path: Path) -> None:
    (row,) = read(tmp_path / "a.jsonl", '{"text": "a\\ud83d", "topics": ["b\\ud83d"]}\n')
    assert (row.text, row.topics) == ("a?", ("b?",))


def test_empty_file_beside_another(tmp_path: Path) -> None:
    """As check-data writes where nothing is suspected."""
    (tmp_path / "suspects.jsonl").touch()
    (tmp_path / "others.jsonl").write_text('{"text": "Rain", "topics": ["weather"]}\n')
    paths = [tmp_path / "suspects.jsonl", tmp_path / "others.jsonl"]
    assert [row.text for row in read_files(paths)] == ["Rain"]


def test_date_that_python_has_not_is_an_error(tmp_path: Path) -> None:
    dates = pa.array([600_000_000_000], pa.timestamp("s"))
    pq.write_table(
        pa.table({"text": ["a"], "topics": ["b"], "date": dates}), tmp_path / "a.parquet"
    )
    with pytest.raises(DataError, match="expected Parquet, it cannot be read: date value out of"):
        list(read_files([tmp_path / "a.parquet"]))


def bad_files() -> Iterator[tuple[str, bytes, str]]:
    good = b'{"text": "Rain", "topics": ["weather"]}\n'
    table = b"text,topics\nRain,weather\n"
    yield "empty.jsonl", b"", "expected rows of labelled texts, got none"
    yield "empty.csv", b"", "expected rows of labelled texts, got none"
    yield "header.csv", b"text,topics\n", "expected rows of labelled texts, got none"
    yield "column.csv", b"body,section\nRain,weather\n", "expected a column text, got body, section"
    yield "column.jsonl", b'{"body": "Rain", "topics": []}\n', "line 1: expected a column text"
    yield "latin1.jsonl", good + good.replace(b"Rain", b"Pl\xf6tzlich"), "line 2: expected UTF-8"
    yield "latin1.csv", table + b"Pl\xf6tzlich,weather\n", "line 3: expected UTF-8, got byte 0xf6"
    yield (
        "utf16.csv",
        table.decode().encode("utf-16"),
        "got UTF-16: .* iconv -f utf-16 -t utf-8 ",
    )
    yield "be.jsonl", good.decode().encode("utf-16-be"), "got UTF-16BE: .* iconv -f utf-16be"
    yield (
        "le.jsonl.gz",
        gzip.compress(good.decode().encode("utf-16-le")),
        "utf-16le .* le.jsonl ",
    )
    yield "utf32.tsv", b"\xff\xfe\0\0" + table.decode().encode("utf-32-le"), "iconv -f utf-32 -t"
    yield "ragged.csv", table + b"Sun\n", "line 3: expected 2 fields as in the header, got 1"
    yield "ragged.tsv", b"text\ttopics\na\tb\tc\n", "line 2: expected 2 fields .* got 3"
    yield "quote.csv", table + b'"Sun,weather\n', "line 3: expected a row of quoted or plain fields"
    yield "quotes.csv", table + b'"Sun" x,weather\n', "line 3: expected a row of quoted or plain"
    yield "twice.csv", b"text,topics,text\na,b,c\n", "expected each column once, got 'text' 2 times"
    yield "again.csv", table + table, "line 3: expected the header once, got it again"
    yield "nested.jsonl", b'{"text": {"en": "Rain"}, "topics": []}\n', "line 1: text: expected a st"
    deep = b'{"text": ' + b"[" * 100_000 + b"\n"
    yield "deep.jsonl", deep, "line 1: expected a JSON object, got one nested too"
    array = b'\n [\n {"text": "a", "topics": []}\n]\n'
    yield (
        "array.json",
        array,
        r"line 2: .* got an array: .* jq -c '\.\[\]' array",
    )
    yield (
        "one.json",
        b'{\n"text": "a",\n"topics": []}\n',
        r"on several lines: .* jq -c \. one",
    )
    yield "half.jsonl.gz", gzip.compress(good * 99)[:-20], "truncated or altered gzip"
    yield "plain.jsonl.gz", good, "truncated or altered gzip: Not a gzipped file"
    yield "long.jsonl", good + b'{"text": "' + b"a" * 2**25, "line 2: expected at most 16 MiB in a"
    yield "long.csv.gz", gzip.compress(table + b"a" * 2**25), "line 3: expected at most 16 MiB"
    yield "other.parquet", good, "expected Parquet, it cannot be read"
    yield "desk.xlsx", b"PK", "expected JSON lines .* got another suffix"


BAD_FILES = list(bad_files())


@pytest.mark.parametrize(
    ("name", "content", "message"), BAD_FILES, ids=[name for name, _, _ in BAD_FILES]
)
def test_bad_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        read(tmp_path / name, content)
    assert str(raised.value).startswith(f"{tmp_path / name}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("columns", [{"body": ["a"], "label": [1]}, {"text": ["a"]}])
def test_parquet_without_a_column(tmp_path: Path, columns: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"desk.parquet: expected a column (text|topics)"):
        read_parquet(tmp_path / "desk.parquet", columns)


def test_missing_file(tmp_path: Path) -> None:
    for name in ("desk.jsonl", "desk.csv.gz", "desk.parquet"):
        with pytest.raises(DataError, match=f"{name}: .*cannot be read: .*No such file"):
            list(read_files([tmp_path / name]))


@pytest.mark.parametrize("compress", [False, True])
def test_a_line_of_1_gb_is_not_read(tmp_path: Path, *, compress: bool) -> None:
    path = tmp_path / ("long.jsonl" + ".gz" * compress)
    with gzip.open(path, "wb", compresslevel=1) if compress else path.open("wb") as file:
        if compress:
            for _ in range(64):
                file.write(b"a" * 2**20)
        else:
            file.truncate(2**30)  # a sparse file: no byte of it is on the disk
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="line 1: expected at most 16 MiB in a line"):
            list(read_files([path]))
        assert tracemalloc.get_traced_memory()[1] < 3 * file_formats.MAX_LINE_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["desk.jsonl", "desk.csv", "desk.parquet"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, name: str) -> None:
    path, text = tmp_path / name, "word " * 1_000
    n_rows = 2_000  # 10 MB
    if name == "desk.parquet":
        pq.write_table(pa.table({"text": [text] * n_rows, "topics": ["a"] * n_rows}), path)
    elif name == "desk.csv":
        path.write_text("text,topics\n" + f"{text},a\n" * n_rows)
    else:
        path.write_text(json.dumps({"text": text, "topics": "a"}) + "\n")
        path.write_bytes(path.read_bytes() * n_rows)
    rows = read_files([path])
    next(rows)
    tracemalloc.start()
    try:
        assert sum(1 for _ in rows) == n_rows - 1
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


def test_formats() -> None:
    suffixes = {"a.JSONL": ".jsonl", "b.csv.gz": ".csv", "c.parquet.gz": ".gz", "gz": ""}
    assert {name: format_of(Path(name)) for name in suffixes} == suffixes


def write_rows(path: Path, *rows: tuple[str, str | None]) -> Path:
    """Write a row of each text and id."""
    lines = (json.dumps({"text": text, "topics": ["a"], "id": name}) for text, name in rows)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_row_replaces_those_of_its_id_in_earlier_files(tmp_path: Path) -> None:
    first = write_rows(tmp_path / "1.jsonl", ("a", "1"), ("b", "2"), ("c", None), ("d", "3"))
    second = write_rows(tmp_path / "2.jsonl", ("B", "2"), ("D", "3"), ("C", None))
    third = write_rows(tmp_path / "3.jsonl", ("bb", "2"), ("bbb", "2"))
    replaced: list[str] = []
    rows = read_files([first, second, third], on_replaced=replaced.append)
    assert [row.text for row in rows] == ["a", "c", "D", "C", "bb", "bbb"]
    assert replaced == [
        f"{first}: rows replaced by those of the same id in later files: 2",
        f"{second}: rows replaced by those of the same id in later files: 1",
    ]
    assert [row.text for row in read_files([first, second], columns={"id": ""})] == [
        *("a", "b", "c", "d"),
        *("B", "D", "C"),
    ]


def test_rows_to_test_on_replace_none(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "1.jsonl", ("a", "1"), ("b", "2"))
    corrections = write_rows(tmp_path / "2.jsonl", ("A", "1"))
    test = write_rows(tmp_path / "3.jsonl", ("x", "1"), ("y", "2"))
    replaced: list[str] = []
    rows = read_files([data, corrections], test=test, on_replaced=replaced.append)
    assert [row.text for row in rows] == ["b", "A", "x", "y"]
    assert len(replaced) == 1


def test_rows_are_on_the_side_of_their_file(tmp_path: Path) -> None:
    data, test = write_rows(tmp_path / "1.jsonl", ("a", None)), tmp_path / "2.jsonl"
    data.write_text(data.read_text() + '{"text": "b", "topics": [], "split": "test"}\n')
    test.write_text('{"text": "c", "topics": [], "split": "train"}\n')
    rows = read_files([data], test=test)
    assert [(row.text, row.split) for row in rows] == [("a", "train"), ("b", "test"), ("c", "test")]


def test_bad_row_of_a_later_file_is_named_once(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "1.jsonl", ("a", "1"))
    later = tmp_path / "2.jsonl"
    later.write_text('{"text": 1, "topics": [], "id": "1"}\n{"text": "b", "topics": []}\n')
    bad: list[str] = []
    rows = read_files([data, later], max_bad_rows=0.5, on_bad_row=bad.append)
    assert [row.text for row in rows] == ["a", "b"], "a bad row replaces none"
    assert len(bad) == 1
