"""The port of the metrics: a second server, in one thread, with the time limits of the first."""

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

from service.server.http_protocol import give_up_on_readers

STOP_SECONDS: Final = 1
"""How long scrapes in progress may take to finish when the service stops."""


class MetricsServer:
    """Serves in a thread of its own, so that a scrape does not wait for the service's event loop.

    However many clients connect and send nothing, it stays one thread, and each is disconnected
    after the time that the configuration's protocol allows.

    Parameters
    ----------
    config : uvicorn.Config
        Of the application that `metrics_app` builds.
    listeners : list of socket.socket
    unread_seconds : float
        How long a response may lie unread.
    """

    def __init__(
        self, config: uvicorn.Config, listeners: list[socket.socket], *, unread_seconds: float
    ) -> None:
        config.timeout_graceful_shutdown = STOP_SECONDS
        give_up_on_readers(listeners, unread_seconds)
        self._server = uvicorn.Server(config)
        self._thread = Thread(
            target=self._server.run, args=(listeners,), name="metrics", daemon=True
        )

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port, and wait for scrapes in progress."""
        self._server.should_exit = True
        self._thread.join(2 * STOP_SECONDS)


def metrics_app(registry: CollectorRegistry) -> ASGIApp:
    """Build the application that serves ``/metrics`` and nothing else."""

    async def metrics(request: Request) -> Response:
        """Return every metric, in the text format that the Accept header asks for."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return Starlette(routes=[Route("/metrics", metrics)])
