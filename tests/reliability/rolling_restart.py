"""``make reliability CASE=rolling-restart``: replace workers under load, as a rolling update does.

The next worker is ready before the last one is told to stop. There are three kinds of clients:

- *balanced*: a load balancer before the workers checks the readiness of each;
- *leaving*: they keep their connection to a worker, ignore readiness, and turn to the next worker
  when a response closes the connection;
- *staying*: they connect to the same worker again until it is gone, and retry at the next one if a
  connection was closed before the first byte of a response, as every HTTP client may.

The first two never retry: any error is a failed request. For the third, an error after the first
byte, or a second one, is a failed request.
"""

import asyncio
import contextlib
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Annotated, Final

import typer
import uvloop

from tests.end_to_end.running_service import RunningService
from tests.reliability.connection import (
    Connection,
    CutShortError,
    NotAnsweredError,
    to_bytes,
)
from tests.reliability.workload import Asked, mixture

CLIENTS: Final = 3
"""Of each kind."""
PAUSE_SECONDS: Final = 0.005
CHECK_SECONDS: Final = 0.1
"""Interval of the readiness checks; a worker must drain for longer than this."""
DRAIN_SECONDS: Final = 0.5
LOADED_SECONDS: Final = 0.5
"""How long a worker is loaded before it gets the signal."""
EXIT_SECONDS: Final = DRAIN_SECONDS + 8
"""With what NEWSWIRE_SHUTDOWN_TIMEOUT_SECONDS gives to requests in progress."""

HEALTH: Final = to_bytes("/health/ready")
REQUESTS: Final = [(asked, to_bytes(asked.path, asked.body, asked.headers)) for asked in mixture()]


@dataclass
class Tally:
    """Outcomes of the requests of one kind of clients."""

    asked: int = 0
    asked_again: int = 0
    failed: Counter[str] = field(default_factory=Counter)


class Fleet:
    """The workers that there are, the latest last, and the load on them."""

    def __init__(self) -> None:
        self.ports: list[int] = []
        self.tallies = {kind: Tally() for kind in ("balanced", "leaving", "staying")}
        self._ready: list[int] = []
        self._over = asyncio.Event()

    async def look(self) -> None:
        """Check which workers are ready."""
        ready = []
        for port in list(self.ports):
            async with Connection(port) as connection:
                with contextlib.suppress(OSError, NotAnsweredError):
                    if (await connection.ask(HEALTH)).status == 200:
                        ready.append(port)
        self._ready = ready

    def end(self) -> None:
        """Let the clients go."""
        self._over.set()

    async def balance(self) -> None:
        """Check in intervals."""
        while not self._over.is_set():
            await self.look()
            await asyncio.sleep(CHECK_SECONDS)

    async def ask_balanced(self, number: int) -> None:
        """Send a request to the worker that the balancer chooses, over a kept connection."""
        kept: dict[int, Connection] = {}
        async for asked, request in self._requests(number):
            port = self._ready[-1]
            connection = kept.setdefault(port, Connection(port))
            async with self._tallied("balanced", asked) as note:
                note((await connection.ask(request)).status)
        for connection in kept.values():
            connection.close()

    async def ask_leaving(self, number: int) -> None:
        """Send requests to the same worker until it closes the connection."""
        connection = Connection(self.ports[-1])
        async for asked, request in self._requests(number):
            async with self._tallied("leaving", asked) as note:
                answer = await connection.ask(request)
                note(answer.status)
                if answer.closes:
                    connection = Connection(self.ports[-1])
        connection.close()

    async def ask_staying(self, number: int) -> None:
        """Send requests to the same worker until it is gone."""
        connection = Connection(self.ports[-1])
        async for asked, request in self._requests(number):
            async with self._tallied("staying", asked) as note:
                try:
                    answer = await connection.ask(request)
                except (OSError, NotAnsweredError):
                    self.tallies["staying"].asked_again += 1
                    connection = Connection(self.ports[-1])
                    answer = await connection.ask(request)
                note(answer.status)
        connection.close()

    async def _requests(self, number: int) -> AsyncIterator[tuple[Asked, bytes]]:
        """Yield requests with pauses, until the end."""
        first = number * len(REQUESTS) // CLIENTS
        for asked in cycle(REQUESTS[first:] + REQUESTS[:first]):
            if self._over.is_set():
                return
            yield asked
            await asyncio.sleep(PAUSE_SECONDS)

    @asynccontextmanager
    async def _tallied(self, kind: str, asked: Asked) -> AsyncIterator[Callable[[int], None]]:
        """Count a request, and what goes wrong with it; give what takes the status."""
        tally = self.tallies[kind]
        tally.asked += 1

        def note(status: int) -> None:
            if status != asked.status:
                tally.failed[f"{asked.kind}: {status}"] += 1

        try:
            yield note
        except (OSError, NotAnsweredError, CutShortError) as error:
            tally.failed[type(error).__name__] += 1


class Stops:
    """Replaces workers under load.

    Attributes
    ----------
    fleet : Fleet
    statuses : Counter of int
        With which the workers ended.
    seconds : list of float
        From a signal to the end of the process.
    """

    def __init__(self) -> None:
        self.fleet = Fleet()
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []

    async def run(self, signals: list[signal.Signals]) -> None:
        """Stop a worker by each of the signals, the next being there."""
        fleet = self.fleet
        with ExitStack() as services:
            current = await self._start(services)
            async with asyncio.TaskGroup() as group:
                group.create_task(fleet.balance())
                for number in range(CLIENTS):
                    group.create_task(fleet.ask_balanced(number))
                    group.create_task(fleet.ask_leaving(number))
                    group.create_task(fleet.ask_staying(number))
                for sent in signals:
                    following = await self._start(services)
                    await asyncio.sleep(LOADED_SECONDS)
                    await self._stop(current, sent)
                    current = following
                fleet.end()

    async def _start(self, services: ExitStack) -> RunningService:
        service = RunningService(
            NEWSWIRE_DRAIN_SECONDS=str(DRAIN_SECONDS), NEWSWIRE_LOG_LEVEL="warning"
        )
        await asyncio.to_thread(services.enter_context, service)
        self.fleet.ports.append(service.port)
        await self.fleet.look()
        return service

    async def _stop(self, service: RunningService, sent: signal.Signals) -> None:
        began = time.monotonic()
        status = await asyncio.to_thread(service.stop, sent)
        self.seconds.append(time.monotonic() - began)
        self.statuses[status] += 1
        self.fleet.ports.remove(service.port)

    def report(self) -> list[str]:
        """Return the lines of the report."""
        lines = [
            f"{sum(self.statuses.values())} stops, exit statuses {dict(self.statuses)}, "
            f"{max(self.seconds):.2f} s from the signal to the end at the longest"
        ]
        for kind, tally in self.fleet.tallies.items():
            lines.append(
                f"{kind} clients: {tally.asked:,} requests, {tally.asked_again} asked again, "
                f"{tally.failed.total()} failed {dict(tally.failed) or ''}".rstrip()
            )
        return lines

    @property
    def holds(self) -> bool:
        """Return whether no request failed."""
        failed = sum(tally.failed.total() for tally in self.fleet.tallies.values())
        return not failed and set(self.statuses) == {0} and max(self.seconds) <= EXIT_SECONDS


def main(
    terminations: Annotated[int, typer.Option(min=0, help="How many by SIGTERM.")] = 50,
    interrupts: Annotated[int, typer.Option(min=0, help="How many by SIGINT.")] = 5,
) -> None:
    """Replace workers under load."""
    stops = Stops()
    signals = [signal.SIGTERM] * terminations + [signal.SIGINT] * interrupts
    uvloop.run(stops.run(signals))
    typer.echo("\n".join(stops.report()))
    sys.exit(0 if stops.holds else 1)


if __name__ == "__main__":
    typer.run(main)
