"""HTTP/1.1 as uvicorn speaks it, with limits for clients that are slow where no request is yet.

What the application waits for, a body or its turn, it limits itself (`service.api.deadline`). It
does not see a head that is not whole, nor the rest of a body that it has refused: these are cut
here. Uvicorn itself closes a connection that is kept and not used, and the kernel is told to give
up on a client that does not read its answer.

Nothing is timed while requests are answered: each connection looks at itself about once a second,
and is cut if it still waits for what it waited for long ago.
"""

import socket
from asyncio import TimerHandle, Transport
from collections.abc import Iterable
from typing import ClassVar, Final

from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.transport import JoiningTransport

MAX_HEAD_BYTES: Final = 65_536
"""How long a head may be; one that came at once, in up to 256 kB, is not looked at."""
LOOKS: Final = 5
"""How often a connection is looked at in the time that it has."""
TEXTS: Final = {
    408: b"The head of the request did not come in time.",
    431: b"The head of the request is too long.",
}


class LimitedProtocol(HttpToolsProtocol):
    """A connection that is cut if it does not get on."""

    header_timeout_seconds: ClassVar[float]
    """How long a head may take, from connecting on; and how long what is left of a body may go on
    after its request was answered."""

    _look_task: TimerHandle | None = None
    _waits_after: HTTPScope | None = None
    _waits_in_head: bool = False
    _waits_since: float | None = None
    _head_bytes: int = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to look."""
        self._joining = JoiningTransport(transport)
        super().connection_made(self._joining)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more, and write nothing more."""
        self._joining.drop()
        super().connection_lost(exc)
        if self._look_task is not None:
            self._look_task.cancel()

    def data_received(self, data: bytes) -> None:
        """Read data, but no endless head."""
        HttpToolsProtocol.data_received(self, data)  # super() takes longer
        if self.scope is not None and "method" not in self.scope:
            self._head_bytes += len(data)  # type: ignore[unreachable]
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431)
        elif self._head_bytes:
            self._head_bytes = 0

    def on_response_complete(self) -> None:
        """Write what is kept of an answer that has no body, then go on to the next request."""
        self._joining.flush()
        super().on_response_complete()

    def _look(self) -> None:
        """See whether the connection still waits for the same, and for how long."""
        now = self.loop.time()
        in_head = self._has_begun_head()
        if self._is_answering() or self.timeout_keep_alive_task is not None:
            self._waits_since = None  # the application, and uvicorn, see to that
        elif (
            self._waits_since is None
            or self._waits_after is not self.scope
            or self._waits_in_head is not in_head
        ):
            self._waits_since = now
        elif now - self._waits_since >= self.header_timeout_seconds:
            self._cut()
        self._waits_after, self._waits_in_head = self.scope, in_head
        self._look_task = self.loop.call_later(self.header_timeout_seconds / LOOKS, self._look)

    def _cut(self) -> None:
        if self._has_begun_head():
            self._refuse(408)
        else:
            self.transport.close()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _has_begun_head(self) -> bool:
        return self.scope is not None and "method" not in self.scope

    def _refuse(self, status: int) -> None:
        """Say why, and close; nothing is said before the answer to an earlier request."""
        if self._is_answering():
            self.transport.abort()
        if self.transport.is_closing():
            return
        text = TEXTS[status]
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(text)).encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + text)
        self.transport.close()


def give_up_on_readers(listeners: Iterable[socket.socket], seconds: float) -> None:
    """Have the kernel end connections whose clients have taken nothing of an answer for long.

    Connections inherit it from the socket that listens. Systems other than Linux do without.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        milliseconds = max(1, round(seconds * 1e3))  # 0 would be no limit
        for listener in listeners:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def limited_protocol(header_timeout_seconds: float) -> type[LimitedProtocol]:
    """Give the protocol with a limit; uvicorn constructs it itself."""
    limits = {"header_timeout_seconds": header_timeout_seconds}
    return type(LimitedProtocol.__name__, (LimitedProtocol,), limits)
