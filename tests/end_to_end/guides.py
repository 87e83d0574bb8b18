"""How-to guides: the steps of a page, and the JSON that it shows below them.

``python -m tests.end_to_end.guides`` runs them and writes the output into the pages.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.end_to_end.documented import GUIDES
from tests.end_to_end.tutorial import Step, fill, find_difference, read_blocks, run_steps

SERVICE: Final = "localhost:8000"
SERVE: Final = Step("make serve", "")
VARYING: Final = re.compile(r"^ *\d+%.*\n|[\d,]+ texts/s|\d+\.\d s$", re.M)
"""What the batch job prints of its progress and speed."""

MAX_DIFFERENCE: Final = Decimal("1e-5")
"""Of numbers with more digits: processors round differently, as the export may from Keras."""


class Block(NamedTuple):
    """A block of a page, and the block of output right after it, if there is one."""

    code: str
    output: str


def read_code(page: str, language: str, output: str) -> list[Block]:
    """Return the blocks in a language, each with a following block in the language of output."""
    pattern = rf"^```{language}\n(.*?)^```$(?:\n+```{output}\n(.*?)^```$)?"
    return [Block(*found) for found in re.findall(pattern, page, re.M | re.S)]


def read_steps(page: str) -> list[Step]:
    """Return the commands of a page; JSON in a block of its own is the output of the last one."""
    steps = []
    for code, output in read_code(page, "console", "json"):
        (block,) = read_blocks(f"```console\n{code}```\n")
        if output:
            assert block[-1].output == "", "output in the block and below it"
            block[-1] = Step(block[-1].command, output)
        steps += block
    return steps


def run_guide(steps: list[Step], folder: Path) -> list[str]:
    """Run the commands of a page, with a service if the page calls one; return their output."""
    is_called = any(SERVICE in step.command for step in steps)
    outputs = run_steps([SERVE, *steps] if is_called else steps, folder)
    return outputs[1:] if is_called else outputs


def find_step_difference(step: Step, output: str) -> str | None:
    """Compare JSON by its values, to the digits that are shown, and other output as text."""
    if not step.output.startswith(("{\n", "{", "[")) or "\n{" in step.output:
        return find_difference(VARYING.sub("", step.output), VARYING.sub("", output))
    expected = json.loads(step.output, parse_float=Decimal)
    got = json.loads(output, parse_float=Decimal)
    return next(_differences(expected, got, ""), None)


def _differences(expected: Any, got: Any, place: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(got, dict) and expected.keys() == got.keys():
        for name, value in expected.items():
            yield from _differences(value, got[name], f"{place}.{name}")
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for number, value in enumerate(expected):
            yield from _differences(value, got[number], f"{place}[{number}]")
    elif isinstance(expected, Decimal) and isinstance(got, Decimal):
        unit = Decimal(1).scaleb(int(expected.as_tuple().exponent))
        if abs(expected - got) > max(unit, MAX_DIFFERENCE):
            yield f"{place}: expected {expected}, got {got}"
    elif expected != got:
        yield f"{place}: expected {expected}, got {got}"


def main() -> None:
    """Write the output of all commands into the pages, but JSON in blocks of its own."""
    for path in GUIDES:
        page = path.read_text()
        with tempfile.TemporaryDirectory() as folder:
            outputs = run_guide(read_steps(page), Path(folder))
        steps = list(chain.from_iterable(read_blocks(page)))
        shown = [output if step.output else "" for step, output in zip(steps, outputs, strict=True)]
        path.write_text(fill(page, steps, shown))


if __name__ == "__main__":
    main()
