"""HTTP/1.1 as uvicorn speaks it, with limits for clients before the application sees them.

The application limits the time of bodies and of its own work (`service.scheduling.timeouts`). Here
are the limits of everything else: headers, trailers, pipelined requests, connections, and the rest
of a body whose request is answered. Deviations of uvicorn from RFC 9110 and 9112 are corrected
here, too. Uvicorn itself closes idle connections, and the kernel gives up on a client that
does not read its answer.

No timer is set for a request: each connection looks at itself about once a second.
"""

import logging
import socket
from asyncio import Handle, TimerHandle, Transport
from collections.abc import Iterable
from heapq import nsmallest
from math import inf
from typing import Any, ClassVar, Final

import httptools
from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.server.headers import (
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    UnfinishedHeads,
    check_head,
    find_header,
    with_path,
)
from service.server.rejections import RefusalLog, refusal
from service.server.transport import ResponseTransport

MAX_CONNECTIONS: Final = 1_000
"""More than that, and those that have waited longest for their client are closed."""
CLOSED_AT_ONCE: Final = MAX_CONNECTIONS // 20
"""How many are closed then, so that not each new connection has to search all."""
PARSE_BYTES: Final = 2_048
"""How much is parsed at once: it bounds how many pipelined requests can wait, to about 100."""
TURN_PIECES: Final = 4
"""How many pieces of a connection are parsed in a turn of the event loop. A chunk of a byte takes
as long as one of thousands: without a bound one client could keep all others waiting."""
BODY_BYTES: Final = 65_536
"""How much is parsed at once where it is surely of one body."""
LOOKS: Final = 5
"""How often a connection is looked at in the time that it has."""
SHUTDOWN_LINGER_SECONDS: Final = 1.0


class LimitedProtocol(HttpToolsProtocol):
    """A connection with limits.

    Requests are parsed one after the other: while one waits in uvicorn's pipeline, nothing more is
    parsed, and nothing more is read.
    """

    header_timeout_seconds: ClassVar[float]
    """How long a head may take, from connecting on; and how long what is left of a body may go on
    after its request was answered."""
    unfinished_heads: ClassVar[UnfinishedHeads]
    refusal_log: ClassVar[RefusalLog]

    _running: RequestResponseCycle | None = None
    """The request that the application has."""
    _unparsed: memoryview = memoryview(b"")
    _is_held: bool = False
    _next_turn: Handle | None = None
    _frame_bytes: int = 0
    """Bytes since the last of a body: of a head, of the sizes of chunks, or of trailers."""
    _is_counted: bool = False
    """Whether its head is among the unfinished."""
    _body_bytes: int = 0
    _refusal: int | None = None
    """Status that ends the connection, when what came before is answered."""
    _eof: bool = False

    _look_task: TimerHandle | None = None
    _waits_after: HTTPScope | None = None
    _waits_in_head: bool = False
    _waits_since: float | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to look; make room if there are too many connections."""
        self._transport = ResponseTransport(transport, self.loop)
        super().connection_made(self._transport)
        self._look()
        if len(self.connections) > MAX_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application, and forget what waits."""
        self._transport.drop()
        self._count_no_more()
        self.pipeline.clear()
        self._unparsed = memoryview(b"")
        self._disconnect_running()
        super().connection_lost(exc)
        if self._look_task is not None:
            self._look_task.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse data, or keep it while earlier requests wait."""
        if self._transport.is_lingering:
            self._transport.discard(len(data))
        elif self._refusal is not None:
            return  # what comes belongs to no request
        elif len(data) <= PARSE_BYTES and not self._is_held:
            self._unset_keepalive_if_required()
            self._parse(data)
            if self.pipeline:
                self._hold()
        else:
            self._unparsed = memoryview(bytes(self._unparsed) + data)
            self._parse_waiting()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer what has come whole, though no more will come; say whether to stay open for it."""
        if not self._transport.is_lingering and self._refusal is None:
            self._eof = True
            if not self._unparsed and (self._has_begun_head() or self._transport.in_request):
                self._refuse(400)
        self._transport.in_request = False
        return self._is_answering() or bool(self._unparsed)

    def shutdown(self) -> None:
        """Take no more requests; a body that is not whole is not waited for."""
        self._unparsed = memoryview(b"")
        self._transport.linger_seconds = SHUTDOWN_LINGER_SECONDS
        if self._transport.in_request and not self.cycle.response_started:
            self._refuse(503)
        else:
            super().shutdown()

    # callbacks of the parser

    def on_headers_complete(self) -> None:
        """Begin a request, whose later headers are trailers and are dropped."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise ValueError("CONNECT is for proxies")
            return  # it is parsed once more, without
        check_head(self.headers, self.parser.get_http_version)
        if not self.url.startswith(b"/"):
            self.url = with_path(self.url)
        if self.expect_100_continue and self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False  # RFC 9110, 10.1.1
        super().on_headers_complete()
        self.headers = []
        self._body_bytes = 0
        self._transport.in_request = True
        if self.expect_100_continue:  # if the answer comes first, so may the body, or it may not
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._frame_bytes = 0
        self._body_bytes += len(body)
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        """End a request."""
        if self._transport.in_request:
            self._frame_bytes = 0
            self._transport.in_request = False
            HttpToolsProtocol.on_message_complete(self)

    # callbacks of the answers

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Write what is kept of an answer that has no body, then go on to what waits."""
        self._transport.flush()
        super().on_response_complete()
        if self._is_held:
            self._parse_waiting()
        if (self._refusal is not None or self._eof) and not self._is_answering():
            self._end()

    # parsing

    def _parse_waiting(self) -> None:
        """Parse what was kept, until a request has to wait again."""
        if self._unparsed:
            self._unset_keepalive_if_required()
        for _ in range(TURN_PIECES):
            if self.transport.is_closing():  # what comes is not answered
                self._unparsed = memoryview(b"")
                self.pipeline.clear()
            if not self._unparsed or self.pipeline:
                break
            n_bytes = max(PARSE_BYTES, min(self._body_left(), BODY_BYTES))
            piece = self._unparsed[:n_bytes]
            self._unparsed = self._unparsed[n_bytes:]
            self._parse(piece)
        self._hold()
        if self._unparsed and not self.pipeline and self._next_turn is None:
            self._next_turn = self.loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._next_turn = None
        self._parse_waiting()

    def _body_left(self) -> int:
        """How many bytes of a body are still to come, in which no request can be; 0 if unknown."""
        if not self._transport.in_request:
            return 0
        declared = find_header(self.scope["headers"], b"content-length")
        return int(declared) - self._body_bytes if declared else 0

    def _hold(self) -> None:
        """Read no more while anything waits."""
        self._is_held = bool(self.pipeline or self._unparsed)
        self._transport.hold_reading(held=self._is_held)

    def _parse(self, piece: bytes | memoryview) -> None:
        self._frame_bytes += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            (begin,) = upgrade.args
            self._parse_without_upgrade(bytes(piece[begin:]))
        except httptools.HttpParserError:
            self._refuse(431 if len(self.headers or ()) > MAX_FIELDS else 400)
        if self._frame_bytes:
            self._check_frame()
        elif self._is_counted:
            self._count_no_more()

    def _check_frame(self) -> None:
        """Check what is not whole: a head, trailers, or the size of a chunk."""
        if self._frame_bytes > MAX_HEAD_BYTES:
            self._refuse(431)
        elif not self._has_begun_head():
            self._count_no_more()
        elif len(self.headers) > MAX_FIELDS:
            self._refuse(431)
        else:
            self._is_counted = True
            self.unfinished_heads.count(self, self._frame_bytes)

    def _count_no_more(self) -> None:
        self._is_counted = False
        self.unfinished_heads.forget(self)

    def _parse_without_upgrade(self, rest: bytes) -> None:
        """Parse a request again as if it asked for no other protocol (RFC 9110, 7.8).

        The parser takes what follows such a head for the other protocol. A client that may be
        told so, as Java's, has sent its body.
        """
        version = self.parser.get_http_version().encode()
        kept = (field for field in self.headers if field[0] != b"upgrade")
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in kept)
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (self.parser.get_method(), self.url, version, lines)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._frame_bytes = 0  # of the head that is parsed again
        self._parse(head + rest)

    # ending

    def _refuse(self, status: int) -> None:
        """End the connection with a status, after the answers to the requests that came whole."""
        if self._refusal is not None or self.transport.is_closing():
            return
        self._refusal = status
        self.refusal_log.log(status, self.loop.time())
        self._unparsed = memoryview(b"")
        self._count_no_more()
        if self._transport.in_request:
            self._drop_request()
        self._transport.in_request = not self._eof  # the client may go on: linger
        if self._is_answering():
            self._transport.hold_reading(held=True)
        else:
            self._end()

    def _drop_request(self) -> None:
        """Drop the request whose body is not whole, wherever it is."""
        if self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
        elif self.cycle.response_complete:
            self._refusal = None  # it has had its answer
            self.transport.close()
        elif self.cycle.response_started:
            self.transport.abort()
        else:
            self._disconnect_running()

    def _disconnect_running(self) -> None:
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        self._running = None

    def _end(self) -> None:
        """Say why, if there is a reason, and close."""
        if self._refusal is not None and not self.transport.is_closing():
            headers = self.server_state.default_headers
            self.transport.write(refusal(self._refusal, headers))
        self.transport.close()

    # looking

    def _look(self) -> None:
        """See whether the connection still waits for the same, and for how long."""
        now = self.loop.time()
        in_head = self._has_begun_head()
        if not self._waits_for_client() or self.timeout_keep_alive_task is not None:
            self._waits_since = None  # the application, and uvicorn, see to that
        elif (
            self._waits_since is None
            or self._waits_after is not self.scope
            or self._waits_in_head is not in_head
        ):
            self._waits_since = now
        elif now - self._waits_since >= self.header_timeout_seconds and not self._is_answering():
            self.cut()
        self._waits_after, self._waits_in_head = self.scope, in_head
        self._look_task = self.loop.call_later(self.header_timeout_seconds / LOOKS, self._look)

    def cut(self) -> None:
        """End a connection that waits for its client."""
        if self._transport.is_lingering:
            self.transport.abort()
        elif self._has_begun_head() or (self._transport.in_request and self._is_answering()):
            self._refuse(408)
        else:
            self._transport.in_request = False  # it has had its time
            self.transport.close()

    def _make_room(self) -> None:
        """Close the connections that have waited longest for their clients, or this one."""
        waiting = [
            item
            for item in self.connections
            if isinstance(item, LimitedProtocol) and item is not self and item._waits_for_client()
        ]
        for item in nsmallest(CLOSED_AT_ONCE, waiting, key=_began_to_wait) or [self]:
            item.cut()

    def _waits_for_client(self) -> bool:
        """Whether it is the client that has to do something."""
        return self._transport.in_request or not self._is_answering()

    def _is_answering(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _has_begun_head(self) -> bool:
        return self.scope is not None and "method" not in self.scope


def _began_to_wait(connection: LimitedProtocol) -> float:
    since = connection._waits_since
    return inf if since is None else since


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
    limits = {
        "header_timeout_seconds": header_timeout_seconds,
        "unfinished_heads": UnfinishedHeads(),
        "refusal_log": RefusalLog(logging.getLogger("uvicorn.error")),
    }
    return type(LimitedProtocol.__name__, (LimitedProtocol,), limits)
