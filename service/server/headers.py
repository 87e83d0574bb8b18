"""Request headers: a bound on incomplete ones, and functions that the parser lacks."""

from collections.abc import Iterable
from typing import Final, Protocol

import httptools

MAX_UNFINISHED_BYTES: Final = 4_194_304
"""Bytes of the incomplete headers of all connections together."""


class _Connection(Protocol):
    """A connection with incomplete headers."""

    def close_idle(self) -> None: ...


class UnfinishedHeaders:
    """Bounds the bytes of incomplete headers of all connections by closing the oldest."""

    def __init__(self) -> None:
        self._bytes: dict[_Connection, int] = {}  # by connection, the oldest first
        self.total = 0

    def count(self, connection: _Connection, n_bytes: int) -> None:
        """Set how many header bytes a connection has sent by now."""
        self.total += n_bytes - self._bytes.get(connection, 0)
        self._bytes[connection] = n_bytes
        while self.total > MAX_UNFINISHED_BYTES:
            oldest = next(iter(self._bytes))
            self.forget(oldest)
            oldest.close_idle()

    def forget(self, connection: _Connection) -> None:
        """Remove a connection whose headers are complete, or that has ended."""
        self.total -= self._bytes.pop(connection, 0)


def find_header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """Return the value of the first header of a lower-case name; empty if there is none."""
    return next((value for each, value in headers if each == name), b"")


def normalize_target(target: bytes) -> bytes:
    """Return a request target, with the path ``/`` if it has none (RFC 9112, 3.2.2)."""
    url = httptools.parse_url(target)
    if url.path or not url.host:
        return target
    authority, mark, query = target.partition(b"?")
    return authority + b"/" + mark + query
