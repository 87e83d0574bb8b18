"""RFC 9110 and 9112: requirements for servers, and unusual but valid clients."""

import contextlib
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.benchmarks.harness import Server
from tests.end_to_end.running_service import RunningService
from tests.service.server.test_http_protocol import (
    BODY,
    JSON,
    LIVE,
    REQUEST,
    connect,
    read_to_end,
    statuses,
)

pytestmark = pytest.mark.slow

KEY = "a-key-for-the-tests-of-http"
TOPICS = b"GET /topics HTTP/1.1\r\nHost: a\r\n\r\n"
MEGABYTE = 1_000_000
MAX_GROWTH_MEGABYTES = 40


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    with RunningService(NEWSWIRE_KEEP_ALIVE_SECONDS="1") as service:
        yield service


@pytest.fixture(scope="module")
def locked() -> Iterator[RunningService]:
    """A service with API keys."""
    with RunningService(NEWSWIRE_KEEP_ALIVE_SECONDS="1", NEWSWIRE_API_KEYS=KEY) as service:
        yield service


@pytest.fixture
def connection(service: RunningService) -> Iterator[socket.socket]:
    with connect(service) as connection:
        yield connection


def post(headers: bytes, body: bytes, path: bytes = b"/classify") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n%b" % (path, headers, body)


def chunked(*pieces: bytes, trailers: bytes = b"") -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + trailers + b"\r\n"


# an upgrade that is not done (RFC 9110, 7.8)

JAVA = (
    b"POST /classify HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: %d\r\n"
    b"Host: 127.0.0.1:8000\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
    b"Upgrade: h2c\r\nUser-Agent: Java-http-client/21.0.2\r\nContent-Type: application/json\r\n\r\n"
)
"""As java.net.http.HttpClient sends it, unless set to HTTP/1.1."""


@pytest.mark.parametrize("pause", [0, 0.1], ids=["one segment", "two segments"])
def test_java_client(connection: socket.socket, pause: float) -> None:
    head = JAVA % len(BODY)
    if pause:
        connection.sendall(head)
        time.sleep(pause)
        connection.sendall(BODY)
    else:
        connection.sendall(head + BODY)
    connection.sendall(REQUEST)
    received = read_to_end(connection)
    assert statuses(received) == [200, 200]
    assert received.count(b'"topic":"crude"') == 4


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
@pytest.mark.parametrize("path", [b"/classify", b"/classify/batch", b"/nothing", b"/topics"])
def test_body_is_never_parsed_as_a_request(
    connection: socket.socket, path: bytes, protocol: bytes
) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: " + protocol
    length = b"\r\nContent-Type: application/json\r\nContent-Length: %d" % len(TOPICS)
    connection.sendall(post(upgrade + length, b"", path))
    time.sleep(0.1)
    connection.sendall(TOPICS + LIVE)
    received = read_to_end(connection)
    first, second = statuses(received)
    assert (first >= 400, second) == (True, 200)
    assert b"description" not in received


def test_long_headers_with_an_upgrade(connection: socket.socket) -> None:
    head = JAVA.replace(b"\r\n\r\n", b"\r\nCookie: " + b"a" * 15_000 + b"\r\n\r\n")
    connection.sendall(head % len(BODY))
    time.sleep(0.1)
    connection.sendall(BODY)
    assert statuses(read_to_end(connection)) == [200]


def test_chunks_after_an_upgrade_are_the_body(connection: socket.socket) -> None:
    head = b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Type: application/json\r\n"
    connection.sendall(post(head + b"Transfer-Encoding: chunked", b""))
    time.sleep(0.1)
    connection.sendall(chunked(BODY[:5], BODY[5:]) + LIVE)
    assert statuses(read_to_end(connection)) == [200, 200]


def test_connect_is_rejected(connection: socket.socket) -> None:
    connection.sendall(b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" + TOPICS)
    assert statuses(read_to_end(connection)) == [400]


# trailers (RFC 9110, 6.5.1)


def test_trailers_are_not_headers(service: RunningService, locked: RunningService) -> None:
    body = chunked(BODY, trailers=b"Content-Type: application/json\r\n")
    with connect(service) as connection:
        connection.sendall(post(b"Transfer-Encoding: chunked", body) + LIVE)
        assert statuses(read_to_end(connection)) == [415, 200]
    body = chunked(BODY, trailers=b"Authorization: Bearer %b\r\n" % KEY.encode())
    headers = b"Content-Type: application/json\r\nTransfer-Encoding: chunked"
    with connect(locked) as connection:
        connection.sendall(post(headers, body) + LIVE)
        assert statuses(read_to_end(connection)) == [401, 200]


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"0\r\n", b"a:\r\n" * 1_000),
        (b"0\r\na: ", b"a" * 4_000),
        (b"0\r\n", b"a" * 4_000),
        (b"1;", b"a" * 4_000),
    ],
    ids=["fields", "a value", "a name", "an extension of a chunk"],
)
def test_endless_trailers_are_rejected(
    connection: socket.socket, begin: bytes, piece: bytes
) -> None:
    headers = b"Content-Type: application/json\r\nTransfer-Encoding: chunked"
    connection.sendall(post(headers, b"%x\r\n%b\r\n" % (len(BODY), BODY) + begin))
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 100 * MEGABYTE:
            connection.sendall(piece)
            sent += len(piece)
    assert sent < 100 * MEGABYTE  # discarded after the rejection, up to a bound
    received = b""
    with contextlib.suppress(ConnectionError):
        received = read_to_end(connection)
    assert statuses(received) in ([431], [])  # a reset may overtake it


def test_body_of_many_chunks(connection: socket.socket) -> None:
    body = b'{"text": "%b"}' % (b"Crude oil rose. " * 2_000)
    headers = b"Content-Type: application/json\r\nTransfer-Encoding: chunked"
    bytewise = chunked(*(body[i : i + 1] for i in range(len(body))))
    connection.sendall(post(headers, bytewise) + post(headers, chunked(body)) + LIVE)
    assert statuses(read_to_end(connection)) == [200, 200, 200]


# pipelines


def test_many_pipelined_requests(service: RunningService) -> None:
    n_requests = 10_000
    received = bytearray()
    with connect(service) as connection:

        def read() -> None:
            while received.count(b"HTTP/1.1 200") < n_requests and (
                piece := connection.recv(65_536)
            ):
                received.extend(piece)

        reader = threading.Thread(target=read)
        reader.start()
        connection.sendall(LIVE * n_requests)
        reader.join(60)
    assert received.count(b"HTTP/1.1 200 OK") == n_requests


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_queued_requests_take_no_memory(service: RunningService) -> None:
    """On one connection, whose responses are read concurrently."""
    server = Server(service.process.pid, "", 0.0)
    before = server.memory_megabytes()
    with connect(service) as connection, ThreadPoolExecutor(1) as thread:
        reading = thread.submit(read_to_end, connection)
        ends = time.monotonic() + 3
        with contextlib.suppress(OSError):
            connection.settimeout(3)
            while time.monotonic() < ends:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
                time.sleep(0.005)
        most = server.memory_megabytes()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        assert b"HTTP/1.1 200" in reading.result()
    assert most - before < MAX_GROWTH_MEGABYTES


@pytest.mark.parametrize(
    "rubbish",
    [b"rubbish\r\n\r\n", b"\0", post(b"Transfer-Encoding: chunked", b"x\r\n")],
    ids=["no head", "NUL", "no chunk"],
)
def test_valid_request_before_invalid_bytes_gets_its_response(
    connection: socket.socket, rubbish: bytes
) -> None:
    connection.sendall(REQUEST + LIVE + rubbish)
    assert statuses(read_to_end(connection)) == [200, 200, 400]


def test_disconnected_client_is_no_server_error(service: RunningService) -> None:
    for _ in range(50):
        with connect(service) as connection:
            connection.sendall(REQUEST * 2)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert service.client.get("/health/live").status_code == 200
    metrics = service.client.get("/metrics").text
    counts = re.findall(r'newswire_http_requests_total{.*status="(\d)\d\d".*} ([\d.]+)', metrics)
    assert sum(float(count) for status, count in counts if status == "2") > 0
    assert sum(float(count) for status, count in counts if status == "5") == 0


# headers (RFC 9112, 3.2)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /health/live HTTP/1.1\r\n", 400),
        (b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        (b"GET /health/live HTTP/1.0\r\n", 200),
        (b"GET /health/live HTTP/1.0\r\nHost: a\r\nHost: b\r\n", 400),
        (b"GET http://a HTTP/1.1\r\nHost: a\r\n", 200),
        (b"GET http://a?top_k=1 HTTP/1.1\r\nHost: a\r\n", 200),
        (b"GET http://a/health/live HTTP/1.1\r\nHost: a\r\n", 200),
        (b"GET /health/live HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n", 400),
        (b"GET /health/live HTTP/1.1\r\nHost: a\r\n" + b"a:\r\n" * 100, 431),
        (b"GET /health/live HTTP/1.1\r\nHost: a\r\n" + b"a:\r\n" * 99, 200),
        (b"GET /health/live HTTP/1.1\r\nHost: a\r\nA: %b\r\n" % (b"a" * 15_000), 200),
        (b"GET /health/live HTTP/1.1\r\nHost: a\r\nA: %b\r\n" % (b"a" * 19_000), 431),
    ],
)  # fmt: skip
def test_status_of_headers(connection: socket.socket, head: bytes, status: int) -> None:
    connection.sendall(head + b"\r\n")
    assert statuses(read_to_end(connection)) == [status]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_heads_that_never_end_take_no_memory(service: RunningService) -> None:
    """Many connections, each with too many header fields."""
    server = Server(service.process.pid, "", 0.0)
    before = most = server.memory_megabytes()
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            connection = stack.enter_context(connect(service))
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 15_000)
            most = max(most, server.memory_megabytes())
        assert service.client.get("/health/live").status_code == 200
        most = max(most, server.memory_megabytes())
    assert most - before < MAX_GROWTH_MEGABYTES


# the end of a connection


@pytest.mark.parametrize("request_", [REQUEST, LIVE, REQUEST * 3], ids=["POST", "GET", "three"])
def test_half_closed_client_gets_its_response(connection: socket.socket, request_: bytes) -> None:
    connection.sendall(request_)
    connection.shutdown(socket.SHUT_WR)
    assert statuses(read_to_end(connection)) == [200] * (3 if request_ == REQUEST * 3 else 1)


@pytest.mark.parametrize("cut", [10, len(REQUEST) - 5], ids=["head", "body"])
def test_truncated_request_is_rejected(connection: socket.socket, cut: int) -> None:
    connection.sendall(LIVE + REQUEST[:cut])
    connection.shutdown(socket.SHUT_WR)
    assert statuses(read_to_end(connection)) == [200, 400]


@pytest.mark.parametrize(
    ("path", "headers", "size", "status"),
    [
        (b"/classify", b"", 8 * MEGABYTE, 415),
        (b"/nothing", JSON, 8 * MEGABYTE, 404),
        (b"/topics", JSON, 8 * MEGABYTE, 405),
        (b"/classify", JSON, 30 * MEGABYTE, 413),
        (b"/classify", JSON, MEGABYTE, 401),
        (b"/classify", JSON, 8 * MEGABYTE, 401),
    ],
)
def test_early_response_is_readable_while_the_client_sends(
    service: RunningService,
    locked: RunningService,
    path: bytes,
    headers: bytes,
    size: int,
    status: int,
) -> None:
    headers = headers.removeprefix(b"Host: a\r\n")
    head = headers + b"Connection: close\r\nContent-Length: %d" % size
    for _ in range(5):
        with connect(locked if status == 401 else service) as connection:
            connection.sendall(post(head, b"", path))
            time.sleep(0.01)
            connection.sendall(b"a" * size)
            assert statuses(read_to_end(connection)) == [status]


@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"], ids=["sends", "waits"])
def test_excessive_content_length_is_rejected_at_once(
    connection: socket.socket, expects: bytes
) -> None:
    connection.sendall(post(JSON[9:] + expects + b"Content-Length: 10000000000", b""))
    connection.settimeout(2)
    assert statuses(connection.recv(65_536)) == [413]


@pytest.mark.parametrize("n_words", [1, 3_000], ids=["short", "parsed in pieces"])
def test_zeros_before_a_content_length_change_nothing(
    connection: socket.socket, n_words: int
) -> None:
    body = b'{"text": "%b"}' % (b"oil " * n_words)
    length = b"Content-Length: %b%d \t" % (b"0" * 5_000, len(body))
    connection.sendall(post(JSON[9:] + length, body) + LIVE)
    assert statuses(read_to_end(connection)) == [200, 200]


def test_body_may_be_omitted_after_an_early_response_to_100_continue(
    connection: socket.socket,
) -> None:
    """The client may also send it, so the connection is closed."""
    connection.sendall(post(JSON[9:] + b"Expect: 100-continue\r\nContent-Length: 99999999", b""))
    time.sleep(0.1)
    connection.sendall(TOPICS)
    received = read_to_end(connection)
    assert statuses(received) == [413]
    assert b"connection: close" in received


def test_http_1_0_gets_no_100_continue(connection: socket.socket) -> None:
    head = post(JSON[9:] + b"Expect: 100-continue\r\nContent-Length: %d" % len(BODY), b"")
    connection.sendall(head.replace(b"HTTP/1.1", b"HTTP/1.0"))
    time.sleep(0.1)
    connection.sendall(BODY)
    assert statuses(read_to_end(connection)) == [200]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("pause", [0.004, 0.05, 0.15])
def test_repeated_stop_signals_change_nothing(stop: signal.Signals, pause: float) -> None:
    with RunningService(errors=subprocess.PIPE) as service, connect(service) as connection:
        connection.sendall(LIVE)
        connection.recv(65_536)
        ends = time.monotonic() + 20
        while service.process.poll() is None and time.monotonic() < ends:
            service.process.send_signal(stop)
            time.sleep(pause)
        errors = service.stop_and_read_errors()
        assert service.process.returncode == 0
        assert "Traceback" not in errors
        assert "Exception" not in errors


def test_stalled_body_does_not_delay_the_shutdown() -> None:
    with RunningService(errors=subprocess.PIPE) as service, contextlib.ExitStack() as stack:
        stalled = [stack.enter_context(connect(service)) for _ in range(5)]
        for connection in stalled:
            connection.sendall(post(JSON[9:] + b"Content-Length: 100", b"{"))
        assert service.client.post("/classify", json={"text": "Crude oil."}).status_code == 200
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert [statuses(read_to_end(connection)) for connection in stalled] == [[503]] * 5
        for connection in stalled:
            connection.close()
        errors = service.stop_and_read_errors()
        assert time.monotonic() - began < 4  # of eight that requests in progress have
        assert service.process.returncode == 0
        assert "Traceback" not in errors
