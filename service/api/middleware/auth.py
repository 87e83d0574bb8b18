"""API keys: who has none is told so, before anything else of the request is looked at.

A layer around all that answers, so that no address or method is forgotten: what is open is listed.
"""

from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from fastapi import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service.api.middleware.instrumentation import InstrumentationMiddleware, RequestObserver
from service.api.problems import NO_KEY, UnauthorizedError, answer_error

AUTHORIZATION: Final = b"authorization"
CHALLENGE: Final = "Bearer"
OPEN_PATHS: Final = frozenset(
    {"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/openapi.json"}
)
"""What orchestrators ask, and what the interface is."""
OPEN_METHODS: Final = frozenset({"GET", "HEAD"})


class ApiKeys:
    """The keys of those who may ask.

    Parameters
    ----------
    keys : iterable of str
        Several, so that a new one can be given out before the old one is withdrawn.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [sha256(key.encode()).digest() for key in keys]

    def allow(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether ``Authorization: Bearer KEY`` is among the headers, once, with one of the keys.

        How long it takes tells nothing of the keys: digests are compared, in constant time, each
        with every one.
        """
        given = [value for name, value in headers if name == AUTHORIZATION]
        scheme, _, key = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        digest = sha256(key.strip(b" ")).digest()
        equal = [compare_digest(digest, own) for own in self._digests]
        return any(equal) and scheme.lower() == CHALLENGE.lower().encode()


class KeyGate:
    """Says who may ask what, and answers the others.

    Parameters
    ----------
    keys : ApiKeys
    open_paths : frozenset of str
        What may be read without a key.
    templates : iterable of str
        Paths that there are, such as ``/v2/models/{name}``: labels of the refusals' metrics.
    observer : RequestObserver
    """

    def __init__(
        self,
        keys: ApiKeys,
        *,
        open_paths: frozenset[str],
        templates: Iterable[str],
        observer: RequestObserver,
    ) -> None:
        self._keys = keys
        self._open_paths = open_paths
        self._routes = [Route(path, endpoint=_refuse) for path in templates]
        self._answer = InstrumentationMiddleware(self._refuse, observer)

    def is_open(self, method: str, path: str) -> bool:
        """Whether a request needs no key."""
        return method in OPEN_METHODS and path in self._open_paths

    def admits(self, scope: Scope) -> bool:
        """Whether a request may go on."""
        return self.is_open(scope["method"], _path_of(scope)) or self._keys.allow(scope["headers"])

    async def refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may not go on; its body is not read."""
        await self._answer(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _path_of(scope)
        scope["route"] = next((one for one in self._routes if one.path_regex.match(path)), None)
        response = await _refuse(Request(scope))
        await response(scope, receive, send)


async def _refuse(request: Request) -> Response:
    response = await answer_error(request, UnauthorizedError(NO_KEY))
    response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def _path_of(scope: Scope) -> str:
    """Give the path as the routes have it, without the prefix that an outer application has."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
