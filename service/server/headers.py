"""The heads of requests: how long they may be, and what makes them valid.

Rules of RFC 9112, "HTTP/1.1", that the parser leaves to others.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import httptools

MAX_HEAD_BYTES: Final = 16_384
"""Of a head, or of the trailers and the sizes of chunks without a byte of body between them."""
MAX_FIELDS: Final = 100
"""How many header fields a head may have."""
MAX_UNFINISHED_BYTES: Final = 4_194_304
"""Of the heads of all connections together that are not whole."""


class Connection(Protocol):
    """What waits for the rest of a head."""

    def cut(self) -> None:
        """End it."""


class UnfinishedHeads:
    """Counts the bytes of heads that are not whole; too many, and the oldest are cut.

    Attributes
    ----------
    total : int
        Bytes, of all connections.
    """

    def __init__(self) -> None:
        self._bytes: dict[Connection, int] = {}
        """Of each connection; the one that began first comes first."""
        self.total = 0

    def count(self, connection: Connection, n_bytes: int) -> None:
        """Note how long the head of a connection is by now."""
        self.total += n_bytes - self._bytes.get(connection, 0)
        self._bytes[connection] = n_bytes
        while self.total > MAX_UNFINISHED_BYTES:
            oldest = next(iter(self._bytes))
            self.forget(oldest)
            oldest.cut()

    def forget(self, connection: Connection) -> None:
        """Count a head no more: it is whole, or its connection has ended."""
        self.total -= self._bytes.pop(connection, 0)


def check_head(headers: Sequence[tuple[bytes, bytes]], http_version: Callable[[], str]) -> None:
    """Check a head by RFC 9112: not too many fields, one Host (3.2), a known transfer coding (6.1).

    HTTP/1.0 may do without Host.

    Parameters
    ----------
    headers : sequence of pairs of bytes
        Names in lower case, and values.
    http_version : callable

    Raises
    ------
    ValueError
    """
    if len(headers) > MAX_FIELDS:
        raise ValueError(f"expected at most {MAX_FIELDS} header fields, got {len(headers)}")
    names = [name for name, _ in headers]
    if b"transfer-encoding" in names:
        coding = find_header(headers, b"transfer-encoding")
        if coding.strip().lower() != b"chunked":
            raise ValueError("expected no transfer coding but chunked")
    n_hosts = names.count(b"host")
    if n_hosts != 1 and (n_hosts or http_version() == "1.1"):
        raise ValueError(f"expected one Host header, got {n_hosts}")


def find_header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """Return the first header of a name in lower case; empty if there is none."""
    return next((value for each, value in headers if each == name), b"")


def with_path(target: bytes) -> bytes:
    """Return a request target, with the path ``/`` if it has none (RFC 9112, 3.2.2).

    Raises
    ------
    httptools.HttpParserInvalidURLError
        If it is not a target.
    """
    url = httptools.parse_url(target)
    if url.path or not url.host:
        return target
    authority, mark, query = target.partition(b"?")
    return authority + b"/" + mark + query
