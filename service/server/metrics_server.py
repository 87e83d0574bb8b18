"""The metrics port: a second server, in one thread, with the timeouts of the first."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final

import uvicorn
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from service.api.routes.operations import METRICS_PATH, metrics_endpoint

STOP_SECONDS: Final = 1  # for scrapes in progress to finish when the service stops


@contextmanager
def metrics_server(config: uvicorn.Config, listeners: list[socket.socket]) -> Iterator[None]:
    """Serve in a thread until the end: a scrape does not wait for the main event loop."""
    config.timeout_graceful_shutdown = STOP_SECONDS
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=(listeners,), name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(2 * STOP_SECONDS)


def metrics_app(registry: CollectorRegistry) -> ASGIApp:
    """Build the application that serves ``/metrics`` and nothing else."""
    return Starlette(routes=[Route(METRICS_PATH, metrics_endpoint(registry))])
