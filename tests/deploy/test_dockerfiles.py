"""The Dockerfiles have nothing that hadolint finds, and copy what is imported."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.deploy.manifests import find_tool

DOCKERFILES = sorted((ROOT / "deploy").glob("*.Dockerfile"))


def findings(path: Path) -> list[Any]:
    """Findings of hadolint, style included; ``# hadolint ignore`` lines are respected."""
    command = [find_tool("hadolint"), "--format", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.stem)
def test_dockerfiles_pass(path: Path) -> None:
    assert [f"{path.name}:{f['line']} {f['code']} {f['message']}" for f in findings(path)] == []


def test_images_have_one_version_of_python() -> None:
    text = "".join(path.read_text() for path in DOCKERFILES)
    versions = re.findall(r"^FROM python:(\d+\.\d+)|^ARG PYTHON=(.*)$", text, re.M)
    assert len(versions) == 4
    assert len({image or path for image, path in versions}) == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("RUN cd /app && make", "DL3003"),
        ("RUN pip install fastapi", "DL3013"),
        ("RUN echo $HOME", "SC2086"),
        ("RUNN true", "DL1000"),
    ],
)
def test_mistakes_are_found(tmp_path: Path, line: str, code: str) -> None:
    path = tmp_path / "wrong.Dockerfile"
    path.write_text(f"FROM python:3.12-slim\n{line}\n")
    assert code in {finding["code"] for finding in findings(path)}


@pytest.mark.tensorflow
def test_training_image_has_every_module_that_it_imports(tmp_path: Path) -> None:
    dockerfile = (ROOT / "deploy" / "training.Dockerfile").read_text()
    for sources, target in re.findall(
        r"^COPY ((?:service|training)\S* .*?)?(\S+)$", dockerfile, re.M
    ):
        for source in sources.split():
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, tmp_path / target)
            else:
                (tmp_path / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, tmp_path / target)
    program = (
        "import importlib, pkgutil, training; "
        "names = [m.name for m in pkgutil.walk_packages(training.__path__, 'training.')]; "
        "[importlib.import_module(name) for name in names]; print(len(names))"
    )
    shown = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert int(shown.stdout) > 40
