"""The commands that ``make`` would run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from training.data.reuters21578 import ARCHIVE


def dry_run(*arguments: str) -> str:
    """Return the commands that make would run."""
    return run_make("--dry-run", *arguments, check=True).stdout


def run_make(*arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=check,
    )


def test_help_lists_few_targets() -> None:
    targets = re.findall(r"^make (\S+)  +\S", run_make("help").stdout, re.M)
    assert {"serve", "test", "test-fast", "reliability", "bench", "lint"} <= set(targets)
    assert len(targets) <= 14


def test_test_fast_needs_no_large_package() -> None:
    packages = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements/test.txt").read_text(), re.M)
    assert not {"tensorflow", "keras", "ray", "playwright", "scikit-learn"} & set(packages)
    (command,) = [line for line in dry_run("test-fast").splitlines() if "pytest" in line]
    assert ".venv/test/bin/python -m pytest tests/service" in command


def test_an_old_python_is_an_error(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    code = "import sys; sys.version_info = (3, 9, 18); exec(sys.argv[2])"
    old.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{code}' \"$@\"\n")
    old.chmod(0o755)
    made = run_make(f"PYTHON={old}", f"VENVS={tmp_path}", f"{tmp_path}/service/.installed")
    assert made.returncode == 2
    assert "error: expected Python 3.11 or later, got 3.9. Name another" in made.stderr
    assert not (tmp_path / "service").exists()


@pytest.mark.parametrize("case", ["slow-clients", "fuzz", "fuzz-coverage"])
def test_reliability_cases_are_modules(case: str) -> None:
    commands = dry_run("reliability", f"CASE={case}").splitlines()
    (command,) = [line for line in commands if " -m tests." in line]
    module = command.split(" -m ")[1].split()[0].replace(".", "/")
    assert (ROOT / f"{module}.py").is_file() or (ROOT / module / "__main__.py").is_file()


def test_an_unknown_reliability_case_is_an_error() -> None:
    made = run_make("--dry-run", "reliability", "CASE=unknown")
    assert made.returncode == 2
    assert "expected CASE to be one of: overload slow-clients" in made.stderr


def test_only_a_whole_run_has_a_coverage_bound() -> None:
    whole = dry_run("test")
    assert " --cov " in whole
    assert "--fail-under=95" in whole
    some = dry_run("test", "ARGS=tests/service/model -k padding")
    assert "pytest tests/service/model -k padding" in some
    assert "cov" not in some.replace("--cov-report", "--cov").split("pytest", 1)[1]


def test_lint_announces_a_small_environment(tmp_path: Path) -> None:
    commands = dry_run("lint", f"VENVS={tmp_path}").splitlines()
    packages = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements/lint.txt").read_text(), re.M)
    assert re.match(
        rf'echo "Installing .*requirements/lint.txt in {tmp_path}/lint, once: 0.5 GB, ',
        commands[0],
    )
    assert not {"tensorflow", "keras", "ray", "pyarrow", "scikit-learn", "kubectl"} & set(packages)
    assert [line for line in commands if "/dev/" in line] == []
    for tool in ("ruff format --check", "ruff check", "mypy", "lint-imports"):
        assert any(f"{tmp_path}/lint/bin/" in line and tool in line for line in commands)


@pytest.mark.parametrize("target", ["train", "check-data", "evaluate", "promote"])
def test_downloaded_data_are_used(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "training.txt").touch()
    (tmp_path / ".venv" / "training").mkdir(parents=True)
    (tmp_path / ".venv" / "training" / ".installed").touch()
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "found: $NEWSWIRE_DATA_DIR"\n')
    program.chmod(0o755)

    def found(data_dir: str) -> str:
        monkeypatch.setenv("NEWSWIRE_DATA_DIR", data_dir)
        options = ("-s", "-C", str(tmp_path), "-f", str(ROOT / "Makefile"), f"TRAINING={program}")
        shown = run_make(*options, target, check=True).stdout
        return str(re.findall(r"^found: (.*)$", shown, re.MULTILINE)[0])

    assert found("") == ""
    (tmp_path / "data").mkdir()
    assert found("") == ""
    (tmp_path / "data" / ARCHIVE).touch()
    assert found("") == "data"
    assert found("elsewhere") == "elsewhere"
