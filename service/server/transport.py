"""The writing end of a connection: whole answers, and a close that loses none.

Uvicorn writes the head of an answer, then its body. Each is a system call, a packet, and a client
that is woken; together they are one of each.

A connection that is closed while its client still sends is reset, and the client may lose the
answer. So what it sends is read and thrown away for a while: lingering close, as in nginx.
"""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from typing import Any, Final

LINGER_SECONDS: Final = 5.0
"""How long a client may go on sending after the answer that closes its connection."""
LINGER_BYTES: Final = 33_554_432
"""How much it may send in that time: twice the longest body that is read."""

_STATUS_LINE_BEGIN: Final = b"HTTP/1.1 "
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
"""A head that nothing follows before the client has read it."""


class ResponseTransport(Transport):
    """Keeps the head of an answer until what follows is written, or it is told that nothing does.

    A head is known by how it begins. A later piece of a body that begins so waits, too, for the
    next piece or the end. Has what uvicorn's HTTP protocol asks of a transport, and no more.

    Parameters
    ----------
    transport : asyncio.Transport
        What writes.
    loop : asyncio.AbstractEventLoop

    Attributes
    ----------
    linger_seconds : float
        How long `close` reads on if the client still sends.
    in_request : bool
        Whether the client is in the middle of a request: then `close` lingers.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._head = b""
        self._reading_paused = False
        self._reading_held = False
        self._linger_task: TimerHandle | None = None
        self._lingered_bytes = 0
        self.linger_seconds = LINGER_SECONDS
        self.in_request = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write what follows a head with it; keep a head."""
        if self._head:
            data = self._head + data
            self._head = b""
        elif data[: len(_STATUS_LINE_BEGIN)] == _STATUS_LINE_BEGIN and data != _CONTINUE:
            self._head = bytes(data)
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Write a head that nothing follows."""
        if self._head:
            self.write(b"")

    def drop(self) -> None:
        """Forget what is not written: nobody is there to read it."""
        self._head = b""
        if self._linger_task is not None:
            self._linger_task.cancel()

    def close(self) -> None:
        """Close when all is written; if the client still sends, read that for a while first."""
        if self.is_closing():
            return
        self.flush()
        if self.in_request and self._transport.can_write_eof():
            self._transport.write_eof()
            self._linger_task = self._loop.call_later(self.linger_seconds, self._transport.close)
            self.hold_reading(held=False)
            self.resume_reading()
        else:
            self._transport.close()

    def discard(self, n_bytes: int) -> None:
        """Count bytes that came while `is_lingering`; too many close the connection."""
        self._lingered_bytes += n_bytes
        if self._lingered_bytes > LINGER_BYTES:
            self._transport.close()

    @property
    def is_lingering(self) -> bool:
        """Whether the last answer is written, and what comes is thrown away."""
        return self._linger_task is not None

    def abort(self) -> None:
        """Close at once, whatever is not written."""
        self.drop()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Tell whether nothing more can be written."""
        return self._linger_task is not None or self._transport.is_closing()

    def hold_reading(self, *, held: bool) -> None:
        """Read nothing, whatever `resume_reading` says, as long as this is held."""
        self._reading_held = held
        self._apply()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._reading_paused = True
        self._apply()

    def resume_reading(self) -> None:
        """Read again, unless it is held."""
        self._reading_paused = False
        self._apply()

    def _apply(self) -> None:
        if self._transport.is_closing():
            return
        if self._reading_paused or self._reading_held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Give what is known of the connection."""
        return self._transport.get_extra_info(name, default)
