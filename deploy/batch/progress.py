"""Progress of a run: a bar on a terminal, else a line every 10 seconds; a summary at the end."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from rich.console import Console

from deploy.batch.errors import BatchError
from service.console import progress_bar

LINE_SECONDS: Final = 10

Outcomes = Iterable[dict[str, Any]]
"""As from `deploy.batch.job.run`."""


class RunCounts:
    """Counts of rows, abstentions and errors, and the failures."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.counts: Counter[str] = Counter(rows=0, abstained=0, errors=0)
        self.failures: list[str] = []

    def add(self, outcome: dict[str, Any]) -> None:
        """Add the outcome of a partition."""
        self.counts.update({name: int(outcome[name]) for name in self.counts})
        if outcome["failure"] is not None:
            self.failures.append(outcome["failure"])

    def __str__(self) -> str:
        rows, elapsed = self.counts["rows"], time.monotonic() - self._started
        return (
            f"{rows:,} rows, {rows / max(elapsed, 1e-9):,.0f} texts/s, "
            f"{self.counts['abstained']:,} abstained, {self.counts['errors']:,} errors, "
            f"{elapsed:.1f} s"
        )


def report_progress(outcomes: Outcomes, console: Console, *, total: int, done: int) -> None:
    """Print the progress of a run until it ends.

    Parameters
    ----------
    outcomes : iterable of dict
    console : Console
    total, done : int
        Bytes of the input, and those that earlier runs have classified.

    Raises
    ------
    BatchError
        If partitions failed; all others are finished by then.
    """
    counts = RunCounts()
    show = _show_bar if console.is_terminal else _show_lines
    for outcome in show(outcomes, counts, console, total, done):
        counts.add(outcome)
    console.print(str(counts), soft_wrap=True)
    if counts.failures:
        raise BatchError(
            f"{len(counts.failures)} partitions failed, run the same command again to retry them; "
            f"the first: {counts.failures[0]}"
        )


def _show_bar(
    outcomes: Outcomes, counts: RunCounts, console: Console, total: int, done: int
) -> Iterator[dict[str, Any]]:
    with progress_bar(console, "{task.description}") as progress:
        task = progress.add_task("starting", total=max(total, 1), completed=done)
        for outcome in outcomes:
            yield outcome
            progress.update(task, advance=int(outcome["size"]), description=str(counts))


def _show_lines(
    outcomes: Outcomes, counts: RunCounts, console: Console, total: int, done: int
) -> Iterator[dict[str, Any]]:
    last = time.monotonic()
    for outcome in outcomes:
        yield outcome
        done += int(outcome["size"])
        if time.monotonic() - last >= LINE_SECONDS:
            last = time.monotonic()
            console.print(f"{done / max(total, 1):4.0%}  {counts}", soft_wrap=True)
