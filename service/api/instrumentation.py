"""Counts and times every request, whatever becomes of it."""

from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.metrics import ServiceMetrics

UNMATCHED: Final = "unmatched"
"""Route label of requests outside our own routes; their addresses would be unbounded."""


class RequestMetricsMiddleware:
    """Plain ASGI middleware around an app.

    Parameters
    ----------
    app : ASGI application
    metrics : ServiceMetrics
    """

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note the status of the answer and how long it took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # of a request whose handler fails before it answers

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = perf_counter()
        try:
            await self._app(scope, receive, note_status)
        finally:
            route = getattr(scope.get("route"), "path", UNMATCHED)
            self._metrics.observe_request(
                route=route, status=status, seconds=perf_counter() - began
            )
