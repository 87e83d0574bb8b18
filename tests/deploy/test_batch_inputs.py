"""Partitions and readers: each row is read exactly once."""

import gzip
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow.fs import LocalFileSystem

from deploy.batch.json_lines import SAMPLED_LINES, read_lines
from deploy.batch.locations import Location
from deploy.batch.partitions import PARTITION_BYTES, PARTITION_ROWS, Batch, cut
from deploy.batch.plan import Plan, make_plan
from deploy.batch.results import result_arrays, result_fields
from service.model import InferenceError, NewsText, TopicClassifier
from service.rows import PredictionOptions, classify_rows

BLANK = "text, title: expected a text or a title that is not only white space, got {}"
OPTIONS = PredictionOptions(top_k=1, min_confidence=0.0)


def plan_of(path: Path) -> Plan:
    return make_plan(Location.resolve(str(path)), OPTIONS, text=None, title=None, prefix="")


def batches_of(plan: Plan, batch_rows: int) -> Iterator[Batch]:
    for partition in plan.partitions:
        yield from plan.read_rows(
            plan.data.files, partition, plan.input_schema, plan.names, batch_rows
        )


def read_all(path: Path, batch_rows: int = 10) -> tuple[list[dict[str, Any]], list[Any]]:
    """Every row of the input's columns, and what would be asked about it."""
    plan = plan_of(path)
    rows: list[dict[str, Any]] = []
    asked: list[Any] = []
    for batch in batches_of(plan, batch_rows):
        rows += pa.Table.from_arrays(batch.columns, schema=plan.input_schema).to_pylist()
        asked += batch.rows
    return rows, asked


@given(
    st.lists(st.sampled_from([b"", b"a", b"bc", b"\r", b"d" * 9]), max_size=12),
    st.lists(st.integers(0, 60), max_size=4),
    st.booleans(),
)
@example(lines=[b"a", b"b"], cuts=[2], ends=False)
def test_each_line_is_in_one_range(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    cuts: list[int],
    ends: bool,  # noqa: FBT001 - whether the last line has an end
) -> None:
    content = b"\n".join(lines) + (b"\n" if ends else b"")
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    path.write_bytes(content)
    edges = sorted({0, len(content), *(edge for edge in cuts if edge < len(content))})
    found = [
        line
        for start, stop in pairwise(edges)
        for line in read_lines(LocalFileSystem(), str(path), start, stop)
    ]
    assert found == [line for line in lines if line.strip()]


def test_lines_longer_than_a_block(tmp_path: Path) -> None:
    lines = [b"a" * 3_000_000, b"b", b"c" * 1_500_000]
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines), 1))
    assert list(read_lines(LocalFileSystem(), str(path), 0, 2**62)) == lines


def test_cuts() -> None:
    assert list(cut(0, 0, longest=10)) == []
    assert list(cut(3, 30, longest=10)) == [(0, 3, 30)]
    assert list(cut(11, 110, longest=10)) == [(0, 5, 50), (5, 11, 60)]
    assert len(list(cut(100, 4 * PARTITION_BYTES, longest=PARTITION_ROWS))) == 4
    assert len(list(cut(2, 100 * PARTITION_BYTES, longest=PARTITION_ROWS))) == 2  # long texts


@pytest.mark.parametrize("row_group_size", [1_000, 70_000, 200_000])
def test_parquet_is_read_row_by_row_once(tmp_path: Path, row_group_size: int) -> None:
    path = tmp_path / "a.parquet"
    n_rows = 2 * PARTITION_ROWS + 1
    table = pa.table({"id": range(n_rows), "text": ["oil"] * n_rows})
    pq.write_table(table, path, row_group_size=row_group_size)
    rows, asked = read_all(path, batch_rows=3_000)
    assert [row["id"] for row in rows] == list(range(n_rows))
    assert asked == [NewsText("oil")] * n_rows


def test_parquet_with_dictionaries_long_texts_and_missing_columns(tmp_path: Path) -> None:
    words = pa.array(["oil", None, "gold"]).dictionary_encode()
    long = pa.array(["x " * 4_000_000, "y"], pa.large_string())
    pq.write_table(pa.table({"text": words, "n": [1, 2, 3]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": words.slice(2)}), tmp_path / "b.parquet")
    rows, asked = read_all(tmp_path)
    assert [row["n"] for row in rows] == [1, 2, 3, None]
    assert asked[0] == NewsText("oil")
    assert asked[1] == BLANK.format("nothing")
    path = tmp_path / "long" / "c.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"text": long}), path)
    assert [len(item.text) for item in read_all(path)[1]] == [8_000_000, 1]


def test_json_values_without_column_go_to_rest(tmp_path: Path) -> None:
    lines = [
        {"text": "oil", "n": 1, "x": 1, "flag": True, "tags": ["a"], "nothing": None},
        {"text": "gold", "n": 2, "x": 0.5, "flag": False, "tags": {"b": [1]}},
        *({"text": "tin", "n": number} for number in range(1_000)),
        {"text": "late", "n": "many", "x": 2**60, "flag": 1, "new": {"c": "é"}},
        {"text": 5, "n": 2**70},
        {"text": "zinc", "title": 7},
    ]
    path = tmp_path / "a.jsonl"
    other = ['[1, "a"]', "no json", r'{"text": "half \ud800 pair"}', "7" * 5_000, "[" * 100_000]
    encoded = [json.dumps(line, ensure_ascii=False) for line in lines] + other
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(encoded).encode() + b"\n\xff\xfe{}\n")
    rows, asked = read_all(path, batch_rows=300)
    assert len(rows) == len(lines) + len(other) + 1
    first, second = rows[:2]
    assert (first["n"], first["x"], first["flag"], first["tags"]) == (1, 1.0, True, '["a"]')
    assert (second["x"], second["tags"], second["rest"]) == (0.5, '{"b": [1]}', None)
    late, five, zinc, a_list, no_json, half, digits, deep, no_utf8 = rows[1_002:]
    assert (late["text"], late["n"], late["x"]) == ("late", None, None)
    assert json.loads(late["rest"]) == {"n": "many", "x": 2**60, "flag": 1, "new": {"c": "é"}}
    assert json.loads(five["rest"]) == {"text": 5, "n": 2**70}
    assert json.loads(zinc["rest"]) == {"title": 7}
    assert half["text"] == "half ? pair"
    assert [json.loads(row["rest"]) for row in (a_list, no_json)] == other[:2]
    assert json.loads(deep["rest"]) == other[4]
    assert json.loads(digits["rest"]) == other[3]
    assert no_utf8["rest"] is not None
    expected = "expected a JSON object"
    assert asked[1_002:] == [
        NewsText("late"),
        "text: expected a string or null, got a number",
        "title: expected a string or null, got a number",
        f"{expected}, got an array",
        f"{expected}: Expecting value at character 1",
        NewsText("half ? pair"),
        f"{expected}, got a number with too many digits",
        f"{expected}, got one nested too deeply",
        "expected UTF-8",
    ]


def test_title_without_text_in_json_lines(tmp_path: Path) -> None:
    lines = [
        '{"title": "up"}',
        '{"text": null, "title": "up"}',
        '{"text": "", "title": "up"}',
        '{"text": " ", "title": "up"}',
        "{}",
        '{"text": null, "title": " "}',
        '{"text": 5, "title": "up"}',
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines))
    _, asked = read_all(path)
    assert asked == [
        *[NewsText(title="up")] * 3,
        NewsText(" ", "up"),
        BLANK.format("nothing"),
        BLANK.format("only white space"),
        "text: expected a string or null, got a number",
    ]


def test_columns_missing_in_the_sampled_lines(tmp_path: Path) -> None:
    """Rows after the sampled lines are classified, too."""
    for first, other in (("title", "text"), ("text", "title")):
        path = tmp_path / f"{first}.jsonl"
        path.write_text(f'{{"{first}": "oil"}}\n' * SAMPLED_LINES + f'{{"{other}": "gold"}}\n')
        rows, asked = read_all(path)
        assert asked[0] == NewsText(**{first: "oil"})
        assert asked[-1] == NewsText(**{other: "gold"})
        assert rows[-1]["rest"] == f'{{"{other}": "gold"}}'


def test_title_without_text_in_parquet(tmp_path: Path) -> None:
    texts, titles = ["", None, " ", None, "oil"], ["up", "up", "up", None, None]
    table = pa.table({"text": texts, "title": titles})
    pq.write_table(table, tmp_path / "a.parquet")
    expected = [NewsText(title="up")] * 2 + [NewsText(" ", "up")]
    assert read_all(tmp_path)[1] == [*expected, BLANK.format("nothing"), NewsText("oil")]
    alone = tmp_path / "alone"
    alone.mkdir()
    pq.write_table(table.select(["title"]), alone / "a.parquet")
    nothing = BLANK.format("nothing")
    assert read_all(alone)[1] == [NewsText(title="up")] * 3 + [nothing] * 2


def test_a_json_title_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "oil", "title": "up"}\n{"text": "oil", "title": 7}\n')
    rows, asked = read_all(path)
    assert asked == [
        NewsText("oil", "up"),
        "title: expected a string or null, got a number",
    ]
    assert rows[1]["rest"] == '{"title": 7}'


def test_files_without_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "a.parquet")
    assert read_all(tmp_path) == ([], [])


def test_failed_prediction_fails_one_row(classifier: TopicClassifier) -> None:
    class Failing(TopicClassifier):
        def classify(self, texts: Any, **options: Any) -> Any:
            if NewsText("bad") in texts:
                raise InferenceError("no probabilities")
            return classifier.classify(texts, **options)

    failing = Failing.__new__(Failing)
    rows: list[NewsText | str] = [NewsText("oil"), "expected", NewsText("bad"), NewsText("gold")]
    results = classify_rows(failing, rows, OPTIONS)
    assert results[1:3] == ["expected", "no probabilities"]
    arrays = result_arrays(results, OPTIONS)
    assert arrays[-1].to_pylist() == [None, "expected", "no probabilities", None]
    assert [len(array) for array in arrays] == [4] * len(result_fields(OPTIONS))
    assert arrays[2].null_count == 2
    assert [None if each is None else len(each) for each in arrays[2].to_pylist()] == [
        1,
        None,
        None,
        1,
    ]


def test_a_compressed_file_is_one_piece(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "oil"}\n' * 100))
    plan = plan_of(path)
    assert len(plan.partitions) == 1
    assert [len(batch.rows) for batch in batches_of(plan, 30)] == [30, 30, 30, 10]


def test_same_rows_as_the_cli(tmp_path: Path) -> None:
    """Blank lines, half a surrogate pair, and numbers that JSON has not."""
    from service.cli.inputs import read_lines as read_lines_of_command

    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"text": "Gold \\ud83d rose.", "price": 1.5, "other": [1]}\n\n \r\n'
        '{"text": "Gold fell.", "price": NaN, "other": {"a": [Infinity, -Infinity]}}\n\n'
    )
    rows, asked = read_all(path)
    batches = read_lines_of_command([str(path)], ())
    entries = [entry for batch in batches for entry in batch]
    expected = [NewsText("Gold ? rose."), NewsText("Gold fell.")]
    assert asked == [entry.content for entry in entries] == expected
    kept = [json.loads(entry.kept + "}") for entry in entries]
    assert [row["price"] for row in rows] == [row["price"] for row in kept] == [1.5, None]
    assert [json.loads(row["other"]) for row in rows] == [row["other"] for row in kept]
