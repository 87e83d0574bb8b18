"""What ``make`` would run."""

import os
import re
import subprocess
from pathlib import Path

from tests.conftest import ROOT


def dry_run(*arguments: str) -> str:
    """Return the commands that make would run."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", "--dry-run", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_only_a_whole_run_must_reach_the_coverage() -> None:
    whole = dry_run("test")
    assert "pytest --cov" in whole
    assert "--fail-under=95" in whole
    some = dry_run("test", "ARGS=tests/service/model -k padding")
    assert "pytest tests/service/model -k padding" in some
    assert "cov" not in some.replace("--cov-report", "--cov").split("pytest", 1)[1]


def test_lint_installs_a_small_environment_and_says_so_first(tmp_path: Path) -> None:
    commands = dry_run("lint", f"VENVS={tmp_path}").splitlines()
    packages = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements/lint.txt").read_text(), re.M)
    assert re.match(
        rf'echo "Installing .*requirements/lint.txt into {tmp_path}/lint, once: 0.5 GB, ',
        commands[0],
    )
    assert not {"tensorflow", "keras", "ray", "pyarrow", "scikit-learn", "kubectl"} & set(packages)
    assert [line for line in commands if "/dev/" in line] == []
    for tool in ("ruff format --check", "ruff check", "mypy", "lint-imports"):
        assert any(f"{tmp_path}/lint/bin/" in line and tool in line for line in commands)
