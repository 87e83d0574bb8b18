"""Write whole lines to standard output."""

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STDOUT_DESCRIPTOR: Final = 1
EXIT_BROKEN_PIPE: Final = 141
"""The status of a process that SIGPIPE ended, as a shell reports it."""


def write_lines(lines: Iterable[str]) -> None:
    """Write whole lines to standard output; an interrupt waits until the last one is written.

    Raises
    ------
    SystemExit
        If the reader has closed the pipe, as in ``newswire ... | head``.
    """
    rest = memoryview("".join(f"{line}\n" for line in lines).encode())
    with delayed_interrupt():
        try:
            while rest:
                rest = rest[os.write(STDOUT_DESCRIPTOR, rest) :]  # nothing stays in a buffer
        except BrokenPipeError:
            sys.exit(EXIT_BROKEN_PIPE)


@contextmanager
def delayed_interrupt() -> Iterator[None]:
    """Delay the first Ctrl-C; the second one interrupts, since the reader may have stopped."""
    received: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(signum)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if received:
        raise KeyboardInterrupt
