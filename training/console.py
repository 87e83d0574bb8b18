"""Standard output of the commands: tables, and lines that are not wrapped."""

import sys
from typing import Final

from service.console import PlainConsole

LOG_COLUMNS: Final = 220  # width of tables without a terminal


def stdout_console() -> PlainConsole:
    """Return a console of the terminal's width, or of `LOG_COLUMNS` without one."""
    return PlainConsole(width=None if sys.stdout.isatty() else LOG_COLUMNS)


def print_line(line: str) -> None:
    """Print a line, which is not wrapped."""
    stdout_console().print(line, soft_wrap=True)
