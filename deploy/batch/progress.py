"""What is printed of a run: a bar on a terminal, else lines now and then; a line at the end."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from deploy.batch.errors import BatchError

LINE_SECONDS: Final = 10
"""How often there is a line where there is no terminal."""


class Tally:
    """Counts what came of a run."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.counts: Counter[str] = Counter(rows=0, abstained=0, errors=0)
        self.failures: list[str] = []

    def add(self, outcome: dict[str, Any]) -> None:
        """Count what came of a piece."""
        self.counts.update({name: int(outcome[name]) for name in self.counts})
        if outcome["failure"] is not None:
            self.failures.append(outcome["failure"])

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def line(self) -> str:
        """Say all of it."""
        rows = self.counts["rows"]
        return (
            f"{rows:,} rows, {rows / max(self.elapsed, 1e-9):,.0f} texts/s, "
            f"{self.counts['abstained']:,} abstained, {self.counts['errors']:,} errors, "
            f"{self.elapsed:.1f} s"
        )


def follow(outcomes: Iterable[dict[str, Any]], console: Console, *, total: int, done: int) -> Tally:
    """Print the progress of a run to its end.

    Parameters
    ----------
    outcomes : iterable of dict
        As from `deploy.batch.job.run`.
    console : Console
        Where to.
    total, done : int
        Bytes to do in all, and those that an earlier run has done.

    Raises
    ------
    BatchError
        If pieces failed; all others are finished by then.
    """
    tally = Tally()
    steps = (
        _bar(outcomes, tally, console, total, done)
        if console.is_terminal
        else _lines(outcomes, tally, console, total, done)
    )
    for outcome in steps:
        tally.add(outcome)
    console.print(tally.line(), highlight=False, soft_wrap=True)
    if tally.failures:
        raise BatchError(
            f"{len(tally.failures)} pieces failed, run the same command again to try only them; "
            f"the first: {tally.failures[0]}"
        )
    return tally


def _bar(
    outcomes: Iterable[dict[str, Any]], tally: Tally, console: Console, total: int, done: int
) -> Iterator[dict[str, Any]]:
    with Progress(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("starting", total=max(total, 1), completed=done)
        for outcome in outcomes:
            yield outcome
            progress.update(task, advance=int(outcome["size"]), description=tally.line())


def _lines(
    outcomes: Iterable[dict[str, Any]], tally: Tally, console: Console, total: int, done: int
) -> Iterator[dict[str, Any]]:
    last = time.monotonic()
    for outcome in outcomes:
        yield outcome
        done += int(outcome["size"])
        if time.monotonic() - last >= LINE_SECONDS:
            last = time.monotonic()
            share = done / max(total, 1)
            console.print(f"{share:4.0%}  {tally.line()}", highlight=False, soft_wrap=True)
