"""``make bench ARGS=ratio``: the service against FastAPI alone, in pairs of one round."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from statistics import quantiles
from typing import Annotated, Final

import typer
from rich.table import Table

from tests.benchmarks.comparison import check_wrk, console, describe_machine
from tests.benchmarks.corpus import ROOT
from tests.benchmarks.harness import Result, load, running
from tests.benchmarks.targets import FLOOR, OURS, REPEATED, SERVERS, Target

Pair = tuple[Result, Result]
"""Figures of the service and of the floor, one after the other."""

CASES: Final[Mapping[str, tuple[Target, int]]] = {
    "8 connections": (OURS, 8),
    "64 connections": (OURS, 64),
    "8 connections, one repeated text": (REPEATED, 8),
}
SERVED: Final = replace(
    OURS, environment={**OURS.environment, "NEWSWIRE_MAX_CONCURRENT_REQUESTS": "64"}
)
"""By default the service rejects what exceeds 20 concurrent requests."""
FIGURES: Final = {
    "CPU a request": "cpu_microseconds",
    "requests/s": "requests_per_second",
    "p99": "p99",
}


def main(
    rounds: Annotated[int, typer.Option(min=2, help="Each starts both servers anew.")] = 10,
    seconds: Annotated[int, typer.Option(min=1, help="How long each load lasts.")] = 2,
    *,
    cache_pressure: Annotated[
        bool, typer.Option("--cache-pressure", help="Beside a process that walks 64 MB.")
    ] = False,
) -> None:
    """Compare the service with FastAPI's constant answer, in pairs of one round."""
    check_wrk()
    pairs: dict[str, list[Pair]] = {name: [] for name in CASES}
    with walking() if cache_pressure else nullcontext():
        for number in range(rounds):
            with running(SERVED) as ours, running(FLOOR) as floor:
                servers = [(OURS, ours), (FLOOR, floor)]
                for target, server in servers:
                    load(target, server, seconds=1, connections=8)
                for name, (target, connections) in CASES.items():
                    results = {}
                    for service, server in servers[:: -1 if number % 2 else 1]:
                        server.wait_until_idle()
                        results[service.name] = load(
                            target, server, seconds=seconds, connections=connections
                        )
                    pairs[name].append((results[OURS.name], results[FLOOR.name]))
    console.print(to_table(pairs, cache_pressure=cache_pressure))


def to_table(pairs: Mapping[str, Sequence[Pair]], *, cache_pressure: bool) -> Table:
    """Show the median of the pairs' ratios, and the quartiles."""
    beside = ", beside a process that walks 64 MB" if cache_pressure else ""
    table = Table(title=f"ours against FastAPI alone, {describe_machine()}{beside}")
    table.add_column("")
    for title in FIGURES:
        table.add_column(title, justify="right")
    table.add_column("failed", justify="right")
    for name, items in pairs.items():
        cells = [show_ratio(items, figure) for figure in FIGURES.values()]
        table.add_row(name, *cells, str(sum(ours.failed + floor.failed for ours, floor in items)))
    return table


def show_ratio(pairs: Sequence[Pair], figure: str) -> str:
    """Return the median ratio of a figure and its quartiles."""
    ratios = [getattr(ours, figure) / getattr(floor, figure) for ours, floor in pairs]
    low, middle, high = quantiles(ratios, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


@contextmanager
def walking() -> Iterator[None]:
    """Run a process that walks memory, and end it."""
    with subprocess.Popen([sys.executable, "-m", f"{SERVERS}.cache_pressure"], cwd=ROOT) as process:
        try:
            yield
        finally:
            process.kill()
