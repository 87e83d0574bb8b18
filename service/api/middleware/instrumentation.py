"""Names, counts and times every request, whatever becomes of it, and logs it if that is wanted.

It also gives every answer the headers that all have.
"""

import logging
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.middleware.response_headers import add_defaults
from service.observability.metrics import ServiceMetrics
from service.observability.request_context import REQUEST_ID_HEADER, begin_request_context

UNMATCHED: Final = "unmatched"
"""Route label of requests outside our own routes; their addresses would be unbounded."""

logger = logging.getLogger(__name__)


class RequestObserver:
    """Where an answered request is recorded.

    Parameters
    ----------
    metrics : ServiceMetrics
    access_log : bool
        Whether to log a line for each.
    """

    def __init__(self, metrics: ServiceMetrics, *, access_log: bool) -> None:
        self._metrics = metrics
        self._access_log = access_log

    def observe(self, scope: Scope, *, route: str, status: int, seconds: float) -> None:
        """Record a request: its route, the status of its answer and how long that took."""
        self._metrics.observe_request(route=route, status=status, seconds=seconds)
        if self._access_log:
            logger.info(
                "%s %s %d",
                *(scope["method"], route, status),
                extra={
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "seconds": round(seconds, 6),
                },
            )


class InstrumentationMiddleware:
    """Plain ASGI middleware around an app.

    HEAD is passed on as GET: its answer is the same, and the server leaves out the body.

    Parameters
    ----------
    app : ASGI application
    observer : RequestObserver
    route : str
        Label of requests that match no route.
    """

    def __init__(self, app: ASGIApp, observer: RequestObserver, route: str = UNMATCHED) -> None:
        self._app = app
        self._observer = observer
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note the status of the answer and how long it took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        status = 500  # of a request whose handler fails before it answers
        request_id = (
            REQUEST_ID_HEADER,
            begin_request_context(scope["headers"]).request_id.encode(),
        )

        async def name_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*add_defaults(message["headers"]), request_id]
                message = {**message, "headers": headers}
            await send(message)

        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self._app(inner, receive, name_and_note)
        finally:
            route = getattr(inner.get("route"), "path", self._route)
            seconds = perf_counter() - began
            self._observer.observe(scope, route=route, status=status, seconds=seconds)
