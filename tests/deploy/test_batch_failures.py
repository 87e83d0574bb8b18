"""Invalid inputs, outputs and options of the batch job: one line, and nothing is written."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.batch.__main__ import cli, main
from deploy.batch.job import run
from deploy.batch.locations import Location
from service.model import NewswireError
from service.rows import CommandError
from tests.conftest import LATEST, ROOT


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job finishes no partition, as if it had been stopped."""
    assert callable(run)
    monkeypatch.setattr("deploy.batch.__main__.run", lambda *_args: iter(()))


def run_in_process(*args: object) -> None:
    cli([str(arg) for arg in args], standalone_mode=False)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    pq.write_table(pa.table({"body": ["Oil rose."], "n": [1]}), folder / "a.parquet")
    return folder


def error_of(out: Path, *args: object) -> str:
    with pytest.raises(NewswireError) as caught:
        run_in_process(*args)
    assert not out.exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_input_without_data(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", tmp_path / "nowhere"):
        message = error_of(out, source, out)
        assert message.endswith("expected files .parquet or .jsonl or .jsonl.gz, got none")


def test_both_formats(tmp_path: Path, archive: Path) -> None:
    (archive / "b.jsonl").write_text('{"text": "Oil rose."}\n')
    assert error_of(tmp_path / "out", archive, tmp_path / "out").endswith("got both")


def test_a_missing_column(tmp_path: Path, archive: Path) -> None:
    out = tmp_path / "out"
    expected = "expected a column 'text' or a column 'title', got 'body', 'n'"
    assert error_of(out, archive, out).endswith(expected)
    expected = "expected a column 'words', got 'body', 'n'"
    assert error_of(out, archive, out, "--text-column", "words").endswith(expected)
    expected = "expected a column 'headline', got 'body', 'n'"
    message = error_of(out, archive, out, "--text-column", "body", "--title-column", "headline")
    assert message.endswith(expected)


def test_a_column_that_is_not_text(tmp_path: Path, archive: Path) -> None:
    out = tmp_path / "out"
    message = error_of(out, archive, out, "--text-column", "n")
    assert message == "expected text in column 'n', got int64"


def test_types_that_differ(tmp_path: Path, archive: Path) -> None:
    out = tmp_path / "out"
    pq.write_table(pa.table({"body": ["Oil rose."], "n": ["1"]}), archive / "b.parquet")
    message = error_of(out, archive, out, "--text-column", "body")
    assert "b.parquet: expected the column types of the files before it" in message


def test_a_file_that_is_not_parquet(tmp_path: Path, archive: Path) -> None:
    (archive / "b.parquet").write_text("no")
    assert "b.parquet: expected Parquet, got: " in error_of(
        tmp_path / "out", archive, tmp_path / "out"
    )


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "Oil rose."}')[:-9])
    message = error_of(tmp_path / "out", tmp_path / "a.jsonl.gz", tmp_path / "out")
    assert "a.jsonl.gz: cannot be read: " in message


def test_result_columns_that_the_input_has(tmp_path: Path, no_ray: None) -> None:
    source, out = tmp_path / "a.jsonl", tmp_path / "out"
    source.write_text(json.dumps({"text": "Oil rose.", "topic": "mine", "rest": 1}) + "\n")
    message = error_of(out, source, out)
    assert message.startswith("expected no column 'topic', 'rest' in the input")
    run_in_process(source, out, "--prefix", "its_")
    assert (out / "_run.json").exists()


def test_other_options(tmp_path: Path, archive: Path) -> None:
    out = tmp_path / "out"
    assert error_of(out, archive, out, "--top-k", 47) == "--top-k: expected 1 to 46, got 47"
    assert "outside of the input" in error_of(out, archive, archive / "out")
    assert "expected a path or URL" in error_of(out, "nosuch://there", out)


def change_a_file(archive: Path) -> tuple[object, ...]:
    os.utime(archive / "a.parquet", ns=(0, 0))
    return ()


def add_a_file(archive: Path) -> tuple[object, ...]:
    pq.write_table(pa.table({"body": ["Oil rose."], "n": [1]}), archive / "b.parquet")
    return ()


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda _: ("--top-k", 5), "options.top_k: expected 3, got 5"),
        (lambda _: ("--min-confidence", 0.5), "options.min_confidence: expected None, got 0.5"),
        (lambda _: ("--model-dir", "models/reuters/1"), f"expected '{LATEST.name}', got '1'"),
        (change_a_file, "a.parquet: expected ["),
        (add_a_file, "partitions.count: expected 1, got 2"),
    ],
)
def test_run_is_not_resumed_with_other_options(
    tmp_path: Path,
    archive: Path,
    no_ray: None,
    change: Callable[[Path], tuple[Any, ...]],
    difference: str,
) -> None:
    command = (archive, tmp_path / "out", "--text-column", "body")
    run_in_process(*command)
    run_in_process(*command, "--workers", 1, "--batch-size", 7)  # these do not change the answers
    with pytest.raises(CommandError, match="belongs to another run: ") as caught:
        run_in_process(*command, *change(archive))
    assert difference in str(caught.value)


def test_output_folder_with_other_files(tmp_path: Path, archive: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    with pytest.raises(CommandError, match=r"expected a new or an empty folder.*'mine.txt'"):
        run_in_process(archive, out, "--text-column", "body")
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_an_error_is_one_line_and_exit_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["batch", str(tmp_path / "nowhere"), str(tmp_path / "out")])
    assert main() == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_locations() -> None:
    assert Location.resolve("README.md").path == str(ROOT / "README.md")
    location = Location.resolve("s3://bucket/folder/?region=eu-west-1")
    assert (location.path, location.within("x").path) == ("bucket/folder", "bucket/folder/x")
    assert not location.contains(Location.resolve("bucket/folder"))
