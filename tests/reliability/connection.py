"""A keep-alive connection with little CPU time: the client shares the machine."""

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple, Self

HOST: Final = "127.0.0.1"
TIMEOUT_SECONDS: Final = 30
LIMIT_BYTES: Final = 4_000_000


class Answer(NamedTuple):
    """A response.

    Attributes
    ----------
    status : int
    body : bytes
    closes : bool
        Whether the server said that it closes the connection.
    """

    status: int
    body: bytes
    closes: bool


class NotAnsweredError(Exception):
    """The connection was closed before a byte of the answer came: a client may ask again."""


class CutShortError(Exception):
    """The connection was closed in the middle of an answer."""


class Connection:
    """A connection, opened when it is needed; after an error or a close, the next is a new one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the next request uses an open connection."""
        return self._writer is not None

    async def ask(self, request: bytes) -> Answer:
        """Send a request, as `to_bytes` gives it, and wait for its answer.

        Raises
        ------
        OSError
            If no connection can be made, or if it is reset.
        NotAnsweredError, CutShortError
        """
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await self._ask(request)
        except BaseException:
            self.close()
            raise
        if answer.closes:
            self.close()
        return answer

    async def _ask(self, request: bytes) -> Answer:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                HOST, self._port, limit=LIMIT_BYTES
            )
        self._writer.write(request)
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            status, headers = _parse(head)
            body = await self._reader.readexactly(int(headers.get(b"content-length", b"0")))
        except asyncio.IncompleteReadError as error:
            if error.partial or error.expected:  # the head has no expected length
                raise CutShortError from None
            raise NotAnsweredError from None
        except ConnectionError:
            raise NotAnsweredError from None
        return Answer(status, body, closes=headers.get(b"connection") == b"close")

    def close(self) -> None:
        """Close it, if it is open."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


def to_bytes(
    path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """Return the bytes of a request: a POST if it has a body."""
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def _parse(head: bytes) -> tuple[int, dict[bytes, bytes]]:
    first, *lines = head[:-4].split(b"\r\n")
    pairs = (line.partition(b": ") for line in lines)
    return int(first.split(b" ", 2)[1]), {name.lower(): value for name, _, value in pairs}
