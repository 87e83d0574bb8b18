"""What ``.ci/run`` does on a machine that has none of the tools."""

import subprocess
from pathlib import Path

from tests.conftest import ROOT

PACKAGES = {"chromium", "prometheus", "faketime", "nghttp2-client", "curl", "nodejs"}
"""Debian's, of the tools without which tests are skipped; nginx may be in /usr/sbin."""


def test_tools_of_the_tests_are_installed(tmp_path: Path) -> None:
    calls, programs = tmp_path / "calls", tmp_path / "bin"
    programs.mkdir()
    for name, script in {
        **dict.fromkeys(("apt-get", "make"), f'echo "${{0##*/}} $*" >> {calls}'),
        "docker": "exit 0",
        "id": "echo 0",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    for name in ("dirname", "env"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    subprocess.run(["/bin/bash", ROOT / ".ci/run"], env={"PATH": str(programs)}, check=True)
    install, *rest = [line for line in calls.read_text().splitlines() if "update" not in line]
    assert install.startswith("apt-get install ")
    assert set(install.split()) >= PACKAGES
    assert rest == ["make lint", "make test", "make test-compose"]
