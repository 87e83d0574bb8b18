"""Documents of IPTC ninjs, on the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from service.cli.commands import cli
from service.rows import CommandError
from tests.ninjs import SCHEMA
from tests.service.model.test_subjects import CREATOR, N_TOPICS, SUBJECTS
from tests.synthetic_bundles import NO_TOPIC_TEXT, save_synthetic_bundle, text_of

Run = Callable[..., tuple[list[dict[str, Any]], str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("subjects") / "7"
    return save_synthetic_bundle(folder, N_TOPICS, subjects=SUBJECTS)


@pytest.fixture
def run(folder: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object, status: int = 0) -> tuple[list[dict[str, Any]], str]:
        options = ["classify", "--model-dir", str(folder), "--ninjs", *map(str, arguments)]
        if status:
            with pytest.raises(CommandError, match="could not be classified"):
                cli(options, standalone_mode=False)
        else:
            cli(options, standalone_mode=False)
        out, err = capfd.readouterr()
        documents = [json.loads(line) for line in out.splitlines()]
        for document in documents:
            Draft202012Validator(SCHEMA).validate(document)
        return documents, err

    return run


def test_files(run: Run, tmp_path: Path) -> None:
    texts = {"a ship.txt": text_of(2), "sport.txt": text_of(3), "lottery.txt": NO_TOPIC_TEXT}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (ship, sport, lottery), _ = run(*(tmp_path / name for name in texts))
    confidence = ship["subjects"][0]["confidence"]
    subject = {"rel": "about", "creator": CREATOR, "confidence": confidence}
    assert confidence > 90
    assert ship == {
        "uri": f"{tmp_path.as_uri()}/a%20ship.txt",
        "type": "text",
        "representationtype": "partial",
        "subjects": [
            {"uri": "http://example.org/ships", "name": "ships", **subject},
            {"uri": "http://example.org/sea", "name": "sea", **subject},
        ],
        "standard": {
            "name": "ninjs",
            "version": "2.1",
            "schema": "https://iptc.org/std/ninjs/ninjs-schema_2.1.json",
        },
    }
    assert sport["subjects"] == lottery["subjects"] == []


def test_json_lines(run: Run, tmp_path: Path) -> None:
    """A line's own URI stays; another line is named by its place in the file (RFC 5147)."""
    file = tmp_path / "news.jsonl"
    rows: list[Any] = [
        {
            "uri": "urn:newsml:desk:1",
            "text": text_of(0),
            "title": "Oil",
            "subjects": "of an editor",
        },
        {"uri": "no uri", "text": text_of(1), "number": "NUMBER"},
        {"text": 3},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    file.write_text("\n" + lines.replace('"NUMBER"', "9" * 5_000))
    (first, second), errors = run("--jsonl", file, status=1)
    assert first["uri"] == "urn:newsml:desk:1"
    assert first["headlines"] == [{"value": "Oil"}]
    assert second["uri"] == f"{file.as_uri()}#line=2,3"
    assert "headlines" not in second
    for document in (first, second):
        assert [each["name"] for each in document["subjects"]] == ["oil and gas"]
    assert f"error: {file}, line 4: text: expected a string or null, got a number" in errors


def test_all_topics(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"{text_of(0)} {text_of(2)}")
    (document,), _ = run("--all-topics", "--min-confidence", "0", path)
    assert {each["name"] for each in document["subjects"]} == {"oil and gas", "ships", "sea"}


def test_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text_of(0))
    with path.open("rb") as stream:
        monkeypatch.setattr("service.cli.inputs.STDIN_DESCRIPTOR", stream.fileno())
        (document,), _ = run("-")
    assert document["uri"] == "urn:newswire-topics:stdin"


@pytest.mark.parametrize("option", [["--json"], ["--prefix", "x_"]])
def test_options_that_ninjs_does_not_have(run: Run, folder: Path, option: list[str]) -> None:
    arguments = ["classify", "--model-dir", str(folder), "--ninjs", *option, "-"]
    with pytest.raises(CommandError, match="--ninjs: expected neither --json nor --prefix"):
        cli(arguments, standalone_mode=False)


def test_model_without_subjects(tmp_path: Path) -> None:
    folder = save_synthetic_bundle(tmp_path / "1", 2)
    path = tmp_path / "a.txt"
    path.write_text(text_of(0))
    expected = (
        "subjects: expected a model whose topics have subjects, got bundle 1 of desk without any: "
        "choose another by --model-dir, or train one with subjects in --topics topics.json"
    )
    with pytest.raises(CommandError) as raised:
        cli(["classify", "--model-dir", str(folder), "--ninjs", str(path)], standalone_mode=False)
    assert str(raised.value) == expected


def test_topics_of_the_model(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cli(["model", "--model-dir", str(folder), "--topics", "--json"], standalone_mode=False)
    topics = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert topics[2]["subjects"][0] == {
        "uri": "http://example.org/ships",
        "name": "ships",
        "match": "exact",
    }
    assert "subjects" not in topics[3]
