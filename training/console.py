"""Standard output of the commands: tables, lines that are not wrapped, progress of a fit."""

import sys
from typing import Any, Final

from rich import progress
from rich.console import Console

from service.console import PlainConsole

LOG_COLUMNS: Final = 220  # width of tables without a terminal


def stdout_console() -> PlainConsole:
    """Return a console of the terminal's width, or of `LOG_COLUMNS` without one."""
    return PlainConsole(width=None if sys.stdout.isatty() else LOG_COLUMNS)


def print_line(line: str) -> None:
    """Print a line without wrapping it."""
    stdout_console().print(line, soft_wrap=True)


class FitProgress(progress.Progress):
    """Progress of a fit: a bar with the time left on a terminal, a line per step elsewhere."""

    def __init__(self, title: str, n_steps: int, console: Console) -> None:
        done = (progress.BarColumn(), progress.MofNCompleteColumn(), progress.TimeElapsedColumn())
        left = ("left", progress.TimeRemainingColumn(), "{task.fields[scores]}")
        columns = ("{task.description}", *done, *left)
        super().__init__(*columns, console=console, disable=not console.is_terminal)
        self.add_task(title, total=n_steps, scores="")

    def end_step(self, scores: str = "") -> None:
        """Count a finished step."""
        (task,) = self.tasks
        self.update(task.id, advance=1, scores=scores)
        if not self.console.is_terminal:
            line = f"{task.description} {task.completed}/{task.total}  {scores}"
            self.console.print(line.rstrip(), soft_wrap=True)

    def end_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Count a finished epoch of Keras, and show its losses and accuracies."""
        self.end_step("  ".join(f"{name} {value:.3f}" for name, value in logs.items()))
