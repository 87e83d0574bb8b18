"""Shared by the commands: options, progress, plain output and one-line errors."""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from service.model import DEFAULT_TOP_K, NewswireError
from service.model.control_characters import escape_controls
from service.model.strict_json import replace_surrogates

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""click's UsageError; typer contains click under another name."""

TopKOption = Annotated[
    int | None,
    typer.Option(min=1, help=f"Topics per text; by default {DEFAULT_TOP_K}, or all."),
]
MinConfidenceOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Abstain below this score instead of the model's thresholds."),
]
PrefixOption = Annotated[str, typer.Option(help="Put this before the name of each result.")]
ModelDirOption = Annotated[
    Path, typer.Option(help="A bundle, or a folder of numbered bundles: the highest is used.")
]


class CommandError(NewswireError):
    """An input or an option is not valid; the message is one line."""


class PlainConsole(Console):
    """A console without markup, emoji and highlighting that escapes control characters."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Convert a string, as printed or in a table cell."""
        plain: dict[str, Any] = {"emoji": False, "markup": False, "highlight": False}
        return super().render_str(printable(text), **{**options, **plain})


def printable(text: str) -> str:
    """Escape control characters, and replace unpaired surrogates by question marks."""
    return escape_controls(replace_surrogates(text))


def progress_bar(console: Console, description: str) -> Progress:
    """Return a bar with the share done, a description and the time left."""
    return Progress(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn(description),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def check_top_k(top_k: int | None, n_topics: int) -> int:
    """Return the number of topics per text.

    Raises
    ------
    CommandError
        If the model has fewer topics.
    """
    if top_k is None:
        return min(DEFAULT_TOP_K, n_topics)
    if top_k > n_topics:
        raise CommandError(f"--top-k: expected 1 to {n_topics}, got {top_k}")
    return top_k


def print_error(message: object) -> None:
    """Write one line to standard error."""
    line = " ".join(str(message).split())
    PlainConsole(stderr=True).print(f"error: {line}", style="red", soft_wrap=True)


def run_commands(cli: typer.Typer, name: str) -> int:
    """Run a command line and return its exit status; an error is one line on standard error.

    Parameters
    ----------
    cli : typer.Typer
    name : str
        The command as it is typed.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # file names need not be UTF-8
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
