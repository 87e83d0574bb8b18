"""Tutorials: pages whose commands are run in order, in one shell, and whose output is compared.

Blocks of ``pycon`` are one Python session, which is run after the commands.
``python -m tests.end_to_end.tutorial`` runs all pages, or those that are named, and writes the
output into them.
"""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.conftest import ROOT
from tests.end_to_end.documented import Sandbox
from tests.ports import free_port

TUTORIALS: Final = tuple(sorted((ROOT / "docs" / "tutorials").glob("*.md")))
SEPARATOR: Final = "\x1e"  # between the outputs of two commands
PROGRESS: Final = r"^(?:Fitting to all folds|Choosing the \w+|Training)\b.* \d+/\d+\b.*\n"
"""A bar on a terminal."""
NEEDS_DATA: Final = "`make data`"
"""In a page whose commands need the Reuters data in the folder ``data``."""
PICTURES: Final = {
    "from-notebook-to-production": ("models/candidates/1/evaluation/curves.png", "curves.png")
}
"""What the commands of a page draw, and the name that it has beside the page."""
SESSION: Final = """
import json, sys
namespace = {}
for source in json.load(open("session.json")):
    print(sys.argv[1], end="")
    exec(compile(source, "<session>", "single"), namespace)
"""
VARYING: Final = {
    PROGRESS: "",
    r"\d[\d,]* µs": "N µs",
    r"\d[\d,]* B\b": "N B",  # of a bundle: names of library versions
    r"p = [\d.e-]+": "p = N",
    r"below: [^│]*": "below: topics",
    r"│ +0\.00\d\d │[^│]*│ +0\.\d{4} │": "│ few │",  # so the precision is that of one or two texts
    r"[━─]+": "─",  # columns are as wide as these numbers
    r" +": " ",
    r" $": "",
}
"""What may differ from one run or machine to another, beside numbers by `TOLERANCE`."""
NUMBER: Final = re.compile(r"-?(?:\d+\.\d+(?:e-?\d+)?|\d+e-\d+)")
TOLERANCE: Final = 0.06
"""Of numbers with a decimal point: processors and libraries round differently, and so one or two of
the 35 texts to test on may be on the other side of a threshold."""


class Step(NamedTuple):
    """A command of a page with its prompt, and the output that the page shows below it."""

    command: str
    output: str
    prompt: str = "$ "

    @property
    def shown(self) -> str:
        """The command as the page has it."""
        return f"{self.prompt}{self.command}\n"


def read_blocks(page: str) -> list[list[Step]]:
    """Return the commands of each block: a prompt, lines of a here-document, then the output."""
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.M | re.S)
    return [
        [_to_step(text) for text in re.split(r"^\$ ", block, flags=re.M)[1:]] for block in blocks
    ]


def _to_step(text: str) -> Step:
    first, _, rest = text.partition("\n")
    if "<<'EOF'" in first:
        body, _, rest = rest.partition("EOF\n")
        return Step(f"{first}\n{body}EOF", rest)
    while first.endswith("\\") or first.count("'") % 2:
        line, _, rest = rest.partition("\n")
        first += f"\n{line}"
    return Step(first, rest)


def read_session(page: str) -> list[Step]:
    """Return the statements of all blocks of Python with prompts, each with its output."""
    blocks = re.findall(r"^```pycon\n(.*?)^```", page, re.M | re.S)
    statement = re.compile(r"^>>> (.*\n(?:\.\.\..*\n)*)((?:(?!>>> ).*\n)*)", re.M)
    return [
        Step(command.rstrip("\n"), output, ">>> ")
        for command, output in statement.findall("".join(blocks))
    ]


def run_steps(steps: Sequence[Step], folder: Path, data_dir: Path | None = None) -> list[str]:
    """Run commands, then statements, in a new folder beside the code; return the output of each."""
    sandbox = Sandbox(folder, NEWSWIRE_PORT=str(free_port()))
    (folder / "docs").symlink_to(ROOT / "docs")
    shutil.rmtree(folder / "models" / "candidates")
    (folder / "desk.jsonl").unlink()
    if data_dir:
        (folder / "data").symlink_to(data_dir.resolve())
    commands = [
        part
        for step in steps
        if step.prompt == "$ "
        for part in (f"printf '{SEPARATOR}'", step.command)
    ]
    sources = [
        re.sub(r"^\.\.\. ?", "", step.command, flags=re.M) + "\n"
        for step in steps
        if step.prompt != "$ "
    ]
    outputs = sandbox.run(*commands).split(SEPARATOR)[1:]
    if sources:
        (folder / "session.json").write_text(json.dumps(sources))
        (folder / "session.py").write_text(SESSION)
        python = f"{sys.executable} session.py '{SEPARATOR}'"
        outputs += sandbox.run(python).split(SEPARATOR)[1:]
    return outputs


def find_difference(shown: str, output: str) -> str | None:
    """Return the first lines that differ by more than may vary, or None."""
    expected, got = (_generalize(text).splitlines() for text in (shown, output))
    for number in range(max(len(expected), len(got))):
        lines = [text[number] if number < len(text) else "" for text in (expected, got)]
        if not _is_same(*lines):
            return f"expected {lines[0]!r}, got {lines[1]!r}"
    return None


def _generalize(text: str) -> str:
    for pattern, replacement in VARYING.items():
        text = re.sub(pattern, replacement, text, flags=re.M)
    return text


def _is_same(expected: str, got: str) -> bool:
    if NUMBER.sub("N", expected) != NUMBER.sub("N", got):
        return False
    pairs = zip(NUMBER.findall(expected), NUMBER.findall(got), strict=True)
    return all(abs(float(a) - float(b)) <= TOLERANCE for a, b in pairs)


def fill(page: str, steps: Sequence[Step], outputs: Sequence[str]) -> str:
    """Return a page with other outputs, without progress."""
    filled, place = "", 0
    for step, output in zip(steps, outputs, strict=True):
        start = page.index(f"{step.shown}{step.output}", place)
        end = start + len(step.shown)
        filled += page[place:end] + re.sub(rf"{PROGRESS}| +$", "", output, flags=re.M)
        place = end + len(step.output)
    return filled + page[place:]


def main(*names: str) -> None:
    """Write the output of all commands into the pages, or into those of the names."""
    for path in TUTORIALS:
        if names and path.stem not in names:
            continue
        page = path.read_text()
        commands = [step for block in read_blocks(page) for step in block]
        session = read_session(page)
        data_dir = Path(os.environ.get("NEWSWIRE_DATA_DIR") or ROOT / "data")
        with tempfile.TemporaryDirectory() as folder:
            outputs = run_steps(
                [*commands, *session],
                Path(folder),
                data_dir if NEEDS_DATA in page else None,
            )
            if path.stem in PICTURES:
                drawn, name = PICTURES[path.stem]
                shutil.copyfile(Path(folder) / drawn, path.with_name(name))
        page = fill(page, commands, outputs[: len(commands)])
        path.write_text(fill(page, session, outputs[len(commands) :]))


if __name__ == "__main__":
    main(*sys.argv[1:])
