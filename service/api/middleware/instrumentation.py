"""Counts, times and logs every request, and sets the headers that every response has.

The headers follow the REST Security Cheat Sheet of OWASP: browsers do not guess the type, caches do
not keep the response, and pages of other origins cannot read it, unless
`service.api.middleware.cors` allows them. Strict-Transport-Security is set where TLS ends.
"""

import logging
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.observability.metrics import ServiceMetrics
from service.observability.request_context import REQUEST_ID_HEADER, begin_request_context

DEFAULT_HEADERS: Final = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
]
"""Headers of a response that does not set its own, as the pages do."""
UNMATCHED: Final = "unmatched"
"""Route label of requests that match no route; their paths would be unbounded."""

logger = logging.getLogger(__name__)


class InstrumentationMiddleware:
    """The outermost middleware. HEAD is passed on as GET; the server leaves out the body.

    The application sets its route in ``scope["route"]``, whose ``path`` labels the metrics, and
    ``scope["trace_id"]`` if a trace of the request is sampled.
    """

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics, *, access_log: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; record the status of its response and the duration."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        scope["route"] = None  # a route of ours, not of an outer application
        status = 500  # if the request fails before its response starts
        request_id = (
            REQUEST_ID_HEADER,
            begin_request_context(scope["headers"]).request_id.encode(),
        )

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                defaults = dict(DEFAULT_HEADERS)
                for name, _ in message["headers"]:
                    defaults.pop(name, None)
                message["headers"] = [*message["headers"], *defaults.items(), request_id]
            await send(message)

        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self._app(inner, receive, send_with_headers)
        finally:
            seconds = perf_counter() - began
            route = getattr(inner.get("route"), "path", UNMATCHED)
            self._metrics.observe_request(
                route=route, status=status, seconds=seconds, trace_id=inner.get("trace_id")
            )
            if self._access_log:
                log_access(scope["method"], route, status, seconds)


def log_access(method: str, route: str, status: int, seconds: float) -> None:
    """Write the line of the access log."""
    fields = {"method": method, "route": route, "status": status, "seconds": round(seconds, 6)}
    logger.info("%s %s %d", method, route, status, extra=fields)
