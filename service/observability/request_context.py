"""Which request an answer, or a log line, belongs to.

A caller may name its request by ``X-Request-ID`` and its trace by ``traceparent`` (W3C Trace
Context); a request without a name gets one. Answers carry the name back, log lines carry both.
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
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_PROCESS: Final = token_hex(8)
_NUMBERS: Final = count(1)


class RequestContext(NamedTuple):
    """What a request is called."""

    request_id: str
    """The caller's, if it is one; else a name of ours, which no other process gives."""
    traceparent: str | None
    """The caller's, if it is one."""


current_request_context: Final[ContextVar[RequestContext | None]] = ContextVar(
    "current_request_context", default=None
)
"""Of the request that is being answered."""


def begin_request_context(headers: Iterable[tuple[bytes, bytes]]) -> RequestContext:
    """Name a request after its headers, in lower case as ASGI has them; make it the current one."""
    request_id = traceparent = None
    for name, value in headers:
        if name == REQUEST_ID_HEADER and _REQUEST_ID.fullmatch(value):
            request_id = value.decode()
        elif name == TRACEPARENT_HEADER and _TRACEPARENT.fullmatch(value):
            traceparent = value.decode()
    trace = RequestContext(request_id or f"{_PROCESS}-{next(_NUMBERS)}", traceparent)
    current_request_context.set(trace)
    return trace
