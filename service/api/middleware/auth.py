"""API keys: a request without a valid key is rejected before its body is read.

The middleware wraps all routes, so that none is forgotten; the open ones are listed.
"""

from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.errors import UnauthorizedError
from service.api.problems import NO_KEY, error_response, match_route, route_path

CHALLENGE: Final = "Bearer"


class ApiKeyMiddleware:
    """Passes requests with a valid key on, and rejects others with 401; their body is not read.

    There may be several keys, so that a new one can be handed out before an old one is withdrawn.
    Open paths need no key. The routes label the metrics of rejected requests.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: Iterable[str],
        *,
        open_paths: frozenset[str],
        routes: Iterable[Route],
    ) -> None:
        self._app = app
        self._digests = [sha256(key.encode()).digest() for key in keys]
        self._open_paths = open_paths
        self._routes = list(routes)

    def is_open(self, method: str, path: str) -> bool:
        """Whether a request needs no key."""
        return method in ("GET", "HEAD") and path in self._open_paths

    def has_valid_key(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether there is one header ``Authorization: Bearer KEY``, with a valid key.

        The duration reveals nothing of the keys: digests are compared in constant time,
        with every key.
        """
        given = [value for name, value in headers if name == b"authorization"]
        scheme, _, key = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        digest = sha256(key.strip(b" ")).digest()
        equal = [compare_digest(digest, own) for own in self._digests]
        return any(equal) and scheme.lower() == CHALLENGE.lower().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or reject it."""
        if (
            scope["type"] != "http"
            or self.is_open(scope["method"], route_path(scope))
            or self.has_valid_key(scope["headers"])
        ):
            await self._app(scope, receive, send)
            return
        scope["route"] = match_route(self._routes, scope)
        response = error_response(UnauthorizedError(NO_KEY), scope)
        response.headers["WWW-Authenticate"] = CHALLENGE
        await response(scope, receive, send)
