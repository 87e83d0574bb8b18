"""The short way to the endpoints that classify.

FastAPI passes a request through some ten layers, which cost more than the classification of a short
text. These endpoints parse their requests and serialise their responses themselves, so they need
none of the layers. FastAPI has routes of the same paths, which describe them for OpenAPI.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.media_type import JSON
from service.api.problems import error_response, is_bug

Respond = Callable[[Scope, Receive], Awaitable[bytes]]
"""From a request to the JSON of its response; errors are raised."""

OK: Final = 200
_CONTENT_TYPE: Final = (b"content-type", JSON.encode())


class FastRoute:
    """A POST route that responds with JSON.

    Parameters
    ----------
    path : str
    respond : callable
    """

    def __init__(self, path: str, respond: Respond) -> None:
        self.path = path
        self.respond = respond


class FastRouter:
    """ASGI application that dispatches POST requests to routes, and others to another application.

    Parameters
    ----------
    routes : iterable of FastRoute
    app : ASGI application
    """

    def __init__(self, routes: Iterable[FastRoute], app: ASGIApp) -> None:
        self._routes = {route.path: route for route in routes}
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond; a bug is answered with 500, and raised again for the server to log."""
        route = None
        if scope["type"] == "http" and scope["method"] == "POST":
            path: str = scope["path"]
            if root_path := scope.get("root_path"):
                path = path.removeprefix(root_path)
            route = self._routes.get(path)
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        try:
            content = await route.respond(scope, receive)
        except Exception as error:
            await error_response(error)(scope, receive, send)
            if is_bug(error):
                raise
            return
        headers = [(b"content-length", str(len(content)).encode()), _CONTENT_TYPE]
        await send({"type": "http.response.start", "status": OK, "headers": headers})
        await send({"type": "http.response.body", "body": content})
