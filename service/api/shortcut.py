"""The short way to an endpoint that needs nothing of the framework.

FastAPI takes a request through some ten layers, which cost more than the classification itself. For
an endpoint that reads its request and writes its answer by itself they do two things: they count
the request, and answer its errors. Both are done here.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api.body import MEDIA_TYPE
from service.api.errors import error_response, is_bug
from service.metrics import ServiceMetrics

Endpoint = Callable[[Scope, Receive], Awaitable[bytes]]

OK: Final = 200
_CONTENT_TYPE: Final = (b"content-type", MEDIA_TYPE.encode())


class Shortcut:
    """An ASGI application of one endpoint, which gives JSON.

    Parameters
    ----------
    route : str
        Label of its metrics.
    endpoint : callable
    metrics : ServiceMetrics
    """

    def __init__(self, route: str, endpoint: Endpoint, metrics: ServiceMetrics) -> None:
        self._route = route
        self._endpoint = endpoint
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a bug is answered, and then raised again for the server to log."""
        began = perf_counter()
        status = OK
        try:
            content = await self._endpoint(scope, receive)
            await _send(content, send)
        except Exception as error:
            response: Response = error_response(error)
            status = response.status_code
            await response(scope, receive, send)
            if is_bug(error):
                raise
        finally:
            seconds = perf_counter() - began
            self._metrics.observe_request(route=self._route, status=status, seconds=seconds)


async def _send(content: bytes, send: Send) -> None:
    length = (b"content-length", str(len(content)).encode())
    await send({"type": "http.response.start", "status": OK, "headers": [length, _CONTENT_TYPE]})
    await send({"type": "http.response.body", "body": content})
