"""What the commands print: names as they are, and one line for what goes wrong."""

import sys
from io import TextIOWrapper
from typing import Any, Final

import typer
from rich.console import Console
from rich.text import Text

from service.model import NewswireError
from service.model.control_characters import escape_controls
from service.model.strict_json import replace_surrogates

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""Of click, which typer has inside of it under a name of its own."""


class PlainConsole(Console):
    """A console that shows every string, cells of tables included, as it is.

    Nothing in a file's name is markup, an emoji or a number to be highlighted, and a terminal obeys
    no control character in it.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """Make text of a string."""
        plain: dict[str, Any] = {"emoji": False, "markup": False, "highlight": False}
        return super().render_str(printable(text), **{**options, **plain})


def printable(text: str) -> str:
    """Show control characters by their escapes, and what cannot be encoded as question marks."""
    return escape_controls(replace_surrogates(text))


def print_error(message: object) -> None:
    """Write one line to standard error."""
    line = " ".join(str(message).split())
    PlainConsole(stderr=True).print(f"error: {line}", style="red", soft_wrap=True)


def run_commands(cli: typer.Typer, name: str) -> int:
    """Run a command line; what goes wrong is one line on standard error. Return the exit status.

    Parameters
    ----------
    cli : typer.Typer
    name : str
        As it is typed.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that is no UTF-8 can be shown, too
            stream.reconfigure(errors="replace")
    try:
        return cli(prog_name=name, standalone_mode=False) or 0
    except USAGE_ERROR as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else name
        message = error.format_message().rstrip(".")  # type: ignore[attr-defined]
        print_error(f"{message}; see {path} --help")
        return EXIT_USAGE
    except (NewswireError, OSError) as error:
        print_error(error)
        return EXIT_FAILED
