"""``.ci/run`` on a machine without the tools, and beside a folder ``shared``."""

import shutil
import subprocess
from pathlib import Path

from tests.conftest import ROOT

TARGETS = ("lint", "test-fast ARGS=--collect-only --quiet --quiet", "docs-check", "test")
PACKAGES = {"chromium", "prometheus", "faketime", "nghttp2-client", "curl", "nodejs"}
"""Debian's, of the tools without which tests are skipped; nginx may be in /usr/sbin."""


def run_ci(folder: Path, script: Path, *, docker: str, **variables: str) -> list[str]:
    """Run it with programs that only note how they are called; return the calls."""
    calls, programs = folder / "calls", folder / "bin"
    programs.mkdir()
    note = f'echo "${{0##*/}} $* $NEWSWIRE_DATA_DIR" >> {calls}'
    for name, content in {"apt-get": note, "make": note, "docker": docker, "id": "echo 0"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{content}\n")
        (programs / name).chmod(0o755)
    for name in ("bash", "dirname", "env", "grep"):
        program = shutil.which(name)
        assert program is not None
        (programs / name).symlink_to(program)
    variables = {"PATH": str(programs), **variables}
    subprocess.run(["/bin/bash", script], env=variables, check=True)
    return [line.rstrip() for line in calls.read_text().splitlines() if "update" not in line]


def test_tools_of_the_tests_are_installed(tmp_path: Path) -> None:
    script = copy_script(tmp_path / "checkout")
    install, *rest = run_ci(tmp_path, script, docker="exit 0")
    assert install.startswith("apt-get install ")
    assert set(install.split()) >= PACKAGES
    assert rest == [f"make {each}" for each in (*TARGETS, "test-compose")]


def test_data_and_container_engine_beside_the_checkout_are_used(tmp_path: Path) -> None:
    script = copy_script(tmp_path / "checkout")
    engine = tmp_path / "shared" / "tools" / "container-engine"
    engine.parent.mkdir(parents=True)
    (tmp_path / "shared" / "data").mkdir()
    engine.write_text(f'echo "engine $*" >> {tmp_path}/calls\n')
    python = tmp_path / "checkout" / ".venv" / "dev" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho python:3.12\necho grafana/grafana:11\n")
    python.chmod(0o755)
    _, *rest = run_ci(tmp_path, script, docker="exit 1")
    data = tmp_path / "shared" / "data"
    calls = [f"make {target} {data}" for target in TARGETS]
    assert rest == [*calls, "engine python:3.12"]


def test_variables_name_other_data(tmp_path: Path) -> None:
    (tmp_path / "shared" / "data").mkdir(parents=True)
    script = copy_script(tmp_path / "checkout")
    _, *rest = run_ci(tmp_path, script, docker="exit 0", NEWSWIRE_DATA_DIR="/data")
    assert rest == [f"make {each} /data" for each in (*TARGETS, "test-compose")]


def copy_script(checkout: Path) -> Path:
    (checkout / ".ci").mkdir(parents=True)
    return Path(shutil.copy(ROOT / ".ci" / "run", checkout / ".ci"))
