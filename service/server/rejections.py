"""Responses and log lines for connections that the server rejects."""

import logging
from collections.abc import Iterable
from math import inf
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

TEXTS: Final = {
    400: b"Invalid HTTP request received.",
    408: b"The request was not received in time.",
    431: b"The request headers or trailers are too long.",
    503: b"The service is shutting down. Retry.",
}
LOG_INTERVAL_SECONDS: Final = 1.0
"""At most one log line per interval, since clients can be rejected as fast as they connect."""


def rejection_response(status: int, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a complete response that closes the connection."""
    text = TEXTS[status]
    headers = [
        *default_headers,
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return STATUS_LINE[status] + lines + b"\r\n" + text


class RejectionLog:
    """Logs rejections, at most one line a second."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._logged_at = -inf
        self._n_suppressed = 0

    def log(self, status: int, now: float) -> None:
        """Log a rejection at a monotonic time, or count it for the next line."""
        if now - self._logged_at < LOG_INTERVAL_SECONDS:
            self._n_suppressed += 1
            return
        more = f" ({self._n_suppressed} more since the last line)" if self._n_suppressed else ""
        self._logger.warning("%d %s%s", status, TEXTS[status].decode(), more)
        self._logged_at, self._n_suppressed = now, 0
