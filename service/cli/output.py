"""Write to standard output: whole lines, tab-separated values, JSON, or a table on a terminal."""

import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from rich.table import Table

from service.console import PlainConsole
from service.model.control_characters import escape_controls

STDOUT_DESCRIPTOR: Final = 1
EXIT_BROKEN_PIPE: Final = 141
"""The status of a process that SIGPIPE ended, as a shell reports it."""


def write_lines(lines: Iterable[str]) -> None:
    """Write whole lines to standard output; an interrupt waits until the last one is written.

    Raises SystemExit if the reader has closed the pipe, as in ``newswire ... | head``.
    """
    text = "".join(f"{line}\n" for line in lines)
    rest = memoryview(text.encode(errors="replace"))  # file names need not be UTF-8
    with _delayed_interrupt():
        try:
            while rest:
                rest = rest[os.write(STDOUT_DESCRIPTOR, rest) :]  # nothing stays in a buffer
        except BrokenPipeError:
            sys.exit(EXIT_BROKEN_PIPE)


@contextmanager
def _delayed_interrupt() -> Iterator[None]:
    """Delay the first Ctrl-C; the second one interrupts, since the reader may have stopped."""
    received: list[int] = []

    def delay(signum: int, frame: FrameType | None) -> None:
        received.append(signum)
        signal.signal(signum, before)

    before = signal.signal(signal.SIGINT, delay)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    for signum in received:
        signal.raise_signal(signum)  # stays ignored if it was, as in the background of a script


def write_rows(rows: Iterable[Sequence[Any]], header: Sequence[str] = ()) -> None:
    """Write a table on a terminal, else tab-separated values.

    Cells are strings, or on a terminal `rich.text.Text`. Without a header, the first cell of each
    row is a name. White space in a value becomes a blank, and a control character its escape.
    """
    if not sys.stdout.isatty():
        cells = [header, *rows] if header else rows
        write_lines(
            "\t".join(escape_controls(" ".join(cell.split())) for cell in row) for row in cells
        )
        return
    table = Table(*map(_title, header), show_header=bool(header), box=None)
    for first, *others in rows:
        table.add_row(first if header else _title(first), *others)
    PlainConsole().print(table)


def _title(name: str) -> str:
    return name.replace(".", ": ").replace("_", " ")


def to_json(value: object) -> str:
    """Return readable JSON that can be encoded as UTF-8, with control characters escaped."""
    text = escape_controls(json.dumps(value, ensure_ascii=False))
    # an unpaired surrogate, as in a file name that is not UTF-8, becomes the escape that JSON has
    return text.encode(errors="backslashreplace").decode()
