"""Compare the service with other servers in one run.

Machines are shared and noisy: compare rows of one run only. Each round starts every server anew,
one after the other; the table shows medians over the rounds. CPU time per request varies least.
"""

import json
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.benchmarks.corpus import joined_bodies
from tests.benchmarks.harness import Result, load, running
from tests.benchmarks.peers import PEERS
from tests.benchmarks.targets import FAMILY, FLOOR, OURS, Target
from tests.benchmarks.trained import TRAINED, texts_file, train

COLUMNS = {
    "requests_per_second": ("requests/s", "{:,.0f}"),
    "texts_per_second": ("texts/s", "{:,.0f}"),
    "p50": ("p50 ms", "{:.2f}"),
    "p99": ("p99 ms", "{:.2f}"),
    "cpu_microseconds": ("CPU µs a request", "{:,.0f}"),
    "memory_megabytes": ("memory MB", "{:,.0f}"),
    "start_seconds": ("start s", "{:.2f}"),
}

console = Console() if sys.stdout.isatty() else Console(width=120)


Rounds = Annotated[int, typer.Option(min=1, help="Each starts every server anew.")]
Seconds = Annotated[int, typer.Option(min=1, help="How long each server is loaded.")]
Connections = Annotated[int, typer.Option(min=1)]
Save = Annotated[Path | None, typer.Option(help="Where to write the table, as JSON.")]
Only = Annotated[list[str] | None, typer.Option(help="Names of rows; all by default.")]


def compare_with_framework(
    rounds: Rounds = 3,
    seconds: Seconds = 5,
    connections: Connections = 8,
    save: Save = None,
    only: Only = None,
) -> None:
    """Compare the service with a no-op server and with the framework itself."""
    compare(FAMILY, rounds, seconds, connections, save, only)


def compare_with_peers(
    rounds: Rounds = 3,
    seconds: Seconds = 5,
    connections: Connections = 8,
    save: Save = None,
    only: Only = None,
) -> None:
    """Compare the service with FastAPI alone, other models behind it, and other model servers."""
    trained = [peer for peer in TRAINED.values() if not only or f"FastAPI + {peer.name}" in only]
    with texts_file() as texts:
        train(trained, texts)
    framework = [replace(target, bodies=joined_bodies) for target in (OURS, FLOOR)]
    compare((*framework, *PEERS), rounds, seconds, connections, save, only)


def compare(
    targets: Sequence[Target],
    rounds: int,
    seconds: int,
    connections: int,
    save: Path | None,
    only: Sequence[str] | None,
) -> None:
    """Measure servers in turn and print a table of medians."""
    check_wrk()
    chosen = [target for target in targets if not only or target.name in only]
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
    """Exit with one line if wrk, which generates the load, is not installed."""
    if shutil.which("wrk") is None:
        sys.exit("error: expected wrk on the PATH, it generates the load: apt-get install wrk")


def measure(
    targets: Sequence[Target], *, rounds: int, seconds: int, connections: int
) -> dict[str, list[Result]]:
    """Load each server in turn, round after round, after one second of warm-up."""
    results: dict[str, list[Result]] = {item.name: [] for item in targets}
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=rounds * len(targets))
        for _ in range(rounds):
            for item in targets:
                progress.update(task, description=item.name)
                with running(item) as server:
                    load(item, server, seconds=1, connections=connections)
                    server.wait_until_idle()
                    result = load(item, server, seconds=seconds, connections=connections)
                results[item.name].append(result)
                progress.advance(task)
    return results


def summarise(results: Sequence[Result]) -> dict[str, float]:
    """Return the median of each figure over the rounds."""
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
    """Return the figures of a row as text, here and in the documentation."""
    return [form.format(row[name]) for name, (_, form) in COLUMNS.items()]


def describe_machine() -> str:
    """Return the number of cores, the processor and the Python version."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{len(models)} cores of {models[0]}, Python {platform.python_version()}"
