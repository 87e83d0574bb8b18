"""Whose turn it is: requests that go through the framework begin one after the other."""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections import deque
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import answer_error
from service.scheduling.admission import TOO_MANY_REQUESTS
from service.scheduling.errors import OverloadedError

MAX_WAITING: Final = 100
"""How many wait at most, for less than a second; more are told to come later."""
RETRY_AFTER_SECONDS: Final = 1
HEALTH: Final = ("/health/", "/v2/health/")
"""Requests for these do not wait."""


class TurnsMiddleware:
    """Lets one request begin in each turn of the event loop, in the order in which they came.

    Requests for the catalogue, the metrics and the pages take up to eight milliseconds each. If all
    that are there were answered in one turn, the health check and the requests to classify would
    wait for all of them.

    Belongs to one event loop at a time.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._waiting: deque[Future[None]] = deque()
        self._taken: AbstractEventLoop | None = None
        """Loop of which the turn is taken."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when it is its turn, or answer 429 if too many wait."""
        if scope["type"] == "http" and not scope["path"].startswith(HEALTH):
            if len(self._waiting) >= MAX_WAITING:
                error = OverloadedError(TOO_MANY_REQUESTS, RETRY_AFTER_SECONDS)
                response = await answer_error(Request(scope), error)
                await response(scope, receive, send)
                return
            await self._wait()
        await self._app(scope, receive, send)

    async def _wait(self) -> None:
        loop = get_running_loop()
        if self._taken is loop:
            future: Future[None] = loop.create_future()
            self._waiting.append(future)
            await future
        else:
            self._waiting.clear()
            self._taken = loop
            loop.call_soon(self._next)

    def _next(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():  # cancelled while it waited
                future.set_result(None)
                get_running_loop().call_soon(self._next)
                return
        self._taken = None
