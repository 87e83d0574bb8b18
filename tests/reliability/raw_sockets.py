"""Send raw bytes to the service, and read the responses."""

import socket
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from time import perf_counter
from typing import IO, Any, NamedTuple, Self

PATIENCE_SECONDS = 10


class Answered(NamedTuple):
    """The responses."""

    statuses: tuple[int, ...]
    seconds: float
    """From the first byte sent to the last answer."""


def send_raw(port: int, sent: bytes, n_answers: int) -> Answered:
    """Send bytes on a connection of their own, and read so many answers, or until it is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        began = perf_counter()
        with suppress(ConnectionError):  # the answer may be there before all was sent
            connection.sendall(sent)
        statuses = []
        with connection.makefile("rb") as stream, suppress(HTTPException, ConnectionError):
            for _ in range(n_answers):
                response = HTTPResponse(_Shared(stream))  # type: ignore[arg-type]
                response.begin()
                response.read()
                statuses.append(response.status)
        return Answered(tuple(statuses), perf_counter() - began)


class _Shared:
    """A socket for `http.client`: a stream that it does not close between responses."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def makefile(self, mode: str) -> Self:
        """Return the stream that all responses share."""
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        """Leave the stream to the next answer."""
