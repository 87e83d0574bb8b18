"""The metrics port: a second server, in one thread, with the timeouts of the first."""

import socket
from threading import Thread
from typing import Final

import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from service.server.listeners import set_send_timeout

STOP_SECONDS: Final = 1
"""For scrapes in progress to finish when the service stops."""


class MetricsServer:
    """Serves `metrics_app` in its own thread: a scrape does not wait for the main event loop."""

    def __init__(
        self, config: uvicorn.Config, listeners: list[socket.socket], *, send_timeout_seconds: float
    ) -> None:
        config.timeout_graceful_shutdown = STOP_SECONDS
        set_send_timeout(listeners, send_timeout_seconds)
        self._server = uvicorn.Server(config)
        self._thread = Thread(
            target=self._server.run, args=(listeners,), name="metrics", daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and wait for scrapes in progress."""
        self._server.should_exit = True
        self._thread.join(2 * STOP_SECONDS)


def metrics_app(registry: CollectorRegistry) -> ASGIApp:
    """Build the application that serves ``/metrics`` and nothing else."""

    async def metrics(request: Request) -> Response:
        """Return every metric, in the text format that the Accept header asks for."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return Starlette(routes=[Route("/metrics", metrics)])
