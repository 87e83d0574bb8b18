"""Request headers: size limits, and the rules of RFC 9112 (HTTP/1.1) that the parser omits."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import httptools

MAX_HEADER_BYTES: Final = 16_384
"""Of the headers; or of trailers and chunk sizes without a byte of body between them."""
MAX_HEADER_FIELDS: Final = 100
MAX_UNFINISHED_BYTES: Final = 4_194_304
"""Of the incomplete headers of all connections together."""


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


def check_headers(headers: Sequence[tuple[bytes, bytes]], http_version: Callable[[], str]) -> None:
    """Raise ValueError for too many fields, a Host missing or repeated, or an unknown coding.

    RFC 9112, 3.2 and 6.1. Names are in lower case. HTTP/1.0 does not require Host.
    """
    if len(headers) > MAX_HEADER_FIELDS:
        raise ValueError(f"expected at most {MAX_HEADER_FIELDS} header fields, got {len(headers)}")
    names = [name for name, _ in headers]
    if b"transfer-encoding" in names:
        coding = find_header(headers, b"transfer-encoding")
        if coding.strip().lower() != b"chunked":
            raise ValueError("expected the transfer coding chunked")
    n_hosts = names.count(b"host")
    if n_hosts != 1 and (n_hosts or http_version() == "1.1"):
        raise ValueError(f"expected one Host header, got {n_hosts}")


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
