"""``make install-cli`` in an environment of its own."""

import subprocess

from tests.conftest import ROOT


def test_the_installed_command_classifies() -> None:
    subprocess.run(["make", "install-cli"], cwd=ROOT, check=True)
    shown = subprocess.run(
        [".venv/cli/bin/newswire", "classify", "-"],
        cwd=ROOT,
        input="Net profit rose to 3.1 mln dlrs or 40 cts a share.",
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines()[1].split("\t")[:2] == ["-", "earn"]
