"""Every topic of a text, on the command line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.cli import results
from service.cli.commands import cli
from service.rows import CommandError
from tests.synthetic_bundles import (
    ALL_TOPICS_THRESHOLD,
    NO_TOPIC_TEXT,
    code_of,
    save_synthetic_bundle,
    text_of,
    unsure_text,
)

TEXTS = (text_of(0) + unsure_text(1), NO_TOPIC_TEXT, unsure_text(1, 0))
EXPECTED: tuple[list[int], ...] = ([0, 1], [], [0, 1])
Run = Callable[..., str]


@pytest.fixture(scope="module", params=[2, pytest.param(1_000, marks=pytest.mark.slow)])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_synthetic_bundle(tmp_path_factory.mktemp("all_topics") / "1", request.param)


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a model that cannot find all topics."""
    folder = tmp_path_factory.mktemp("without") / "1"
    return save_synthetic_bundle(folder, 3, all_topics=False)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(command: str, folder: Path, *arguments: object) -> str:
        options = [command, "--model-dir", str(folder), *map(str, arguments)]
        cli(options, standalone_mode=False)
        return capfd.readouterr().out

    return run


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.txt" for number in range(len(TEXTS))]
    for path, text in zip(paths, TEXTS, strict=True):
        path.write_text(text)
    return paths


def test_tab_separated(run: Run, folder: Path, files: list[Path]) -> None:
    header, *rows = [
        line.split("\t") for line in run("classify", folder, "--all-topics", *files).splitlines()
    ]
    assert header == [*results.HEADER, "all_topics"]
    for cells, ids in zip(rows, EXPECTED, strict=True):
        named = [cell.rpartition(":") for cell in cells[-1].split()]
        assert [code for code, _, _ in named] == [code_of(topic_id) for topic_id in ids]
        assert all(ALL_TOPICS_THRESHOLD <= float(score) <= 1 for _, _, score in named)
    header, *rows = [line.split("\t") for line in run("classify", folder, *files).splitlines()]
    assert header == [*results.HEADER]
    assert {len(cells) for cells in rows} == {len(header)}


def test_json(run: Run, folder: Path, files: list[Path]) -> None:
    lines = run("classify", folder, "--json", "--all-topics", "--top-k", "1", *files).splitlines()
    for line, ids in zip(lines, EXPECTED, strict=True):
        result = json.loads(line)
        assert [each["id"] for each in result["all_topics"]] == ids
        assert len(result["topics"]) == 1
    (line, *_) = run("classify", folder, "--json", *files).splitlines()
    assert "all_topics" not in json.loads(line)


def test_json_lines(run: Run, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    rows = [{"text": text, "all_topics": "of an editor"} for text in TEXTS]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    kept = run("classify", folder, "--jsonl", file).splitlines()
    assert [json.loads(line)["all_topics"] for line in kept] == ["of an editor"] * len(TEXTS)
    arguments = ("--jsonl", file, "--all-topics", "--prefix", "predicted_")
    for line, ids in zip(run("classify", folder, *arguments).splitlines(), EXPECTED, strict=True):
        result = json.loads(line)
        assert result["all_topics"] == "of an editor"
        assert [each["id"] for each in result["predicted_all_topics"]] == ids
    with pytest.raises(CommandError, match="3 of 3 lines could not be classified"):
        run("classify", folder, "--jsonl", file, "--all-topics")


def test_table(run: Run, folder: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    tables: list[tuple[Any, Any]] = []
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(results, "write_rows", lambda *table: tables.append(table))
    run("classify", folder, "--all-topics", *files)
    run("classify", folder, *files)
    (rows, header), (_, plain) = tables
    assert plain == [*("file", "topic", "score", "next", "known_words", "abstained", "no_topic")]
    assert header == [*plain, "all_topics"]
    first, none, _ = rows
    assert first[-1].startswith("Topic 0 ")
    assert ", Спорт и отдых 1 " in first[-1]
    assert none[-1] == ""
    assert {len(row) for row in rows} == {len(header)}


def test_model_that_cannot(run: Run, without: Path, files: list[Path]) -> None:
    expected = (
        "--all-topics: expected a model with the output topic_probabilities, got bundle 1 of desk "
        "without it: choose another by --model-dir, or train one with the recipe linear"
    )
    with pytest.raises(CommandError) as raised:
        run("classify", without, "--all-topics", *files)
    assert str(raised.value) == expected
    assert run("classify", without, *files)


def test_model(run: Run, folder: Path, without: Path) -> None:
    assert "\nall_topics\tyes\nall_topics_precision\t0.500\n" in run("model", folder)
    assert "\nall_topics\tno\n" in run("model", without)
    assert "all_topics_precision" not in run("model", without)
    header, *rows = [line.split("\t") for line in run("model", folder, "--topics").splitlines()]
    assert header[-1] == "all_topics_threshold"
    assert {cells[-1] for cells in rows} == {f"{ALL_TOPICS_THRESHOLD:.3f}"}
    assert "all_topics_threshold" not in run("model", without, "--topics")
    lines = run("model", folder, "--topics", "--json").splitlines()
    assert {json.loads(line)["all_topics_threshold"] for line in lines} == {ALL_TOPICS_THRESHOLD}
    (line, *_) = run("model", without, "--topics", "--json").splitlines()
    assert "all_topics_threshold" not in json.loads(line)
