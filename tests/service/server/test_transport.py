"""Responses are written at once, with the same bytes as uvicorn writes."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from service.server import http_protocol as protocol_module
from service.server import transport as transport_module
from service.server.http_protocol import (
    MAX_CHUNKS_PER_TURN,
    PARSE_CHUNK_BYTES,
    timeout_http_protocol,
)
from service.server.transport import CoalescingTransport

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HOST = b"Host: a\r\n"
END = None


class Recorder(asyncio.Transport):
    """Records writes and the close."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes | None] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data:
            self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return END in self.written

    def close(self) -> None:
        self.written.append(END)

    def abort(self) -> None:
        self.written.append(END)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Responds as the path says."""
    path = scope["path"]
    while (await receive()).get("more_body"):
        pass
    if path == "/bug":
        raise ValueError
    body = b"HTTP/1.1 200 OK\r\n\r\n" if path == "/like-a-head" else b"some news"
    headers = [] if path == "/chunks" else [(b"content-length", str(len(body)).encode())]
    if path == "/close":
        headers.append((b"connection", b"close"))
    if path == "/nothing":
        headers = []
    status = 204 if path == "/nothing" else 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if path == "/bug-in-between":
        raise ValueError
    if path == "/nothing":
        await send({"type": "http.response.body"})
        return
    await send({"type": "http.response.body", "body": body[:4], "more_body": True})
    await send({"type": "http.response.body", "body": body[4:]})


def request(method: bytes, path: bytes, body: bytes = b"", headers: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    head = b"%b %b HTTP/1.1\r\n%b" % (method, path, HOST + headers + length)
    return head + b"\r\n" + body


def get(path: bytes) -> bytes:
    return request(b"GET", path)


REQUESTS = {
    "a body": [get(b"/")],
    "chunks": [get(b"/chunks")],
    "closes": [get(b"/close")],
    "no body": [get(b"/nothing")],
    "HEAD": [request(b"HEAD", b"/"), get(b"/")],
    "HEAD, closes": [request(b"HEAD", b"/close")],
    "HEAD, chunks": [request(b"HEAD", b"/chunks")],
    "a body like a head": [get(b"/like-a-head"), get(b"/")],
    "pipelined": [get(b"/") + get(b"/chunks") + request(b"HEAD", b"/") + get(b"/nothing")],
    "a bug": [get(b"/bug")],
    "a bug after the head": [get(b"/bug-in-between")],
    "not HTTP": [b"\0\0\0\0"],
    "waits to go on": [
        request(b"POST", b"/", b"ab", headers=b"Expect: 100-continue\r\n")[:-2],
        b"ab",
    ],
    "HTTP/1.0": [b"GET / HTTP/1.0\r\n\r\n"],
}


def written_by(protocol: type[asyncio.Protocol], pieces: list[bytes]) -> list[list[bytes | None]]:
    """Return what a protocol writes after each piece of input; the connection stays open."""

    async def talk() -> list[list[bytes | None]]:
        config = uvicorn.Config(
            application, http=protocol, lifespan="off", log_config=None, date_header=False
        )
        config.load()
        make: Callable[..., asyncio.Protocol] = protocol
        connection = make(config=config, server_state=ServerState(), app_state={})
        transport = Recorder()
        connection.connection_made(transport)
        after_each = []
        for piece in pieces:
            connection.data_received(piece)
            for _ in range(50):
                await asyncio.sleep(0)
            after_each.append(transport.written)
            transport.written = []
        connection.connection_lost(None)
        return after_each

    return asyncio.run(talk())


@pytest.mark.parametrize("name", REQUESTS)
def test_same_bytes_as_uvicorn_in_one_write(name: str) -> None:
    usual = written_by(HttpToolsProtocol, REQUESTS[name])
    joined = written_by(timeout_http_protocol(10), REQUESTS[name])
    for mine, theirs in zip(joined, usual, strict=True):
        ours = b"".join(filter(None, mine))
        if name == "waits to go on":  # the connection is not kept
            ours = ours.replace(b"connection: close\r\n", b"")
        else:
            assert (END in mine) == (END in theirs)
        assert ours == b"".join(filter(None, theirs))


def test_headers_are_written_with_the_body() -> None:
    (written,) = written_by(timeout_http_protocol(10), [get(b"/")])
    assert written == [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsome", b" news"]


def test_100_continue_is_written_at_once() -> None:
    first, _ = written_by(timeout_http_protocol(10), REQUESTS["waits to go on"])
    assert first == [CONTINUE]


def test_abort_discards_pending_headers() -> None:
    recorder = Recorder()
    transport = CoalescingTransport(recorder)
    transport.write(b"HTTP/1.1 200 OK\r\n\r\n")
    transport.abort()
    transport.flush()
    assert recorder.written == [END]


def test_lost_connection_discards_pending_headers() -> None:
    recorder = Recorder()
    connection = CoalescingTransport(recorder)
    connection.write(b"HTTP/1.1 200 OK\r\n\r\n")
    connection.discard_pending()
    connection.close()
    assert recorder.written == [END]


def test_connection_lost_between_headers_and_body() -> None:
    async def talk() -> list[bytes | None]:
        left = asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await left.wait()
            raise ValueError

        config = uvicorn.Config(slow, lifespan="off", log_config=None)
        config.load()
        connection = timeout_http_protocol(10)(config, ServerState(), {})
        transport = Recorder()
        connection.connection_made(transport)
        connection.data_received(get(b"/"))
        await asyncio.sleep(0)
        connection.connection_lost(ConnectionResetError())
        left.set()
        for _ in range(50):
            await asyncio.sleep(0)
        return transport.written

    assert [piece for piece in asyncio.run(talk()) if piece is not END] == []


def test_too_many_connections_close_the_longest_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither a request in progress nor the newest connection is closed while others are idle."""
    monkeypatch.setattr(protocol_module, "MAX_CONNECTIONS", 3)
    monkeypatch.setattr(protocol_module, "MAX_CLOSED_AT_ONCE", 1)

    async def connect() -> list[bool]:
        answered = asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            await answered.wait()

        config = uvicorn.Config(slow, lifespan="off", log_config=None)
        config.load()
        state, make = ServerState(), timeout_http_protocol(10)
        transports = []
        for number in range(5):
            connection = make(config, state, {})
            transports.append(Recorder())
            connection.connection_made(transports[-1])
            if number == 0:
                connection.data_received(get(b"/"))
            await asyncio.sleep(0.001)
            for lost in [item for item in state.connections if item.transport.is_closing()]:
                lost.connection_lost(None)
        closed = [transport.is_closing() for transport in transports]
        for left in list(state.connections):
            left.connection_lost(None)
        answered.set()
        await asyncio.sleep(0)
        return closed

    assert asyncio.run(connect()) == [False, True, True, False, False]


def test_an_upload_that_arrives_is_not_what_waits_longest() -> None:
    async def upload() -> float:
        config = uvicorn.Config(application, lifespan="off", log_config=None)
        config.load()
        connection = timeout_http_protocol(10)(config, ServerState(), {})
        connection.connection_made(Recorder())
        connection.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
        began = connection._waits_since
        await asyncio.sleep(0.01)
        connection.data_received(b"12")
        waits_since = connection._waits_since
        connection.connection_lost(None)
        return waits_since - began

    assert asyncio.run(upload()) >= 0.01


def test_too_many_connections_close_the_one_that_was_idle_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol_module, "MAX_CONNECTIONS", 3)
    monkeypatch.setattr(protocol_module, "MAX_CLOSED_AT_ONCE", 1)

    async def connect() -> list[bool]:
        config = uvicorn.Config(application, lifespan="off", log_config=None)
        config.load()
        state, make = ServerState(), timeout_http_protocol(10)
        connections = [make(config, state, {}) for _ in range(4)]
        transports = [Recorder() for _ in connections]
        pairs = list(zip(connections, transports, strict=True))
        for connection, transport in pairs[:3]:
            connection.connection_made(transport)
        for number in (2, 0, 1):  # the order of their last responses
            connections[number].data_received(get(b"/"))
            while b"200" not in b"".join(filter(None, transports[number].written)):
                await asyncio.sleep(0.001)
        connections[3].connection_made(transports[3])
        closed = [transport.is_closing() for transport in transports]
        for left in list(state.connections):
            left.connection_lost(None)
        return closed

    assert asyncio.run(connect()) == [False, False, True, False]


class HalfClosing(Recorder):
    """A transport that can write EOF and still read."""

    reads = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.written.append(b"EOF")

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


def test_shutdown_of_a_connection_that_lingers_after_a_rejection() -> None:
    async def shut_down() -> list[bytes | None]:
        config = uvicorn.Config(application, lifespan="off", log_config=None)
        config.load()
        connection = timeout_http_protocol(10)(config, ServerState(), {})
        transport = HalfClosing()
        connection.connection_made(transport)
        connection.data_received(b"GET / HTTP/1.1\r\n")
        connection.close_idle()
        before = list(transport.written)
        connection._end_requests()
        connection.connection_lost(None)
        assert transport.written[: len(before)] == before
        return before

    response, eof = asyncio.run(shut_down())
    assert response is not None
    assert response.startswith(b"HTTP/1.1 408 ")
    assert eof == b"EOF"


@pytest.mark.parametrize("path", [b"/close", b"/bug"])
def test_unparsed_input_is_discarded_when_the_connection_closes(path: bytes) -> None:
    """No callback stays scheduled, and further input is read."""

    async def reject(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/bug":
            raise ValueError
        headers = [(b"connection", b"close"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body"})

    async def talk() -> None:
        config = uvicorn.Config(reject, lifespan="off", log_config=None)
        config.load()
        connection = timeout_http_protocol(10)(config, ServerState(), {})
        transport = HalfClosing()
        connection.connection_made(transport)
        chunks = b"1\r\na\r\n" * 50_000
        connection.data_received(
            request(b"POST", path, headers=b"Transfer-Encoding: chunked\r\n") + chunks
        )
        for _ in range(20):
            await asyncio.sleep(0)
        assert transport.written[-1] == b"EOF"
        assert connection._next_turn is None
        assert transport.reads
        connection.data_received(chunks)
        connection.connection_lost(None)

    asyncio.run(talk())


def test_bytes_of_a_lingering_close_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "LINGER_BYTES", 10)
    recorder = HalfClosing()
    transport = CoalescingTransport(recorder)
    transport.in_request = True
    transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    transport.close()
    assert recorder.written == [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"EOF"]
    assert transport.is_closing()
    transport.discard_input(10)
    assert END not in recorder.written
    transport.discard_input(1)
    assert END in recorder.written


def test_time_of_a_lingering_close_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts from the response, not from the headers that came too slowly."""
    monkeypatch.setattr(protocol_module, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(protocol_module, "LINGER_SECONDS", 0.3)

    async def linger() -> float:
        config = uvicorn.Config(application, lifespan="off", log_config=None)
        config.load()
        loop = asyncio.get_running_loop()
        connection = timeout_http_protocol(0.1)(config, ServerState(), {})
        transport = HalfClosing()
        connection.connection_made(transport)
        connection.data_received(b"GET / HTTP/1.1\r\n")
        while b"EOF" not in transport.written:
            await asyncio.sleep(0.01)
        began = loop.time()
        while END not in transport.written:
            connection.data_received(b"a")
            await asyncio.sleep(0.01)
        connection.connection_lost(None)
        return loop.time() - began

    assert 0.2 < asyncio.run(linger()) < 2


def test_a_long_time_for_headers_delays_no_other_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol_module, "CHECK_SECONDS", 0.01)

    async def wait_until_closed() -> float:
        config = uvicorn.Config(application, lifespan="off", log_config=None)
        config.load()
        loop = asyncio.get_running_loop()
        connection = timeout_http_protocol(86_400)(config, ServerState(), {})
        monkeypatch.setattr(connection, "timeout_keep_alive", 0.1)
        transport = Recorder()
        connection.connection_made(transport)
        connection.data_received(get(b"/"))
        began = loop.time()
        async with asyncio.timeout(10):
            while END not in transport.written:
                await asyncio.sleep(0.01)
        connection.connection_lost(None)
        return loop.time() - began

    assert asyncio.run(wait_until_closed()) > 0.09


def test_chunks_are_parsed_a_few_per_turn() -> None:
    """Other connections have their turn in between."""
    n_chunks = 60_000
    read: list[int] = []

    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            read.append(len(message["body"]))
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def talk() -> list[bytes | None]:
        config = uvicorn.Config(reading, lifespan="off", log_config=None)
        config.load()
        connection = timeout_http_protocol(10)(config, ServerState(), {})
        transport = Recorder()
        connection.connection_made(transport)
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.data_received(head + b"1\r\na\r\n" * n_chunks + b"0\r\n\r\n")
        assert 0 < len(connection.cycle.body) < MAX_CHUNKS_PER_TURN * PARSE_CHUNK_BYTES
        while not transport.written:
            await asyncio.sleep(0)
        connection.connection_lost(None)
        return transport.written

    response = b"".join(filter(None, asyncio.run(talk())))
    assert response.count(b"HTTP/1.1 204 ") == 1
    assert sum(read) == n_chunks
    assert len(read) > 10
