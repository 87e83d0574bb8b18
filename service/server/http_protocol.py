"""Uvicorn's HTTP/1.1 protocol with timeouts and size limits, nearer to RFC 9110 and 9112.

Other modules limit the time of bodies and of the application's work
(`service.scheduling.timeouts`), and clients that do not read (`service.server.listeners`).
There is no timer per request: each connection checks once a second how long it has waited.
"""

import logging
from asyncio import Handle, TimerHandle, Transport
from heapq import nsmallest
from math import inf
from operator import attrgetter
from typing import ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.api.request_body import COMPLETE_BODY, MAX_LENGTH_DIGITS
from service.scheduling.turns import TurnCounter
from service.server.headers import UnfinishedHeaders, find_header, normalize_target
from service.server.rejections import RejectionLog, rejection_response
from service.server.transport import CoalescingTransport

MAX_HEADER_BYTES: Final = 16_384
"""Bytes of the headers; or of trailers and chunk sizes without a byte of body between them."""
MAX_HEADER_FIELDS: Final = 100
MAX_CONNECTIONS: Final = 1_000
"""Above it, the connections that have waited longest for their clients are closed."""
MAX_CLOSED_AT_ONCE: Final = MAX_CONNECTIONS // 20
"""Connections closed together, so that not every new connection searches all."""
PARSE_CHUNK_BYTES: Final = 2_048
"""Bytes parsed at once, which bound the pipelined requests that wait to about 100."""
MAX_CHUNKS_PER_TURN: Final = 8
"""Chunks of input that are parsed per turn of the event loop, of all connections. One of pipelined
requests, or of HTTP chunks of 1 byte, takes up to a millisecond."""
BODY_CHUNK_BYTES: Final = 65_536
"""Bytes parsed at once inside a body of known length."""
CHECK_SECONDS: Final = 1.0
"""Interval of the checks: a timeout may be late by it."""
LINGER_SECONDS: Final = 5.0
"""Time for which input is discarded after the response that closes the connection."""
SHUTDOWN_LINGER_SECONDS: Final = 1.0
SHUTDOWN_REQUEST_SECONDS: Final = 2.0
"""Time that the rest of a request may take after the port is closed."""


class TimeoutHttpProtocol(HttpToolsProtocol):
    """A connection with timeouts and size limits.

    While a request waits in uvicorn's pipeline, nothing more is parsed or read.
    """

    header_timeout_seconds: ClassVar[float]
    """Timeout of the headers, from connecting on, and of the rest of a body after its response."""
    unfinished_headers: ClassVar[UnfinishedHeaders]
    chunks: ClassVar[TurnCounter]
    """Counts the chunks of input that are parsed, of all connections."""
    rejection_log: ClassVar[RejectionLog]

    _running: RequestResponseCycle | None = None
    """The request that the application processes."""
    _unparsed: memoryview = memoryview(b"")
    _next_turn: Handle | None = None
    _frame_bytes: int = 0
    """Bytes of headers, chunk sizes or trailers since the last byte of a body."""
    _is_counted: bool = False
    """Whether it is counted in ``unfinished_headers``."""
    _body_bytes: int = 0
    _rejection: int | None = None
    """Status that ends the connection after the responses to earlier requests."""
    _eof: bool = False
    _shuts_down: bool = False

    _waits_since: float
    """Time since which the client has to act, unless a response is due: the connection was made,
    incomplete headers began, headers or a response ended, or a body ended after its response."""
    _check_task: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start checking timeouts; close idle connections if there are too many."""
        self._transport = CoalescingTransport(transport)
        super().connection_made(self._transport)
        self._waits_since = self.loop.time()
        self._check_timeout()
        if len(self.connections) > MAX_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the application and drop what waits."""
        self._transport.discard_pending()
        self._uncount()
        self.pipeline.clear()
        self._unparsed = memoryview(b"")
        self._disconnect_running()
        super().connection_lost(exc)
        if self._check_task is not None:
            self._check_task.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse data, or buffer it while earlier requests wait."""
        if self._transport.in_request and self._is_responding():
            self._waits_since = self.loop.time()  # a body that arrives is not what waits longest
        if self._transport.is_lingering:
            self._transport.discard_input(len(data))
        elif self._rejection is not None:
            return  # the data belong to no request
        elif len(data) <= PARSE_CHUNK_BYTES and not self._transport.reading_held:
            self._parse(data)
            if self.pipeline:
                self._hold()
        else:
            self._unparsed = memoryview(bytes(self._unparsed) + data)
            self._parse_waiting()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Return whether to stay open, to respond to requests that are complete."""
        if not self._transport.is_lingering and self._rejection is None:
            self._eof = True
            if not self._unparsed and (self._in_headers() or self._transport.in_request):
                self._reject(400)
        self._transport.in_request = False
        return self._is_responding() or bool(self._unparsed)

    def shutdown(self) -> None:
        """Close after the request in progress; the rest of an incomplete one may still arrive."""
        is_incomplete = self._transport.in_request and not self.cycle.response_started
        if is_incomplete or self.scope is None or self._in_headers():
            self.loop.call_later(SHUTDOWN_REQUEST_SECONDS, self._end_requests)
        else:
            self._end_requests()

    def _end_requests(self) -> None:
        """Accept no more requests and reject one whose body is incomplete."""
        if self.transport.is_closing():
            return
        self._unparsed = memoryview(b"")
        if self._transport.in_request and not self.cycle.response_started:
            self._reject(503)
        else:
            super().shutdown()
        self._shuts_down = True
        if self._transport.is_lingering:
            self.loop.call_later(SHUTDOWN_LINGER_SECONDS, self._transport.abort)

    # callbacks of the parser

    def on_headers_complete(self) -> None:
        """Begin a request; further headers are trailers and are dropped."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise ValueError("CONNECT is for proxies")
            return  # `_parse_without_upgrade` parses it again
        self._check_headers()
        if not self.url.startswith(b"/"):
            self.url = normalize_target(self.url)
        if self.expect_100_continue and self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False  # RFC 9110, 10.1.1
        super().on_headers_complete()
        if not self.pipeline:
            self._running = self.cycle
        self.headers = []
        self._body_bytes = 0
        self._transport.in_request = True
        self._waits_since = self.loop.time()
        if self.expect_100_continue:  # after an early response, the client may omit the body
            self.cycle.keep_alive = False

    def _check_headers(self) -> None:
        """Raise ValueError for headers against RFC 9112 that the parser accepts, or too many."""
        names = [name for name, _ in self.headers]
        n_hosts = names.count(b"host")
        if n_hosts != 1 and (n_hosts or self.parser.get_http_version() == "1.1"):
            raise ValueError("Host is missing or repeated")  # RFC 9112, 3.2
        if b"transfer-encoding" in names:
            coding = find_header(self.headers, b"transfer-encoding")
            if coding.strip().lower() != b"chunked":
                raise ValueError("the transfer coding is unknown")  # RFC 9112, 6.1
        if len(names) > MAX_HEADER_FIELDS:
            raise ValueError("there are too many header fields")

    def on_body(self, body: bytes) -> None:
        """Receive a part of a body."""
        self._frame_bytes = 0
        self._body_bytes += len(body)
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        """End a request."""
        if self._transport.in_request:
            self._frame_bytes = 0
            self._transport.in_request = False
            self.scope["extensions"] = {COMPLETE_BODY: {}}
            HttpToolsProtocol.on_message_complete(self)
            if self.cycle.response_complete:  # before the body ended
                self._waits_since = self.loop.time()

    # callbacks of the response

    def on_response_complete(self) -> None:
        """Flush a response without body, then continue with what waits."""
        if self._transport.waiting_headers:
            self._transport.flush()
        # as in uvicorn, which also restarts a timer of the idle time
        self.server_state.total_requests += 1
        self._waits_since = self.loop.time()
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._running, app = self.pipeline.pop()
                self._start_asgi_task(self._running, app)
        if self._transport.reading_held:
            self._parse_waiting()
        if (self._rejection is not None or self._eof) and not self._is_responding():
            self._finish()

    # parsing

    def _parse_waiting(self) -> None:
        """Parse buffered input until a request has to wait, or this turn has parsed enough."""
        if self.transport.is_closing():  # no response is possible
            self._unparsed = memoryview(b"")
            self.pipeline.clear()
        while (
            self._unparsed
            and not self.pipeline
            and not self.chunks.has_reached(MAX_CHUNKS_PER_TURN)
        ):
            self.chunks.count()
            n_bytes = max(PARSE_CHUNK_BYTES, min(self._body_left(), BODY_CHUNK_BYTES))
            chunk = self._unparsed[:n_bytes]
            self._unparsed = self._unparsed[n_bytes:]
            self._parse(chunk)
        self._hold()
        if self._unparsed and not self.pipeline and self._next_turn is None:
            self._next_turn = self.loop.call_soon(self._parse_next_turn)

    def _parse_next_turn(self) -> None:
        self._next_turn = None
        self._parse_waiting()

    def _body_left(self) -> int:
        """Return how many bytes of the body are missing; 0 if unknown."""
        if not self._transport.in_request:
            return 0
        declared = find_header(self.scope["headers"], b"content-length")
        return int(declared.strip()[-MAX_LENGTH_DIGITS:]) - self._body_bytes if declared else 0

    def _hold(self) -> None:
        """Pause reading while anything waits."""
        self._transport.hold_reading(held=bool(self.pipeline or self._unparsed))

    def _parse(self, chunk: bytes | memoryview) -> None:
        self._frame_bytes += len(chunk)
        try:
            self.parser.feed_data(chunk)
        except httptools.HttpParserUpgrade as upgrade:
            (begin,) = upgrade.args
            self._parse_without_upgrade(bytes(chunk[begin:]))
        except httptools.HttpParserError:
            self._reject(431 if len(self.headers or ()) > MAX_HEADER_FIELDS else 400)
        else:
            if self._frame_bytes or self._is_counted:
                self._check_frame()

    def _check_frame(self) -> None:
        """Limit incomplete headers, trailers and chunk sizes."""
        if self._frame_bytes > MAX_HEADER_BYTES:
            self._reject(431)
        elif not self._in_headers():
            self._uncount()
        elif len(self.headers) > MAX_HEADER_FIELDS:
            self._reject(431)
        else:
            if not self._is_counted:
                self._is_counted = True
                self._waits_since = self.loop.time()
            self.unfinished_headers.count(self, self._frame_bytes)

    def _uncount(self) -> None:
        self._is_counted = False
        self.unfinished_headers.forget(self)

    def _parse_without_upgrade(self, rest: bytes) -> None:
        """Parse a request again without its Upgrade header (RFC 9110, 7.8).

        The parser takes the body for data of the other protocol. Java's client offers an upgrade
        and sends a body.
        """
        version = self.parser.get_http_version().encode()
        kept = (field for field in self.headers if field[0] != b"upgrade")
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in kept)
        start = b"%b %b HTTP/%b\r\n%b\r\n" % (self.parser.get_method(), self.url, version, lines)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._frame_bytes = 0  # these headers are counted again
        self._parse(start + rest)

    # ending

    def _reject(self, status: int) -> None:
        """End the connection with a status, after the responses to complete requests."""
        if self._rejection is not None or self.transport.is_closing():
            return
        self._rejection = status
        self._waits_since = self.loop.time()
        self.rejection_log.log(status, self._waits_since)
        self._unparsed = memoryview(b"")
        self._uncount()
        if self._transport.in_request:
            self._drop_request()
        self._transport.in_request = not self._eof  # the client may still send: linger
        if self._is_responding():
            self._transport.hold_reading(held=True)
        else:
            self._finish()

    def _drop_request(self) -> None:
        """Drop the request whose body is incomplete."""
        if self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
        elif self.cycle.response_complete:
            self._rejection = None  # it has its response
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

    def _finish(self) -> None:
        """Send the rejection, if there is one, and close."""
        if self._rejection is not None and not self.transport.is_closing():
            headers = self.server_state.default_headers
            self.transport.write(rejection_response(self._rejection, headers))
        self.transport.close()

    # timeouts

    def _check_timeout(self) -> None:
        """Close the connection if its client exceeds the timeout, and schedule the next check."""
        seconds_left = self._waits_since + self._timeout() - self.loop.time()
        if seconds_left <= 0:
            self.close_idle()
            seconds_left = CHECK_SECONDS
        self._check_task = self.loop.call_later(
            min(seconds_left, CHECK_SECONDS), self._check_timeout
        )

    def _timeout(self) -> float:
        """Return the seconds that the client has for its next action."""
        if self._transport.is_lingering:
            return SHUTDOWN_LINGER_SECONDS if self._shuts_down else LINGER_SECONDS
        if self._is_responding() or self._unparsed or self.transport.is_closing():
            return inf
        if self.cycle is None or self._in_headers() or self._transport.in_request:
            return self.header_timeout_seconds
        return self.timeout_keep_alive

    def close_idle(self) -> None:
        """Close a connection that waits for its client, with 408 inside a request."""
        if self._transport.is_lingering:
            self.transport.abort()
        elif self._in_headers() or (self._transport.in_request and self._is_responding()):
            self._reject(408)
        else:
            self._transport.in_request = False  # do not linger
            self.transport.close()

    def _make_room(self) -> None:
        """Close the connections that have waited longest for their clients, or this one."""
        waiting = [
            item
            for item in self.connections
            if isinstance(item, TimeoutHttpProtocol)
            and item is not self
            and item._waits_for_client()
        ]
        oldest = nsmallest(MAX_CLOSED_AT_ONCE, waiting, key=attrgetter("_waits_since"))
        for item in oldest or [self]:
            item.close_idle()

    def _waits_for_client(self) -> bool:
        """Whether the client has to act next."""
        return self._transport.in_request or not self._is_responding()

    def _is_responding(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _in_headers(self) -> bool:
        return self.scope is not None and "method" not in self.scope


def timeout_http_protocol(header_timeout_seconds: float) -> type[TimeoutHttpProtocol]:
    """Return the protocol class with a timeout, which uvicorn instantiates."""
    limits = {
        "header_timeout_seconds": header_timeout_seconds,
        "unfinished_headers": UnfinishedHeaders(),
        "chunks": TurnCounter(),
        "rejection_log": RejectionLog(logging.getLogger("uvicorn.error")),
    }
    return type(TimeoutHttpProtocol.__name__, (TimeoutHttpProtocol,), limits)
