"""Progress of a run: a bar on a terminal, else a line every 10 seconds; a summary at the end."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console

from service.console import progress_bar
from service.rows import CommandError

LINE_SECONDS: Final = 10


def report_progress(
    outcomes: Iterable[dict[str, Any]], console: Console, *, total: int, done: int
) -> None:
    """Print the progress of a run until it ends; raise CommandError if partitions failed.

    ``outcomes`` are those of `deploy.batch.job.run`; ``total`` and ``done`` are the bytes of the
    input, and those that earlier runs have classified.
    """
    started = shown = time.monotonic()
    counts: Counter[str] = Counter(rows=0, abstained=0, errors=0)
    failures: list[str] = []
    bar = console.is_terminal
    total = max(total, 1)
    with progress_bar(console, "starting", total=total, done=done, visible=bar) as advance:
        for outcome in outcomes:
            counts.update({name: outcome[name] for name in counts})
            if outcome["failure"] is not None:
                failures.append(outcome["failure"])
            done += outcome["size"]
            now = time.monotonic()
            summary = _summary(counts, now - started)
            advance(outcome["size"], summary)
            if not bar and now - shown >= LINE_SECONDS:
                shown = now
                console.print(f"{done / total:4.0%}  {summary}", soft_wrap=True)
    console.print(_summary(counts, time.monotonic() - started), soft_wrap=True)
    if failures:
        raise CommandError(
            f"{len(failures)} partitions failed, run the same command again to retry them; "
            f"the first: {failures[0]}"
        )


def _summary(counts: Counter[str], seconds: float) -> str:
    return (
        f"{counts['rows']:,} rows, {counts['rows'] / max(seconds, 1e-9):,.0f} texts/s, "
        f"{counts['abstained']:,} abstained, {counts['errors']:,} errors, {seconds:.1f} s"
    )
