"""``make reliability CASE=slow-clients``: 200 slow clients of four kinds beside a normal load.

Latency and CPU time of the normal load must be the same with and without them, in turns. The
service closes each slow connection after a while, and the client connects again.
"""

import asyncio
import contextlib
import http.client
import socket
import threading
import time
from collections import defaultdict
from contextlib import closing
from itertools import count
from statistics import median
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

import typer

from tests.benchmarks.comparison import check_wrk, describe_machine
from tests.benchmarks.harness import Result, Server, load, running
from tests.benchmarks.targets import OURS
from tests.reliability.report import Figure, console, report

BETWEEN_PIECES_SECONDS: Final = 0.5
CONNECTIONS: Final = 8
MAX_CHANGE: Final = 0.1
HEAD: Final = b"POST /classify HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\n"
ASKED_BUT_NOT_READ: Final = 8
ESTABLISHED: Final = 1
"""TCP's state of an open connection, as Linux numbers it."""


class SlowClients:
    """Clients that are slow, each in another way with every connection, until told to stop.

    Parameters
    ----------
    port : int
    n_clients : int

    Attributes
    ----------
    seconds : mapping of str to list of float
        How long each connection lasted until the service cut it, by the way of being slow.
    """

    def __init__(self, port: int, n_clients: int) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self._port = port
        self._n_clients = n_clients
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._run()])
        self._stopped = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        clients = [asyncio.create_task(self._be_slow(number)) for number in range(self._n_clients)]
        await self._stopped.wait()
        for client in clients:
            client.cancel()
        outcomes = await asyncio.gather(*clients, return_exceptions=True)
        for outcome in outcomes:
            assert isinstance(outcome, asyncio.CancelledError), f"a slow client failed: {outcome}"

    async def _be_slow(self, number: int) -> None:
        ways = (self._send_head, self._send_body, self._keep, self._leave_unread)
        for turn in count(number):
            way = ways[turn % len(ways)]
            with socket.socket() as connection:
                connection.settimeout(0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                await self._loop.sock_connect(connection, ("127.0.0.1", self._port))
                began = time.monotonic()
                with contextlib.suppress(ConnectionError):  # so some are cut
                    await way(connection)
                self.seconds[way.__name__.strip("_")].append(time.monotonic() - began)

    async def _send_head(self, connection: socket.socket) -> None:
        await self._send_slowly(connection, HEAD, b"X-Slow: a\r\n")

    async def _send_body(self, connection: socket.socket) -> None:
        head = HEAD + b"Content-Length: 1000000\r\n\r\n"
        await self._send_slowly(connection, head, b'{"text": "oil"' + b" " * 1_000)

    async def _send_slowly(self, connection: socket.socket, first: bytes, piece: bytes) -> None:
        await self._loop.sock_sendall(connection, first)
        while True:
            try:
                async with asyncio.timeout(BETWEEN_PIECES_SECONDS):
                    while await self._loop.sock_recv(connection, 1_024):
                        pass
                    return
            except TimeoutError:
                await self._loop.sock_sendall(connection, piece)

    async def _keep(self, connection: socket.socket) -> None:
        await self._loop.sock_sendall(connection, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        while await self._loop.sock_recv(connection, 1_024):
            pass

    async def _leave_unread(self, connection: socket.socket) -> None:
        request = b"GET /page/page.js HTTP/1.1\r\nHost: a\r\n\r\n"
        await self._loop.sock_sendall(connection, request * ASKED_BUT_NOT_READ)
        while connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED:
            await asyncio.sleep(BETWEEN_PIECES_SECONDS)
            # else it would not learn that the other side is gone
            await self._loop.sock_sendall(connection, b"\r\n")


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    seconds: Annotated[int, typer.Option(min=1, help="How long each load lasts.")] = 8,
    clients: Annotated[int, typer.Option(min=1, help="How many are slow.")] = 200,
) -> None:
    """Load a worker, with and without slow clients, in turns."""
    check_wrk()
    alone: list[Result] = []
    beside: list[Result] = []
    lasted: dict[str, list[float]] = defaultdict(list)
    with running(OURS) as server:
        load(OURS, server, seconds=1, connections=CONNECTIONS)
        for number in range(rounds):
            for slow in (number % 2 == 0, number % 2 == 1):
                if not slow:
                    alone.append(load(OURS, server, seconds=seconds, connections=CONNECTIONS))
                    continue
                with SlowClients(port_of(server), clients) as slow_clients:
                    time.sleep(1)
                    beside.append(load(OURS, server, seconds=seconds, connections=CONNECTIONS))
                    wait_until_cut(slow_clients)
                for way, values in slow_clients.seconds.items():
                    lasted[way] += values
            console.print(f"round {number + 1} of {rounds}", highlight=False)
        parts = urlsplit(server.url)
        with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
            connection.request("GET", "/health/ready")
            ready = connection.getresponse().status
    report(
        f"{clients} slow clients beside {CONNECTIONS} others: {describe_machine()}",
        [
            compare("requests a second", alone, beside, "requests_per_second", sign=-1),
            compare("CPU µs a request", alone, beside, "cpu_microseconds", sign=1),
            Figure(
                "failed",
                f"{sum(r.failed for r in alone + beside)}",
                "0",
                all(r.failed == 0 for r in alone + beside),
            ),
            Figure("ready at the end", str(ready), "200", ready == http.client.OK),
            *(
                Figure(f"cut: {way}", f"{len(values)}, after {median(values):.1f} s (median)")
                for way, values in sorted(lasted.items())
            ),
        ],
    )


def wait_until_cut(clients: SlowClients) -> None:
    """Wait until clients of each way have been cut."""
    ends = time.monotonic() + 30
    while len(clients.seconds) < 4:
        assert time.monotonic() < ends, f"only these were cut: {dict(clients.seconds)}"
        time.sleep(0.1)


def port_of(server: Server) -> int:
    """Return the port of a server."""
    port = urlsplit(server.url).port
    assert port is not None
    return port


def compare(
    name: str, alone: list[Result], beside: list[Result], field: str, *, sign: int
) -> Figure:
    """Hold the medians of two ways against each other; only a change for the worse counts."""
    without, with_them = (
        median(getattr(result, field) for result in results) for results in (alone, beside)
    )
    change = with_them / without - 1
    return Figure(
        name,
        f"{without:,.0f} alone, {with_them:,.0f} beside: {change:+.1%}",
        f"within {MAX_CHANGE:.0%}",
        sign * change <= MAX_CHANGE,
    )


if __name__ == "__main__":
    typer.run(main)
