"""Browsers of other origins (CORS): pages of the origins that are named may call the service."""

from collections.abc import Collection
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.middleware.instrumentation import InstrumentationMiddleware, RequestObserver

PREFLIGHT: Final = "preflight"
"""Route label of the requests in which a browser asks whether it may send another."""
PREFLIGHT_STATUSES: Final = frozenset({200, 400})
METHODS: Final = ("GET", "HEAD", "POST")
SENT: Final = (
    *("Authorization", "Content-Type", "Inference-Header-Content-Length"),
    *("X-Request-ID", "traceparent"),
)
"""Headers of requests, beside those that browsers always may send."""
EXPOSED: Final = (
    *("X-Request-ID", "Retry-After", "WWW-Authenticate", "Inference-Header-Content-Length"),
)
"""Headers of responses that a page may read."""


class CrossOriginMiddleware:
    """Answers preflights, without a key, and marks other responses as readable by the origins.

    Parameters
    ----------
    app : ASGI application
    origins : collection of str
        Such as ``https://news.example``; ``*`` for every one.
    observer : RequestObserver
        Where preflights are recorded; the application records all others.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str], observer: RequestObserver) -> None:
        self._cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=EXPOSED,
        )
        self._preflight = InstrumentationMiddleware(self._cors, observer, route=PREFLIGHT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass a request on."""
        await (self._preflight if _is_preflight(scope) else self._cors)(scope, receive, send)


def _is_preflight(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    names = {name for name, _ in scope["headers"]}
    return names >= {b"origin", b"access-control-request-method"}
