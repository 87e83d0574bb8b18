"""CORS: pages of allowed origins may call the service."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PREFLIGHT: Final = "preflight"
"""Route label of the requests with which a browser asks for permission."""
PREFLIGHT_STATUSES: Final = frozenset({200, 400})
_PREFLIGHT_HEADERS: Final = frozenset({b"origin", b"access-control-request-method"})


class CrossOriginMiddleware(CORSMiddleware):
    """Starlette's CORSMiddleware, whose preflights have a route label of their own."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,  # such as https://news.example; * for all
            allow_methods=("GET", "HEAD", "POST"),
            # in addition to those that browsers may always send
            allow_headers=(
                *("Authorization", "Content-Type", "Inference-Header-Content-Length"),
                *("X-Request-ID", "traceparent"),
            ),
            # headers of responses that a page may read
            expose_headers=(
                *("X-Request-ID", "Retry-After", "WWW-Authenticate"),
                "Inference-Header-Content-Length",
            ),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a preflight, or pass a request on."""
        if (
            scope["type"] == "http"
            and scope["method"] == "OPTIONS"
            and {name for name, _ in scope["headers"]} >= _PREFLIGHT_HEADERS
        ):
            scope["route"] = SimpleNamespace(path=PREFLIGHT)
        await super().__call__(scope, receive, send)
