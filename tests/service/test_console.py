"""Names are shown as they are, and a terminal obeys nothing in them."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from service.console import PlainConsole
from service.model.control_characters import escape_controls
from tests.conftest import ROOT

NAME = ":gear: [red]x[/red] 12 \x1b]0;title\x07 \x1b[2J\x9b2J \u202e\x7f"
SHOWN = ":gear: [red]x[/red] 12 \\u001b]0;title\\u0007 \\u001b[2J\\u009b2J \\u202e\\u007f"


def test_control_characters_are_escaped() -> None:
    assert escape_controls(NAME) == SHOWN
    assert escape_controls("a\tb\nc\rd é 中 \u200b") == "a\tb\nc\\u000dd é 中 \u200b"


def test_lines_and_tables_have_no_markup() -> None:
    console = PlainConsole(file=io.StringIO(), force_terminal=True, width=200)
    table = Table(NAME, title=NAME, caption=NAME, box=None)
    table.add_row(NAME)
    console.print(NAME)
    console.print(table)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert shown.count(SHOWN) == 5
    assert "⚙" not in shown
    assert shown.split("\n")[0] == SHOWN  # no colour for the number


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["service.cli", "classify"],
        ["service.cli", "model", "--model-dir"],
        ["training", "evaluate"],
        ["training", "evaluate", "models/reuters/1", "--texts"],
        ["deploy.batch"],
    ],
)
def test_errors_of_every_command_escape_control_characters(arguments: list[str]) -> None:
    module, *rest = arguments
    last = ["models/none"] if module == "deploy.batch" else []
    done = subprocess.run(
        [sys.executable, "-m", module, *rest, NAME, *last],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert SHOWN.rstrip() in done.stderr
    assert done.stderr[:-1].isprintable()


@pytest.mark.slow
def test_errors_of_the_service_escape_control_characters(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={"NEWSWIRE_MODEL_DIR": str(tmp_path / NAME)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert SHOWN in done.stderr
