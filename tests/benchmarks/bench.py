"""``make bench``: the service beside what it can be compared with, in one sitting.

Machines are shared and noisy, so rows are only to be compared within one run: each round starts
every server anew, one after the other, and medians over the rounds are shown. What holds best is
CPU time per request.
"""

import json
import platform
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.benchmarks.harness import Result, load, running
from tests.benchmarks.peers import PEERS
from tests.benchmarks.targets import FAMILY, OURS, Contestant

COLUMNS = {
    "requests_per_second": ("requests/s", "{:,.0f}"),
    "texts_per_second": ("texts/s", "{:,.0f}"),
    "p50": ("p50 ms", "{:.2f}"),
    "p99": ("p99 ms", "{:.2f}"),
    "cpu_microseconds": ("CPU µs a request", "{:,.0f}"),
    "memory_megabytes": ("memory MB", "{:,.0f}"),
    "start_seconds": ("start s", "{:.2f}"),
}

LEFT_SECONDS = 0.5
"""For what is still in progress when a load ends; a full service would refuse the next."""

console = Console() if sys.stdout.isatty() else Console(width=120)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Each starts every server anew.")] = 3,
    seconds: Annotated[int, typer.Option(min=1, help="How long a server is loaded.")] = 5,
    connections: Annotated[int, typer.Option(min=1)] = 8,
    save: Annotated[Path | None, typer.Option(help="Where to write the table, as JSON.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Names of rows; all without it.")] = None,
    peers: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--peers", help="Other ways of serving the same model, beside ours.")
    ] = False,
) -> None:
    """Measure the service beside what it can be compared with."""
    check_wrk()
    there = (OURS, *PEERS) if peers else FAMILY
    chosen = [item for item in there if not only or item.name in only]
    results = measure(chosen, rounds=rounds, seconds=seconds, connections=connections)
    record = {
        "machine": describe_machine(),
        "measured": datetime.now(UTC).date().isoformat(),
        "rounds": rounds,
        "seconds": seconds,
        "connections": connections,
        "rows": {name: summarise(items) for name, items in results.items()},
    }
    console.print(to_table(record))
    if save:
        save.write_text(json.dumps(record, indent=1) + "\n")


def check_wrk() -> None:
    """End with a clear message where there is nothing to make the load."""
    if shutil.which("wrk") is None:
        sys.exit("error: expected wrk, which makes the load, on the PATH: apt-get install wrk")


def measure(
    contestants: Sequence[Contestant], *, rounds: int, seconds: int, connections: int
) -> dict[str, list[Result]]:
    """Load each server in turn, round after round; the first second of each does not count."""
    results: dict[str, list[Result]] = {item.name: [] for item in contestants}
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=rounds * len(contestants))
        for _ in range(rounds):
            for item in contestants:
                progress.update(task, description=item.name)
                with running(item) as server:
                    load(item, server, seconds=1, connections=connections)
                    time.sleep(LEFT_SECONDS)  # what it left behind is still being answered
                    result = load(item, server, seconds=seconds, connections=connections)
                results[item.name].append(result)
                progress.advance(task)
    return results


def summarise(results: Sequence[Result]) -> dict[str, float]:
    """Give the median of each figure over the rounds."""
    return {item.name: median(asdict(r)[item.name] for r in results) for item in fields(Result)}


def to_table(record: Mapping[str, Any]) -> Table:
    """Show a record."""
    table = Table(title=f"{record['machine']}, {record['connections']} connections")
    table.add_column("")
    for title, _ in COLUMNS.values():
        table.add_column(title, justify="right")
    for name, row in record["rows"].items():
        failed = f" ({row['failed']:.0f} failed)" if row["failed"] else ""
        table.add_row(name + failed, *cells(row))
    return table


def cells(row: Mapping[str, float]) -> list[str]:
    """Give the figures of a row as they are shown, here and in the documentation."""
    return [form.format(row[name]) for name, (_, form) in COLUMNS.items()]


def describe_machine() -> str:
    """Say what processor, how many of it, and which Python."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{len(models)} cores of {models[0]}, Python {platform.python_version()}"


if __name__ == "__main__":
    typer.run(main)
