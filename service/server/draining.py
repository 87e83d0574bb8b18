"""Graceful shutdown: fail readiness, drain, close the port, finish requests in progress."""

import asyncio
import signal
import socket
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.observability.health import ServiceHealth
from service.reload.watcher import ModelWatcher
from service.server.listeners import drop_new_connections, has_waiting

if TYPE_CHECKING:
    from service.server.grpc_server import GrpcServer

ACCEPTS_PER_TURN: Final = 16
"""Connections accepted per turn of the event loop. libuv accepts one per listening socket; under
load, new clients and health checks would wait for seconds."""
TICK_SECONDS: Final = 0.1
CLOSE: Final = (b"connection", b"close")
"""Makes clients with a keep-alive connection reconnect elsewhere, before a request of theirs could
meet the closing of the connection."""


class DrainingServer(uvicorn.Server):
    """A server that keeps serving for a while after a stop signal, as not ready.

    Load balancers notice and stop sending; requests that still arrive are served and their
    connections closed. Then uvicorn closes the port and finishes the requests in progress.
    A second signal, SIGINT, ends the draining. The watcher runs from the opening of the port until
    the stop signal; SIGHUP requests a check. The gRPC port, if there is one, opens before the
    HTTP port and closes with it.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        health: ServiceHealth,
        watcher: ModelWatcher,
        *,
        drain_seconds: float,
        grpc_server: "GrpcServer | None" = None,
    ) -> None:
        super().__init__(config)
        self._grpc_server = grpc_server
        self._health = health
        self._watcher = watcher
        self._drain_seconds = drain_seconds
        self._listeners: list[socket.socket] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on several copies of each socket."""
        if self._grpc_server is not None:
            await self._grpc_server.start()
        self._listeners = sockets or []
        copies = [item.dup() for item in self._listeners for _ in range(ACCEPTS_PER_TURN - 1)]
        await super().startup([*self._listeners, *copies])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the ports and finish the requests in progress."""
        if self._grpc_server is None:
            await super().shutdown(sockets)
        else:
            await asyncio.gather(
                super().shutdown(sockets), self._grpc_server.stop(lambda: self.force_exit)
            )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a stop signal; the service is not ready from now on."""
        super().handle_exit(sig, frame)
        self._health.mark_draining()

    async def main_loop(self) -> None:
        """Serve until drained; watch for models until the stop signal."""
        loop = asyncio.get_running_loop()

        def request_check(sig: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._watcher.request_check)

        # not a handler of the loop: it would be removed with the loop, and SIGHUP would kill
        signal.signal(signal.SIGHUP, request_check)
        try:
            self._watcher.start(loop.call_soon_threadsafe)
            await super().main_loop()
            self._watcher.stop()
            await self._drain()
        finally:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def _drain(self) -> None:
        """Serve for the drain time, then accept what waits; responses close their connections."""
        for connection in self.server_state.connections:
            if isinstance(connection, HttpToolsProtocol) and connection.cycle is not None:
                connection.cycle.keep_alive = False  # after the request in progress
        ends = monotonic() + self._drain_seconds
        while monotonic() < ends and not self.force_exit:
            await self._serve_and_close()
        drop_new_connections(self._listeners)
        n_idle_ticks = 0
        # two, for the requests of the connections that were accepted last
        while n_idle_ticks < 2 and not self.force_exit:
            await self._serve_and_close()
            n_idle_ticks = 0 if has_waiting(self._listeners) else n_idle_ticks + 1

    async def _serve_and_close(self) -> None:
        await super().on_tick(0)  # makes the default headers anew
        self.server_state.default_headers.append(CLOSE)
        await asyncio.sleep(TICK_SECONDS)
