"""The pinned requirements: hashed, free of addresses, and the same versions in every file."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

FILES = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)( ; .*)? \\$")


def pins(path: Path) -> set[tuple[str, str, str]]:
    lines = path.read_text().splitlines()
    return {match.groups(default="") for line in lines if (match := PIN.match(line))}  # type: ignore[misc]


def test_files() -> None:
    names = [
        "audit",
        "batch",
        "cli",
        "compiler",
        "dev",
        "docs",
        "fuzzing",
        "grpc",
        "helm",
        "interface",
    ]
    names += ["lint", "packaging", "service", "test", "tracing", "training"]
    assert [path.stem for path in FILES] == sorted(names)


def test_renovate_updates_them() -> None:
    settings = json.loads((ROOT / ".github" / "renovate.json").read_text())["pip_requirements"]
    (pattern,) = settings["managerFilePatterns"]
    assert all(re.search(pattern.strip("/"), f"requirements/{path.name}") for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_pin_has_hashes_and_no_address(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    requirements = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(requirements) == len(pins(path))
    for requirement in requirements:
        assert "--hash=sha256:" in requirement, requirement


def test_the_same_versions_everywhere() -> None:
    """Training and the batch job use the library versions that serve."""
    by_name = {path.stem: pins(path) for path in FILES}
    assert by_name["service"] < by_name["training"] < by_name["dev"]
    assert by_name["service"] < by_name["batch"] < by_name["dev"]
    assert by_name["service"] < by_name["grpc"] < by_name["test"]
    assert by_name["service"] < by_name["tracing"] < by_name["test"]
    assert by_name["service"] < by_name["cli"] < by_name["test"] < by_name["dev"]


def test_the_service_has_no_training_library() -> None:
    names = {name for name, _, _ in pins(ROOT / "requirements" / "service.txt")}
    assert {"onnxruntime", "fastapi", "uvicorn", "httptools", "uvloop"} <= names
    assert not names & {
        "tensorflow",
        "keras",
        "onnx",
        "tf2onnx",
        "scikit-learn",
        "rich",
        "typer",
        "ray",
        "opentelemetry-sdk",
        "grpcio",
    }
