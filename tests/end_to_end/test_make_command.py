"""``make command``, as a newcomer types it, in an environment of the command alone."""

import subprocess

from tests.conftest import ROOT


def test_the_command_is_installed_and_answers() -> None:
    subprocess.run(["make", "command"], cwd=ROOT, check=True)
    shown = subprocess.run(
        [".venv/command/bin/newswire", "classify", "-"],
        cwd=ROOT,
        input="Net profit rose to 3.1 mln dlrs or 40 cts a share.",
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines()[1].split("\t")[:2] == ["-", "earn"]
