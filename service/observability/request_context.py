"""Request ids and trace context (W3C ``traceparent``) of responses and log lines.

A request without a valid ``X-Request-ID`` gets an id. Responses carry the id, log lines both.
"""

import re
from collections.abc import Iterable
from contextvars import ContextVar
from itertools import count
from secrets import token_hex
from typing import Final, NamedTuple

REQUEST_ID_HEADER: Final = b"x-request-id"
TRACEPARENT_HEADER: Final = b"traceparent"

_REQUEST_ID: Final = re.compile(rb"[\w.:/+=@-]{1,128}", re.ASCII)
_TRACEPARENT: Final = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_PROCESS: Final = token_hex(8)
_NUMBERS: Final = count(1)


class RequestContext(NamedTuple):
    """The ids of a request."""

    request_id: str  # the client's if valid, else a globally unique one
    traceparent: str | None  # the client's if valid
    trace_id: str | None = None  # id of a sampled trace, where traces are on


current_request_context: Final[ContextVar[RequestContext | None]] = ContextVar(
    "current_request_context", default=None
)


def begin_request_context(headers: Iterable[tuple[bytes, bytes]]) -> RequestContext:
    """Set and return the current context from ASGI headers."""
    request_id = traceparent = None
    for name, value in headers:
        if name == REQUEST_ID_HEADER and _REQUEST_ID.fullmatch(value):
            request_id = value.decode()
        elif name == TRACEPARENT_HEADER and _TRACEPARENT.fullmatch(value):
            traceparent = value.decode()
    context = RequestContext(request_id or f"{_PROCESS}-{next(_NUMBERS)}", traceparent)
    current_request_context.set(context)
    return context
