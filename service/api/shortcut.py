"""The short way to an endpoint that needs nothing of the framework.

FastAPI takes a request through some ten layers, which cost more than the classification itself. For
an endpoint that reads its request and writes its answer by itself they do three things: they name
the request, record it, and answer its errors. All are done here.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api.middleware.instrumentation import RequestObserver
from service.api.middleware.response_headers import DEFAULT_HEADERS, add_defaults
from service.api.parsing import JSON
from service.api.problems import error_response, is_bug
from service.observability.request_context import REQUEST_ID_HEADER, begin_request_context

Endpoint = Callable[[Scope, Receive], Awaitable[bytes]]

OK: Final = 200
FAILED: Final = 500
_CONTENT_TYPE: Final = (b"content-type", JSON.encode())


class Shortcut:
    """An ASGI application of one endpoint, which gives JSON.

    Parameters
    ----------
    route : str
        Label of its metrics.
    endpoint : callable
    observer : RequestObserver
    """

    def __init__(self, route: str, endpoint: Endpoint, observer: RequestObserver) -> None:
        self._route = route
        self._endpoint = endpoint
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a bug is answered, and then raised again for the server to log."""
        began = perf_counter()
        status = FAILED  # of a request that is given up before it is answered
        request_id = begin_request_context(scope["headers"]).request_id
        try:
            content = await self._endpoint(scope, receive)
            status = OK
            await _send(content, request_id, send)
        except Exception as error:
            response: Response = error_response(error)
            status = response.status_code
            request = (REQUEST_ID_HEADER, request_id.encode())
            response.raw_headers = [*add_defaults(response.raw_headers), request]
            await response(scope, receive, send)
            if is_bug(error):
                raise
        finally:
            seconds = perf_counter() - began
            self._observer.observe(scope, route=self._route, status=status, seconds=seconds)


async def _send(content: bytes, request_id: str, send: Send) -> None:
    length = (b"content-length", str(len(content)).encode())
    request = (REQUEST_ID_HEADER, request_id.encode())
    headers = [length, _CONTENT_TYPE, *DEFAULT_HEADERS, request]
    await send({"type": "http.response.start", "status": OK, "headers": headers})
    await send({"type": "http.response.body", "body": content})
