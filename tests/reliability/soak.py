"""``make reliability CASE=soak``: half an hour of mixed requests at 80 % of the capacity.

Memory must not grow, file descriptors and threads must stay the same, and every response must be as
expected. A request is due at a fixed time, and its latency counts from then (no coordinated
omission).
"""

import asyncio
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import numpy as np
import typer
import uvloop

from tests.benchmarks.harness import Server, running
from tests.benchmarks.targets import OURS
from tests.reliability.connection import (
    HOST,
    Connection,
    CutShortError,
    NotAnsweredError,
    to_bytes,
)
from tests.reliability.workload import Asked, mixture

CONNECTIONS: Final = 8
LOAD: Final = 0.8
STRETCHES: Final = 30
"""The run is divided into so many, with a line for each."""
WARM: Final = 5
"""Stretches until memory is compared; as many have a p99 together."""
CAPACITY_SECONDS: Final = 10.0
SCRAPE_SECONDS: Final = 15
LATE_SECONDS: Final = 1.0
"""A client that is later than this leaves out what it did not get to, and says how much."""


@dataclass
class Stretch:
    """Figures of a part of the run.

    Attributes
    ----------
    latencies : list of float
        Seconds from when a request was due to its answer.
    unexpected : Counter of str
        Answers of another status than expected, and requests without one.
    left_out : int
        Requests that were due and not sent, for the clients were behind.
    megabytes : list of float
        Proportional set size of the worker, about once a second. What other programs share counts
        less while they run, and more when they end.
    own_megabytes : list of float
        Anonymous memory: what no other program shares, and where a leak would show. It is compared.
    descriptors, threads : list of int
    health : list of float
        Seconds that a health check took.
    cpu_seconds : float
        Of the worker.
    """

    latencies: list[float] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    megabytes: list[float] = field(default_factory=list)
    own_megabytes: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0


class Soak:
    """A worker, the clients that load it, and what is seen.

    Parameters
    ----------
    server : Server
    stretch_seconds : float
    """

    def __init__(self, server: Server, stretch_seconds: float) -> None:
        self._server = server
        self._port = urlsplit(server.url).port or 0
        self.stretch_seconds = stretch_seconds
        self._requests = [
            (asked, to_bytes(asked.path, asked.body, asked.headers)) for asked in mixture()
        ]
        self.stretches = [Stretch() for _ in range(STRETCHES)]

    async def capacity(self) -> float:
        """Return the capacity in requests per second: clients make no pause."""
        began = time.monotonic()
        clients = (self._ask_until(began + CAPACITY_SECONDS, n) for n in range(CONNECTIONS))
        return sum(await asyncio.gather(*clients)) / (time.monotonic() - began)

    async def _ask_until(self, ends: float, number: int) -> int:
        done = 0
        async with Connection(self._port) as connection:
            for asked, request in self._in_turn(number):
                if time.monotonic() > ends:
                    break
                await outcome(connection, asked, request)
                done += 1
        return done

    async def run(self, rate: float) -> AsyncIterator[Stretch]:
        """Load the worker with so many requests a second; give each stretch when it is over."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(self._load(number, began, rate))
            group.create_task(asyncio.to_thread(self._watch, began))
            for number, stretch in enumerate(self.stretches, 1):
                cpu_seconds = self._server.cpu_seconds()
                await _until(began + number * self.stretch_seconds)
                stretch.cpu_seconds = self._server.cpu_seconds() - cpu_seconds
                self._sample(stretch)
                yield stretch

    def _in_turn(self, number: int) -> Iterator[tuple[Asked, bytes]]:
        first = number * len(self._requests) // CONNECTIONS
        return cycle(self._requests[first:] + self._requests[:first])

    def _at(self, began: float) -> Stretch | None:
        """Return the current stretch, None after the last."""
        position = int((time.monotonic() - began) / self.stretch_seconds)
        return self.stretches[position] if position < STRETCHES else None

    async def _load(self, number: int, began: float, rate: float) -> None:
        """Send a share of the requests, each when it is due."""
        pause = CONNECTIONS / rate
        due = began + number / rate
        async with Connection(self._port) as connection:
            for asked, request in self._in_turn(number):
                await _until(due)
                stretch = self._at(began)
                if stretch is None:
                    break
                came = await outcome(connection, asked, request)
                if came != str(asked.status):
                    stretch.unexpected[f"{asked.kind}: {came}"] += 1
                behind = time.monotonic() - due
                stretch.latencies.append(behind)
                missed = int(behind / pause) if behind > LATE_SECONDS else 0
                stretch.left_out += missed
                due += pause * (1 + missed)

    def _watch(self, began: float) -> None:
        """Check health and process each second; scrape the metrics now and then."""
        second = 0
        while stretch := self._at(began):
            asked = time.monotonic()
            self._look(stretch, "/health/ready")
            stretch.health.append(time.monotonic() - asked)
            if second % SCRAPE_SECONDS == 0:
                self._look(stretch, "/metrics")
            self._sample(stretch)
            second += 1
            time.sleep(max(0, began + second - time.monotonic()))

    def _sample(self, stretch: Stretch) -> None:
        process = Path("/proc") / str(self._server.pid)
        stretch.megabytes.append(self._server.memory_megabytes())
        stretch.own_megabytes.append(self._server.own_megabytes())
        stretch.descriptors.append(len(list((process / "fd").iterdir())))
        stretch.threads.append(len(list((process / "task").iterdir())))

    def _look(self, stretch: Stretch, path: str) -> None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self._port}{path}", timeout=30) as answer:
                answer.read()
        except OSError as error:
            stretch.unexpected[f"{path}: {error}"] += 1


async def outcome(connection: Connection, asked: Asked, request: bytes) -> str:
    """Send a request, and return its status or its error."""
    try:
        return str((await connection.ask(request)).status)
    except (OSError, NotAnsweredError, CutShortError) as error:
        return type(error).__name__


async def _until(moment: float) -> None:
    if (pause := moment - time.monotonic()) > 0:
        await asyncio.sleep(pause)


def broken(stretches: Sequence[Stretch], most_growth: float) -> list[str]:
    """Return the bounds that do not hold."""
    warm, last = stretches[WARM], stretches[-1]
    unexpected = sum((stretch.unexpected for stretch in stretches), Counter[str]())
    grown = growth(stretches)
    found = [f"{number} times {what}" for what, number in unexpected.items()]
    if grown > most_growth:
        found.append(f"memory grew by {grown:.2%}, at most {most_growth:.0%} may be")
    for name in ("descriptors", "threads"):
        before, after = (int(np.median(getattr(seen, name))) for seen in (warm, last))
        if after > before:
            found.append(f"{name}: from {before} to {after}")
    return found


def growth(stretches: Sequence[Stretch]) -> float:
    """Return the growth of memory after the warm-up."""
    before, after = (np.median(stretches[at].own_megabytes) for at in (WARM, -1))
    return float(after / before - 1)


def describe(number: int, stretch: Stretch, seconds: float) -> str:
    """Return the line of a stretch."""
    p99 = np.quantile(stretch.latencies or [np.nan], 0.99) * 1e3
    return (
        f"{number:2}: {len(stretch.latencies) / seconds:,.0f} requests/s, "
        f"CPU {stretch.cpu_seconds / seconds:.0%}, {np.median(stretch.megabytes):.1f} MB, "
        f"{np.median(stretch.own_megabytes):.1f} of its own, "
        f"{max(stretch.descriptors)} descriptors, {max(stretch.threads)} threads, "
        f"p99 {p99:.1f} ms, health at most {max(stretch.health, default=np.nan) * 1e3:.0f} ms, "
        f"{stretch.unexpected.total()} unexpected, {stretch.left_out} left out"
    )


async def watched(soak: Soak) -> list[Stretch]:
    """Run it, and print each stretch when it is over."""
    capacity = await soak.capacity()
    typer.echo(f"{capacity:,.0f} requests/s at most, {LOAD:.0%} of them from now on")
    number = 0
    async for stretch in soak.run(LOAD * capacity):
        number += 1
        typer.echo(describe(number, stretch, soak.stretch_seconds))
    return soak.stretches


def main(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long, of all.")] = 30.0,
    most_growth: Annotated[float, typer.Option(help="Of memory, after a sixth of it.")] = 0.02,
) -> None:
    """Load a worker with mixed requests for long, and see that it stays as it is."""
    with running(OURS) as server:
        stretches = uvloop.run(watched(Soak(server, minutes * 60 / STRETCHES)))
    for first in range(0, STRETCHES, WARM):
        together = np.concatenate([s.latencies for s in stretches[first : first + WARM]])
        p50, p99 = np.quantile(together, [0.5, 0.99]) * 1e3
        typer.echo(f"{first + 1:2} to {first + WARM}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    sent = sum(len(stretch.latencies) for stretch in stretches)
    typer.echo(f"{sent:,} requests, memory {growth(stretches):+.2%}")
    if found := broken(stretches, most_growth):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    typer.run(main)
