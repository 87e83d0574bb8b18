"""Fast path to the endpoints that classify, and to the health checks.

FastAPI passes a request through some ten layers, which cost more than the classification of a short
text. These endpoints parse their requests and serialise their responses themselves, so they need
none of the layers. FastAPI has routes of the same paths, to describe them in OpenAPI.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.media_type import JSON
from service.api.problems import error_response, is_bug

Respond = Callable[[Scope, Receive], Awaitable[tuple[int, bytes]]]
"""Returns the status and the JSON of the response to a request; raises its errors."""

_CONTENT_TYPE: Final = (b"content-type", JSON.encode())


class FastRoute(NamedTuple):
    """A route that responds with JSON."""

    method: str
    path: str
    respond: Respond


class FastRouter:
    """Dispatches requests to its routes, and those that match none to an application."""

    def __init__(self, routes: Iterable[FastRoute], app: ASGIApp) -> None:
        self._routes = {(route.method, route.path): route for route in routes}
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request; a bug gets 500, and is raised again for the server to log."""
        route = None
        if scope["type"] == "http":
            path: str = scope["path"]
            if root_path := scope.get("root_path"):
                path = path.removeprefix(root_path)
            route = self._routes.get((scope["method"], path))
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        try:
            status, content = await route.respond(scope, receive)
        except Exception as error:
            await error_response(error)(scope, receive, send)
            if is_bug(error):
                raise
            return
        headers = [(b"content-length", str(len(content)).encode()), _CONTENT_TYPE]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
