"""Shared by the commands: options, progress, plain output and one-line errors."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from service.model import DEFAULT_TOP_K, NewswireError, default_model_dir
from service.model.control_characters import escape_controls

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""click's UsageError; typer contains click under another name."""

ModelDirOption = Annotated[
    Path,
    typer.Option(
        envvar="NEWSWIRE_MODEL_DIR",
        default_factory=default_model_dir,
        show_default="models/reuters, or else the released bundle",
        help="A bundle, or a folder of numbered bundles: the highest is used.",
    ),
]
TopKOption = Annotated[
    int | None,
    typer.Option(
        min=1, help=f"Topics per text; by default {DEFAULT_TOP_K}, or all if there are fewer."
    ),
]
MinConfidenceOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Abstain below this score instead of the model's thresholds."),
]
AllTopicsOption = Annotated[
    bool,
    typer.Option(
        "--all-topics",
        help="Also find every topic of a text, perhaps several or none, if the model can.",
    ),
]
SubjectsOption = Annotated[
    bool,
    typer.Option(
        "--subjects",
        help="Also add the concepts that a text is about, such as IPTC Media Topics, if topics of "
        "the model have them.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]
PrefixOption = Annotated[str, typer.Option(help="Prefix for the name of each result.")]


class PlainConsole(Console):
    """A console without markup, emoji and highlighting that escapes control characters."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Convert a string, as printed or in a table cell."""
        plain: dict[str, Any] = {"emoji": False, "markup": False, "highlight": False}
        return super().render_str(escape_controls(text), **{**options, **plain})


@contextmanager
def progress_bar(
    console: Console, description: str, *, total: int | None, done: int = 0, visible: bool
) -> Iterator[Callable[[int, str], None]]:
    """Show a bar with the share done, a description and the time left.

    Yields a function that advances the bar and replaces the description.
    """
    columns = BarColumn(), TaskProgressColumn(), TextColumn("{task.description}")
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not visible
    ) as progress:
        task = progress.add_task(description, total=total, completed=done)
        yield lambda size, text: progress.update(task, advance=size, description=text)


def print_error(message: object) -> None:
    """Write one line to standard error."""
    line = " ".join(str(message).split())
    PlainConsole(stderr=True).print(f"error: {line}", style="red", soft_wrap=True)


def run_commands(cli: typer.Typer, name: str) -> int:
    """Run the command line ``name`` and return its exit status; an error is one line.

    SIGINT raises KeyboardInterrupt from here on, unless it is ignored or handled.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
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
