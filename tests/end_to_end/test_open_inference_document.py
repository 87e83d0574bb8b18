"""The examples of docs/reference/open-inference.md, run against the real service."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService

DOCUMENT = (ROOT / "docs" / "reference" / "open-inference.md").read_text()


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    with RunningService() as service:
        yield service


def example(language: str, service: RunningService) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    return str(found).replace("localhost:8000", f"127.0.0.1:{service.port}")


def run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_curl(service: RunningService) -> None:
    answer = json.loads(run(shlex.split(example("console", service).removeprefix("$ "))))
    answer["outputs"][1]["data"] = [round(score, 3) for score in answer["outputs"][1]["data"]]
    assert answer == json.loads(example("json", service))


def test_python(service: RunningService) -> None:
    script = example("python", service)
    assert run([sys.executable, "-c", script]).strip() == script.strip().rpartition("  # ")[2]
