"""What is said to a client whose connection is refused, and to the operator."""

import logging
from collections.abc import Iterable
from math import inf
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

TEXTS: Final = {
    400: b"Invalid HTTP request received.",
    408: b"The request did not come in time.",
    431: b"The head or the trailers of the request are too long.",
    503: b"The service is stopping. Try again.",
}
LOG_SECONDS: Final = 1.0
"""No more than one line in that time: clients can be refused as fast as they connect."""


def refusal(status: int, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the whole answer, which closes the connection."""
    text = TEXTS[status]
    headers = [
        *default_headers,
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return STATUS_LINE[status] + lines + b"\r\n" + text


class RefusalLog:
    """Logs refusals, one line a second at most.

    Parameters
    ----------
    logger : logging.Logger
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._logged_at = -inf
        self._n_left_out = 0

    def log(self, status: int, now: float) -> None:
        """Log a refusal, or count it for the next line.

        Parameters
        ----------
        status : int
        now : float
            Seconds of a clock that never goes back.
        """
        if now - self._logged_at < LOG_SECONDS:
            self._n_left_out += 1
            return
        more = f" ({self._n_left_out} others since the last line)" if self._n_left_out else ""
        self._logger.warning("%d %s%s", status, TEXTS[status].decode(), more)
        self._logged_at, self._n_left_out = now, 0
