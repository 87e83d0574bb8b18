"""Files that other programs read have the form that their makers publish."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CASES = [
    *((path, "vendor.github-workflows") for path in WORKFLOWS),
    (ROOT / "docker-compose.yml", "vendor.compose-spec"),
]


def check(path: Path, schema: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("path", "schema"), CASES, ids=lambda value: getattr(value, "name", None))
def test_files_match_their_schemas(path: Path, schema: str) -> None:
    done = check(path, schema)
    assert done.returncode == 0, done.stdout + done.stderr


def test_invalid_files_are_found(tmp_path: Path) -> None:
    slip = tmp_path / "docker-compose.yml"
    slip.write_text("services: {web: {imagee: nginx}}\n")
    assert check(slip, "vendor.compose-spec").returncode == 1
