"""A connection to which the head of an answer is written with what follows it.

Uvicorn writes the head, then the body. Each is a system call, a packet, and a client that is woken;
together they are one of each.
"""

from asyncio import Transport
from typing import Any, Final

_STATUS_LINE_BEGIN: Final = b"HTTP/1.1 "
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
"""A head that nothing follows before the client has read it."""


class JoiningTransport(Transport):
    """Keeps the head of an answer until what follows is written, or it is told that nothing does.

    A head is known by how it begins. A later piece of a body that begins so waits, too, for the
    next piece or the end. Has what uvicorn's HTTP protocol asks of a transport, and no more.

    Parameters
    ----------
    transport : asyncio.Transport
        What writes.
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport
        self._head = b""

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
        """Forget a head: nobody is there to read it."""
        self._head = b""

    def close(self) -> None:
        """Close when all is written."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is not written."""
        self.drop()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Tell whether nothing more can be written."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Give what is known of the connection."""
        return self._transport.get_extra_info(name, default)
