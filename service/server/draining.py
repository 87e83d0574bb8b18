"""Graceful shutdown: fail readiness, drain, close the port, finish requests in progress."""

import asyncio
import signal
import socket
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Final

import uvicorn

from service.observability.health import ServiceHealth
from service.reload.watcher import ModelWatcher
from service.server.listeners import count_waiting, drop_new_connections, set_send_timeout

if TYPE_CHECKING:
    from service.server.grpc_server import GrpcServer

ACCEPTS_PER_TURN: Final = 16
"""Connections accepted per turn of the event loop. libuv accepts one per listening socket; under
load, new clients and health checks would wait for seconds."""
CLOSE: Final = (b"connection", b"close")
"""Makes clients with a keep-alive connection reconnect elsewhere, before a request of theirs could
meet the closing of the connection."""


class DrainingServer(uvicorn.Server):
    """A server that keeps serving for a while after a stop signal, as not ready.

    Load balancers notice and stop sending; requests that still come are served and their
    connections closed. Then uvicorn closes the port and finishes the requests in progress.
    A second signal, SIGINT, ends the draining. The watcher runs from the opening of the port until
    the stop signal; SIGHUP requests a check. A response may stay unread for
    ``send_timeout_seconds``. The gRPC port, if there is one, opens before and closes with the port.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        health: ServiceHealth,
        watcher: ModelWatcher,
        *,
        drain_seconds: float,
        send_timeout_seconds: float,
        grpc_server: "GrpcServer | None" = None,
    ) -> None:
        super().__init__(config)
        self._grpc_server = grpc_server
        self._health = health
        self._watcher = watcher
        self._drain_seconds = drain_seconds
        self._send_timeout_seconds = send_timeout_seconds
        self._drained_at: float | None = None
        self._is_drained = False
        self._n_idle_ticks = 0
        """Ticks since a connection waited to be accepted."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, with a send timeout, on several copies of each socket."""
        if self._grpc_server is not None:
            await self._grpc_server.start()
        if sockets is not None:
            copies = [listener.dup() for listener in sockets for _ in range(ACCEPTS_PER_TURN - 1)]
            sockets = [*sockets, *copies]
        await super().startup(sockets)
        for server in self.servers:
            set_send_timeout(server.sockets, self._send_timeout_seconds)

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

    async def on_tick(self, counter: int) -> bool:
        """Run 10 times a second; return whether to stop serving."""
        if not await super().on_tick(counter):
            return False
        # in place: requests in progress hold this list; uvicorn makes a new one every second
        headers = self.server_state.default_headers
        if CLOSE not in headers:
            headers.append(CLOSE)
        if self._drained_at is None:
            self._watcher.stop()
            self._drained_at = monotonic() + self._drain_seconds
        if not self._is_drained and monotonic() >= self._drained_at:
            self._is_drained = True
            for server in self.servers:
                drop_new_connections(server.sockets)
        elif self._is_drained:
            waiting = any(count_waiting(server.sockets) for server in self.servers)
            self._n_idle_ticks = 0 if waiting else self._n_idle_ticks + 1
        # one more, for the requests of the connections that were accepted last
        return self.force_exit or self._n_idle_ticks > 1

    async def main_loop(self) -> None:
        """Serve until drained; watch for models until the stop signal."""
        loop = asyncio.get_running_loop()

        def request_check(sig: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._watcher.request_check)

        # no handler of the loop: it would be removed with the loop, and SIGHUP would kill
        signal.signal(signal.SIGHUP, request_check)
        try:
            self._watcher.start(loop.call_soon_threadsafe)
            await super().main_loop()
        finally:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
