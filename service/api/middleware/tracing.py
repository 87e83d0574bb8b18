"""One server span per classification request, by the HTTP semantic conventions of OpenTelemetry.

Added only where traces are on. Of what a client sends, only the path of a known route becomes an
attribute.
"""

from collections.abc import Awaitable
from time import perf_counter
from typing import TYPE_CHECKING, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import route_path
from service.observability.request_context import current_request_context
from service.observability.tracing.request_trace import RequestTrace, current_trace

if TYPE_CHECKING:
    from service.observability.tracing.sdk import Tracing

TRACESTATE_HEADER: Final = b"tracestate"
SERVER_ERROR: Final = 500
MAX_PATH_LENGTH: Final = 256
"""Longer ones are cut: a path with a parameter may be as long as the headers."""
MAX_TRACESTATE_LENGTH: Final = 512
"""Longer ones are dropped, as OpenTelemetry does."""


class TracingMiddleware:
    """Inside `InstrumentationMiddleware`, which sets the request context.

    ``routes`` are the paths of the routes that classify; requests to others have no span.
    """

    def __init__(self, app: ASGIApp, tracing: "Tracing", routes: frozenset[str]) -> None:
        self._app = app
        self._end = tracing.end
        self._samples = tracing.sampler.samples
        self._keeps_parent = tracing.keeps_parent
        self._routes = routes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on; if it is sampled, with a span around it."""
        if scope["type"] == "http" and scope["method"] == "POST":
            context = current_request_context.get()
            traceparent = context.traceparent if context and self._keeps_parent else None
            if self._samples(traceparent):
                return self._trace(traceparent, scope, receive, send)
        return self._app(scope, receive, send)

    async def _trace(
        self, traceparent: str | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        state = b",".join(value for name, value in scope["headers"] if name == TRACESTATE_HEADER)
        if len(state) > MAX_TRACESTATE_LENGTH:
            state = b""
        trace = RequestTrace(traceparent, state.decode("latin-1"))
        if context := current_request_context.get():
            current_request_context.set(context._replace(trace_id=trace.trace_id))
        status = SERVER_ERROR  # if the request fails before its response starts
        error: str | None = None

        async def receive_timed() -> Message:
            message = await receive()
            trace.parse_began = perf_counter()
            return message

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                trace.parse_ended(perf_counter())  # if the request was rejected
            await send(message)

        token = current_trace.set(trace)
        try:
            await self._app(scope, receive_timed, send_noted)
        except BaseException as raised:
            error = type(raised).__qualname__  # the message may quote the text
            raise
        finally:
            current_trace.reset(token)
            route = getattr(scope["route"], "path", None)
            if route in self._routes:
                scope["trace_id"] = trace.trace_id
                trace.ended = perf_counter()
                trace.name = f"{scope['method']} {route}"
                trace.attributes |= {
                    "http.request.method": scope["method"],
                    "http.route": route,
                    "http.response.status_code": status,
                    "url.path": route_path(scope)[:MAX_PATH_LENGTH],
                    "url.scheme": scope["scheme"],
                }
                if status >= SERVER_ERROR:
                    trace.attributes["error.type"] = error or str(status)
                self._end(trace)
