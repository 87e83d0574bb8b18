"""The gRPC port: a second server, on the event loop of the first, with its limits.

Imported only where ``NEWSWIRE_GRPC_PORT`` is set.
"""

import logging
from asyncio import create_task, wait
from collections.abc import Callable, Sequence
from typing import Final

import grpc

from service.api.grpc.calls import Calls
from service.api.grpc.health import HEALTH_SERVICE, MAX_HEALTH_MESSAGES, HealthCalls
from service.api.grpc.message_reader import MessageReader
from service.api.grpc.routes import INFERENCE_SERVICE, inference_handlers
from service.api.grpc.unread import UnreadResponses
from service.app import NewswireApp
from service.scheduling.timeouts import Timeout
from service.settings import ServiceSettings

MAX_CALLS: Final = 250
"""Concurrent calls: those in progress, rejections that are delayed, health checks and watches. gRPC
rejects further ones by itself."""
MAX_STREAMS: Final = 100
"""Concurrent calls of a connection; clients queue further ones."""
PING_SECONDS: Final = 30
"""Interval of pings on a connection with calls, which find clients that are gone."""
NO_COMPRESSION: Final = 1
"""Bits of the algorithms that are accepted: only the lowest, identity. A compressed message is
rejected, as over HTTP: a short one may expand to a long one."""
POLL_SECONDS: Final = 0.1
MESSAGE_OVERHEAD_BYTES: Final = 65_536
"""Bytes of names, shapes and parameters, and of the lengths of the texts."""

logger = logging.getLogger(__name__)
grpc_logger = logging.getLogger("grpc._cython.cygrpc")


class GrpcServer:
    """Serves the Open Inference Protocol and health checks on some addresses."""

    def __init__(
        self, app: NewswireApp, settings: ServiceSettings, addresses: Sequence[str]
    ) -> None:
        self._settings = settings
        self._addresses = addresses
        timeout_seconds = settings.request_timeout_seconds
        places = max(2, settings.max_buffered_bytes // max_message_bytes(settings))
        reader = MessageReader(places, Timeout(timeout_seconds))
        # a reader of their own: health checks need no key, and must leave room for calls with one
        self._health = HealthCalls(
            app.health, MessageReader(MAX_HEALTH_MESSAGES, Timeout(timeout_seconds))
        )
        unread = UnreadResponses(timeout_seconds)
        calls = Calls(app.metrics, app.auth, unread, access_log=settings.access_log)
        inference = inference_handlers(
            calls, app.model, reader, app.admission, app.executor, app.health
        )
        self._handlers = (
            grpc.method_handlers_generic_handler(INFERENCE_SERVICE, inference),
            grpc.method_handlers_generic_handler(HEALTH_SERVICE, self._health.handlers(calls)),
        )

    async def start(self) -> None:
        """Open the port, or raise RuntimeError."""
        grpc_logger.setLevel(logging.CRITICAL)  # it logs each broken connection
        server = grpc.aio.server(
            handlers=self._handlers,
            options=server_options(self._settings),
            maximum_concurrent_rpcs=MAX_CALLS,
        )
        for address in self._addresses:
            server.add_insecure_port(address)
        await server.start()
        self._server = server
        logger.info("serving gRPC at %s", ", ".join(self._addresses))

    async def stop(self, is_forced: Callable[[], bool]) -> None:
        """Close the port, and finish the calls in progress unless the stop is forced."""
        self._health.close()
        stopping = create_task(self._server.stop(self._settings.shutdown_timeout_seconds))
        while not stopping.done():
            if is_forced():
                await self._server.stop(None)
            await wait([stopping], timeout=POLL_SECONDS)


def max_message_bytes(settings: ServiceSettings) -> int:
    """Return the maximum length of a message: that of a text, and of what surrounds it."""
    return settings.max_text_bytes + MESSAGE_OVERHEAD_BYTES


def server_options(settings: ServiceSettings) -> list[tuple[str, int]]:
    """Return the options of gRPC, in milliseconds and bytes."""
    return [
        ("grpc.so_reuseport", 0),  # a port in use is an error
        ("grpc.max_receive_message_length", max_message_bytes(settings)),
        ("grpc.max_concurrent_streams", MAX_STREAMS),
        ("grpc.http2.bdp_probe", 0),  # windows do not grow: little of a waiting message is buffered
        ("grpc.server_handshake_timeout_ms", round(settings.header_timeout_seconds * 1e3)),
        ("grpc.max_connection_idle_ms", settings.keep_alive_seconds * 1_000),
        ("grpc.keepalive_time_ms", PING_SECONDS * 1_000),
        ("grpc.keepalive_timeout_ms", round(settings.request_timeout_seconds * 1e3)),
        ("grpc.compression_enabled_algorithms_bitset", NO_COMPRESSION),
    ]
