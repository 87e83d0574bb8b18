"""Stopping so that no request is lost: first not ready, then closed, then gone."""

import asyncio
import signal
import socket
from collections.abc import Callable
from time import monotonic
from types import FrameType
from typing import Any, Final, Protocol

import uvicorn

from service.observability.health import ServiceHealth
from service.server.http_protocol import give_up_on_readers

ACCEPTED_AT_ONCE: Final = 16
"""How many connections are accepted in a turn of the event loop. libuv accepts one for each socket
that listens: under load new clients, health checks among them, would wait for seconds."""
CLOSE: Final = (b"connection", b"close")
"""A header that ends the connection after the answer. Who keeps one learns so that it must leave,
before it could send a request in the moment in which the connection is closed."""


class Reloading(Protocol):
    """What looks for another model while the service runs."""

    def start(self, call_soon: Callable[..., Any]) -> None:
        """Begin."""

    def ask(self) -> None:
        """Look now."""

    def stop(self) -> None:
        """Look no more."""


class DrainingServer(uvicorn.Server):
    """A server that goes on for a while when it is told to stop, saying that it is not ready.

    Whoever shares requests out learns of it in that time, and sends no more. What comes all the
    same is answered, and its connection closed. After that uvicorn closes the port, and finishes
    what is in progress.

    Parameters
    ----------
    config : uvicorn.Config
    health : ServiceHealth
        What the health check says.
    reloader : Reloading
        Works from the opening of the port until the server is told to stop; asked by SIGHUP.
    drain_seconds : float
        How long to go on. Told a second time by SIGINT, it stops at once.
    unread_seconds : float
        How long an answer may lie unread.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        health: ServiceHealth,
        reloader: Reloading,
        *,
        drain_seconds: float,
        unread_seconds: float,
    ) -> None:
        super().__init__(config)
        self._health = health
        self._reloader = reloader
        self._drain_seconds = drain_seconds
        self._unread_seconds = unread_seconds
        self._drained_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, but not for clients that never read."""
        if sockets is not None:
            copies = [listener.dup() for listener in sockets for _ in range(ACCEPTED_AT_ONCE - 1)]
            sockets = [*sockets, *copies]
        await super().startup(sockets)
        for server in self.servers:
            give_up_on_readers(server.sockets, self._unread_seconds)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note a signal that says to stop, and be not ready from that moment."""
        super().handle_exit(sig, frame)
        self._health.mark_draining()

    async def on_tick(self, counter: int) -> bool:
        """Do ten times a second what has to be done; say whether to stop serving."""
        if not await super().on_tick(counter):
            return False
        # into the list that requests in progress have in hand; uvicorn makes a new one each second
        headers = self.server_state.default_headers
        if CLOSE not in headers:
            headers.append(CLOSE)
        if self._drained_at is None:
            self._reloader.stop()
            self._drained_at = monotonic() + self._drain_seconds
        return self.force_exit or monotonic() >= self._drained_at

    async def main_loop(self) -> None:
        """Serve until drained, and look for another model until told to stop."""
        loop = asyncio.get_running_loop()

        def ask(sig: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._reloader.ask)

        # not a handler of the loop: that is taken away with the loop, and SIGHUP kills again
        signal.signal(signal.SIGHUP, ask)
        try:
            self._reloader.start(loop.call_soon_threadsafe)
            await super().main_loop()
        finally:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
