"""CI fails where a test is skipped, and nothing else does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.skips import ALLOWED

RUN = """
import pytest

def test_passed():
    pass

@pytest.mark.xfail(strict=True)
def test_known_to_fail():
    raise AssertionError

def test_fails_allowed():
    pytest.skip({allowed!r})
"""
SKIPS = {
    "in the test": "def test_it():\n    pytest.skip('no tool')\n",
    "by a mark": "@pytest.mark.skipif(True, reason='no tool')\ndef test_it():\n    pass\n",
    "in a fixture": (
        "@pytest.fixture\ndef tool():\n    pytest.skip('no tool')\n\ndef test_it(tool):\n    pass\n"
    ),
    "of a module": "pytest.skip('no tool', allow_module_level=True)\n",
}


def run(folder: Path, more: str, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_usual.py").write_text(RUN.format(allowed=next(iter(ALLOWED))))
    (folder / "test_more.py").write_text(f"import pytest\n\n{more}")
    options = ["-q", "-p", "tests.skips", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", os.devnull, str(folder)],
        env=inherited | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_allowed_skips_pass(tmp_path: Path) -> None:
    done = run(tmp_path, "", CI="true")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped, 1 xfailed" in done.stdout


@pytest.mark.parametrize("kind", SKIPS)
def test_skips_fail_in_ci_only(tmp_path: Path, kind: str) -> None:
    assert run(tmp_path, SKIPS[kind]).returncode == 0
    done = run(tmp_path, SKIPS[kind], CI="true")
    assert done.returncode != 0
    assert "CI may not skip this test, but did: no tool" in done.stdout
