"""Transport that writes headers and body at once, and closes without losing a response.

Uvicorn writes headers and body in two system calls and packets. A connection that is closed while
its client still sends is reset, and the client may lose the response: so its input is read and
discarded, until the client or `service.server.http_protocol` closes (lingering close, as in nginx).
"""

from asyncio import Transport
from typing import Any, Final

LINGER_BYTES: Final = 33_554_432
"""Bytes of input that are discarded: five times the longest body that is read by default."""

_STATUS_LINE_BEGIN: Final = b"HTTP/1.1 "
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
"""Must be sent at once: the client waits for it."""


class CoalescingTransport(Transport):
    """Holds response headers back until the next write, or `flush`.

    Headers are recognised by the status line. A part of a body that begins with one also waits for
    the next part or the end. Implements what uvicorn's HTTP protocol uses of a transport.
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport
        # whether nothing more can be written; uvicorn asks after each response
        self.is_closing = transport.is_closing  # type: ignore[method-assign]
        self.waiting_headers = b""
        self._reading_paused = False
        self.reading_held = False
        self._lingered_bytes = 0
        self.in_request = False  # whether the client still sends a request: then `close` lingers
        self.is_lingering = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Hold headers back; write anything else, together with headers that wait."""
        if self.waiting_headers:
            data = self.waiting_headers + data
            self.waiting_headers = b""
        elif data[: len(_STATUS_LINE_BEGIN)] == _STATUS_LINE_BEGIN and data != _CONTINUE:
            self.waiting_headers = bytes(data)
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Write headers that wait."""
        if self.waiting_headers:
            self.write(b"")

    def discard_pending(self) -> None:
        """Discard headers that wait; the connection is lost."""
        self.waiting_headers = b""

    def close(self) -> None:
        """Close once everything is written; linger if the client still sends."""
        if self.is_closing():
            return
        self.flush()
        if self.in_request and self._transport.can_write_eof():
            self._transport.write_eof()
            self.is_lingering = True
            self.is_closing = lambda: True  # type: ignore[method-assign]
            self.hold_reading(held=False)
            self.resume_reading()
        else:
            self._transport.close()

    def discard_input(self, n_bytes: int) -> None:
        """Count input received while `is_lingering`; too much closes the connection."""
        self._lingered_bytes += n_bytes
        if self._lingered_bytes > LINGER_BYTES:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, without writing what waits."""
        self.discard_pending()
        self._transport.abort()

    def hold_reading(self, *, held: bool) -> None:
        """Pause reading independently of `pause_reading` and `resume_reading`."""
        self.reading_held = held
        self._update_reading()

    def pause_reading(self) -> None:
        """Pause reading."""
        self._reading_paused = True
        self._update_reading()

    def resume_reading(self) -> None:
        """Resume reading, unless it is held."""
        self._reading_paused = False
        self._update_reading()

    def _update_reading(self) -> None:
        if self._transport.is_closing():
            return
        if self._reading_paused or self.reading_held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information about the connection."""
        return self._transport.get_extra_info(name, default)
