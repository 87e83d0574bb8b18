"""Tutorials: pages whose commands are run in order, in one shell, and whose output is compared.

``python -m tests.end_to_end.tutorial`` runs them and writes the output into the pages.
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.conftest import ROOT
from tests.end_to_end.documented import Sandbox
from tests.ports import free_port

TUTORIALS: Final = tuple(sorted((ROOT / "docs" / "tutorials").glob("*.md")))
SEPARATOR: Final = "\x1e"  # between the outputs of two commands
PROGRESS: Final = r"^Fitting to all folds .*\n"  # a bar on a terminal
VARYING: Final = {
    PROGRESS: "",
    r"\d[\d,]* µs": "N µs",
    r"\d[\d,]* B\b": "N B",  # of a bundle: names of library versions
    r"p = [\d.e-]+": "p = N",
    r"[━─]+": "─",  # columns are as wide as these numbers
    r" +": " ",
    r" $": "",
}
"""What may differ from one run or machine to another, beside numbers by `TOLERANCE`."""
NUMBER: Final = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
TOLERANCE: Final = 0.06
"""Of numbers with a decimal point: processors and libraries round differently, and so one or two of
the 35 texts to test on may be on the other side of a threshold."""


class Step(NamedTuple):
    """A command of a page, and the output that the page shows below it."""

    command: str
    output: str


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
    while first.endswith("\\"):
        line, _, rest = rest.partition("\n")
        first += f"\n{line}"
    return Step(first, rest)


def run_steps(steps: Sequence[Step], folder: Path) -> list[str]:
    """Run the commands in a new folder beside the code; return the output of each."""
    sandbox = Sandbox(folder, NEWSWIRE_PORT=str(free_port()))
    (folder / "docs").symlink_to(ROOT / "docs")
    shutil.rmtree(folder / "models" / "candidates")
    (folder / "desk.jsonl").unlink()
    commands = [part for step in steps for part in (f"printf '{SEPARATOR}'", step.command)]
    return sandbox.run(*commands).split(SEPARATOR)[1:]


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
        start = page.index(f"$ {step.command}\n{step.output}", place)
        end = start + len(f"$ {step.command}\n")
        filled += page[place:end] + re.sub(rf"{PROGRESS}| +$", "", output, flags=re.M)
        place = end + len(step.output)
    return filled + page[place:]


def main() -> None:
    """Write the output of all commands into the pages."""
    for path in TUTORIALS:
        page = path.read_text()
        steps = [step for block in read_blocks(page) for step in block]
        with tempfile.TemporaryDirectory() as folder:
            outputs = run_steps(steps, Path(folder))
        path.write_text(fill(page, steps, outputs))


if __name__ == "__main__":
    main()
