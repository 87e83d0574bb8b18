"""The README's clients, the very text of them, against the running service."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService

SECTION = (ROOT / "README.md").read_text().split("### Over HTTP\n")[1].split("\n## ")[0]
ADDRESS = "localhost:8000"
PYTHON = ROOT / ".venv" / "interface" / "bin" / "python"
TOPICS = ["earn", "crude"]


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    with RunningService() as service:
        yield service


def example(language: str, service: RunningService) -> str:
    """The README's block in a language, with the address of the running service in it."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)
    assert isinstance(code, str)
    assert code.count(ADDRESS) == 1
    return code.replace(ADDRESS, f"127.0.0.1:{service.port}")


def need(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def output(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl(service: RunningService) -> None:
    need("curl")
    command = example("console", service)
    assert command.startswith("$ ")
    answers = json.loads(output(["bash", "-c", command.removeprefix("$ ")]))["answers"]
    assert [answer["topic"] for answer in answers] == TOPICS


def test_python(service: RunningService) -> None:
    subprocess.run(["make", ".venv/interface/.installed"], cwd=ROOT, check=True)
    assert output([str(PYTHON), "-c", example("python", service)]).split() == TOPICS


def test_javascript(service: RunningService, tmp_path: Path) -> None:
    node = need("node")
    script = tmp_path / "example.mjs"
    script.write_text(example("javascript", service))
    assert output([node, str(script)]).split() == TOPICS
