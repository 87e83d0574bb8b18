import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.training.data_check.texts import made_up_rows, read_files, wrong_topics
from tests.training.test_main import assert_refused
from tests.training.test_main import run as run_process
from training.__main__ import cli
from training.data.dataset import DataError
from training.data_check.report import row_to_json


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["check-data", *map(str, arguments)])


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A file of 120 rows with 6 wrong topics, and one row that cannot be read."""
    rows, _ = wrong_topics(made_up_rows(40), every=20)
    path = tmp_path / "desk.jsonl"
    lines = [json.dumps(row_to_json(row)) for row in rows]
    path.write_text("\n".join([*lines, '{"text": 7, "topics": []}']) + "\n")
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_tables_and_files(desk: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.jsonl" for name in ("json", "suspects", "others")}
    shown = run(desk, *(item for name, path in files.items() for item in (f"--{name}", path)))
    assert shown.exit_code == 0, shown.output
    for title in ("Texts", "Findings", "Suspected label errors, worst first"):
        assert title in shown.output
    assert names(tmp_path) == {"desk.jsonl", *(path.name for path in files.values())}
    report = json.loads(files["json"].read_text())
    assert report["rows"] == 120
    assert len(report["bad_rows"]) == 1
    assert "desk.jsonl, line 121" in report["bad_rows"][0]
    suspects = list(read_files([files["suspects"]]))
    others = list(read_files([files["others"]]))
    assert len(suspects) == report["findings"]["label_errors"]["count"] >= 6
    assert len(suspects) + len(others) == 120


def test_report_on_standard_output_alone(desk: Path) -> None:
    shown = run(desk, "--json", "-")
    assert shown.exit_code == 0
    assert json.loads(shown.output)["rows"] == 120


def test_columns_of_other_names_and_several_files(tmp_path: Path) -> None:
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for start, path in zip((0, 60), paths, strict=True):
        lines = [f"{row.text},{row.topics[0]}" for row in made_up_rows(40)[start : start + 60]]
        path.write_text("\n".join(["body,section", *lines]) + "\n")
    shown = run(*paths, "--columns", "text=body,topics=section", "--json", "-")
    assert json.loads(shown.output)["rows"] == 120


def test_leaks_into_a_test_file(desk: Path, tmp_path: Path) -> None:
    test = tmp_path / "test.jsonl"
    rows = made_up_rows(40)[1:3]  # their topics are right
    test.write_text("".join(json.dumps(row_to_json(row)) + "\n" for row in rows))
    report = json.loads(run(desk, "--test", test, "--json", "-").output)
    assert report["splits"] == {
        "train": {"texts": 120, "dates": None},
        "test": {"texts": 2, "dates": None},
    }
    assert report["findings"]["split_duplicates"]["rows"] == [
        {"file": str(test), "line": line, "other": {"file": str(desk), "line": line + 1}}
        for line in (1, 2)
    ]


def test_seed_changes_the_folds(desk: Path, tmp_path: Path) -> None:
    found = []
    for seed in ("0", "0", "1"):
        assert run(desk, "--suspects", tmp_path / "s", "--seed", seed).exit_code == 0
        found.append((tmp_path / "s").read_text())
    assert found[0] == found[1] != found[2]


def test_built_in_texts(data_dir: Path, tmp_path: Path) -> None:
    shown = run("reuters21578", "--data-dir", data_dir, "--json", tmp_path / "report")
    assert shown.exit_code == 0, shown.output
    report = json.loads((tmp_path / "report").read_text())
    assert report["rows"] == 11_228 + 2_117
    assert len(report["topics"]) == 46
    assert report["findings"]["split_duplicates"]["count"] > 50


@pytest.mark.parametrize(
    "outputs", [("--suspects", "desk.jsonl"), ("--json", "a", "--others", "a")]
)
def test_no_file_is_written_over_another(
    desk: Path, outputs: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.parent)
    content = desk.read_text()
    assert_rejected(run(desk, *outputs), "expected another name")
    assert desk.read_text() == content
    assert names(desk.parent) == {"desk.jsonl"}


@pytest.mark.parametrize("output", ["absent/report.json", "."])
def test_a_place_that_cannot_be_written_is_named_first(tmp_path: Path, output: str) -> None:
    """Before the file of texts, which is not there, is opened."""
    shown = run(tmp_path / "absent.jsonl", "--json", tmp_path / output)
    assert_rejected(shown, "expected the name of a file in a folder that exists")


def test_texts_that_cannot_be_trained_on_write_nothing(tmp_path: Path) -> None:
    path = tmp_path / "desk.jsonl"
    rows = made_up_rows(20, ["sport"])
    path.write_text("".join(json.dumps(row_to_json(row)) + "\n" for row in rows))
    shown = run(path, "--json", tmp_path / "report", "--suspects", tmp_path / "suspects")
    assert_rejected(shown, "expected 2 to 1,000 topics")
    assert names(tmp_path) == {"desk.jsonl"}


@pytest.mark.parametrize("content", [b"", b'{"text": "r\xe9gime", "topics": ["a"]}\n'])
def test_a_file_that_cannot_be_read_is_one_line_and_status_1(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "desk.jsonl").write_bytes(content)
    shown = run_process("check-data", tmp_path / "desk.jsonl", "--json", tmp_path / "report")
    assert_refused(shown, f"{tmp_path}/desk.jsonl")
    assert shown.stderr.count("\n") == 1
    assert shown.stdout == ""
    assert names(tmp_path) == {"desk.jsonl"}


def assert_rejected(shown: Result, message: str) -> None:
    assert isinstance(shown.exception, DataError), shown.output  # one line and exit status 1
    assert message in str(shown.exception)
    assert shown.output == ""


def test_files_are_required() -> None:
    shown = run()
    assert shown.exit_code == 2
    assert "files" in shown.output


def test_one_file_by_two_paths(desk: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.jsonl"
    link.symlink_to(desk)
    assert_rejected(run(desk, link), "expected each set and file once, got")
    assert_rejected(run(desk, "--test", link), "expected each set and file once, got")


def test_replaced_rows_and_labels_are_told(tmp_path: Path) -> None:
    rows = [
        row_to_json(row._replace(id=str(number))) for number, row in enumerate(made_up_rows(40))
    ]
    desk, more = tmp_path / "desk.jsonl", tmp_path / "more.jsonl"
    desk.write_text("".join(json.dumps(row) + "\n" for row in rows))
    more.write_text("".join(json.dumps(row) + "\n" for row in rows[:2]))
    sentence = f"{desk}: rows replaced by those of the same id in later files: 2"
    assert sentence in run(desk, more).output
    report = json.loads(run(desk, more, "--json", "-").output)
    assert (report["rows"], report["replaced"]) == (120, [sentence])

    more.write_text(json.dumps(rows[0] | {"topics": ["//"]}) + "\n")
    assert_rejected(run(desk, more), "line 1: topics: expected names with 1 to 64 letters")
    topics = tmp_path / "topics.json"
    topics.write_text('[{"code": "sport", "name": "//"}]')
    report = json.loads(run(desk, more, "--topics", topics, "--json", "-").output)
    assert report["topics"]["sport"]["texts"] == 40, "a name is the same topic as its code"
