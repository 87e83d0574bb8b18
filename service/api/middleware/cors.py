"""CORS: pages of the origins that are named may call the service."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PREFLIGHT: Final = "preflight"
"""Route label of the requests by which a browser asks whether it may send another."""
PREFLIGHT_STATUSES: Final = frozenset({200, 400})
METHODS: Final = ("GET", "HEAD", "POST")
ALLOWED_HEADERS: Final = (
    *("Authorization", "Content-Type", "Inference-Header-Content-Length"),
    *("X-Request-ID", "traceparent"),
)
"""Of requests, besides those that browsers may always send."""
EXPOSED_HEADERS: Final = (
    *("X-Request-ID", "Retry-After", "WWW-Authenticate", "Inference-Header-Content-Length"),
)
"""Of responses, that a page may read."""


class CrossOriginMiddleware:
    """Starlette's CORSMiddleware, whose preflights have a route label of their own.

    Parameters
    ----------
    app : ASGI application
    origins : collection of str
        Such as ``https://news.example``; ``*`` for every one.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a preflight, or pass a request on."""
        if _is_preflight(scope):
            scope["route"] = SimpleNamespace(path=PREFLIGHT)
        await self._cors(scope, receive, send)


def _is_preflight(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    names = {name for name, _ in scope["headers"]}
    return names >= {b"origin", b"access-control-request-method"}
