"""Pacing: FastAPI starts one request in each turn of the event loop, first in, first out.

Requests for metrics, the model and the pages take up to 8 ms each, the first one for the OpenAPI
document 0.1 s. Processed in one turn, all that have arrived would delay health checks and requests
to classify.
"""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections import deque
from collections.abc import Sequence
from typing import Final

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import error_response, match_route
from service.scheduling.admission import TOO_MANY_REQUESTS
from service.scheduling.errors import OverloadedError

MAX_WAITING: Final = 100
"""Requests that may wait, for less than a second; further ones get 429."""
RETRY_AFTER_SECONDS: Final = 1


class PacingMiddleware:
    """Belongs to one event loop at a time. The routes label the metrics of rejected requests."""

    def __init__(self, app: ASGIApp, routes: Sequence[Route] = ()) -> None:
        self._app = app
        self._routes = routes
        self._waiting: deque[Future[None]] = deque()
        self._started_on: AbstractEventLoop | None = None
        """Loop that has started a request in its current turn."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on in its turn, or respond with 429 if too many wait."""
        if scope["type"] == "http":
            if len(self._waiting) >= MAX_WAITING:
                scope["route"] = match_route(self._routes, scope)
                error = OverloadedError(TOO_MANY_REQUESTS, RETRY_AFTER_SECONDS)
                await error_response(error, scope)(scope, receive, send)
                return
            await self._wait()
        await self._app(scope, receive, send)

    async def _wait(self) -> None:
        loop = get_running_loop()
        if self._started_on is loop:
            future: Future[None] = loop.create_future()
            self._waiting.append(future)
            await future
        else:
            self._waiting.clear()
            self._started_on = loop
            loop.call_soon(self._next)

    def _next(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():  # cancelled while it waited
                future.set_result(None)
                get_running_loop().call_soon(self._next)
                return
        self._started_on = None
