"""Slow clients, over real connections."""

import contextlib
import re
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from tests.end_to_end.running_service import RunningService

pytestmark = pytest.mark.slow

JSON = b"Host: a\r\nContent-Type: application/json\r\n"
BODY = b'{"text": "Crude oil rose."}'
REQUEST = b"POST /classify HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (JSON, len(BODY), BODY)
LIVE = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
SLOW_BODY = b"POST /classify HTTP/1.1\r\n" + JSON + b"Content-Length: 100\r\n\r\n{"
SLOW_CHUNKS = (
    b"POST /classify HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
)
PATIENCE_SECONDS = 20


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    with RunningService(
        NEWSWIRE_HEADER_TIMEOUT_SECONDS="0.5",
        NEWSWIRE_REQUEST_TIMEOUT_SECONDS="0.5",
        NEWSWIRE_KEEP_ALIVE_SECONDS="1",
        NEWSWIRE_MAX_TEXT_BYTES="1000",
    ) as service:
        yield service


@pytest.fixture
def connection(service: RunningService) -> Iterator[socket.socket]:
    with connect(service) as connection:
        yield connection


def connect(service: RunningService) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_SECONDS)


def read_to_end(connection: socket.socket) -> bytes:
    """Return what is received until the service closes; fail if it does not."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def dribble(connection: socket.socket, piece: bytes) -> bytes:
    """Send a piece again and again until the service closes."""
    received = b""
    connection.settimeout(0.1)
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends:
        try:
            connection.sendall(piece)
            more = connection.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionError:
            return received
        if not more:
            return received
        received += more
    pytest.fail(f"the service did not close; it sent {received!r}")


def is_refused(connection: socket.socket, piece: bytes) -> bool:
    """Whether the connection is closed; wait briefly if it is not."""
    try:
        connection.sendall(piece)
    except ConnectionError:
        return True
    time.sleep(0.1)
    return False


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", received)]


def test_idle_new_connection_is_closed(connection: socket.socket) -> None:
    assert read_to_end(connection) == b""


@pytest.mark.parametrize("before", [b"", REQUEST], ids=["first", "later"])
def test_slow_headers_time_out(connection: socket.socket, before: bytes) -> None:
    connection.sendall(before + b"POST /classify HTTP/1.1\r\n")
    received = dribble(connection, b"X-Slow: a\r\n")
    assert statuses(received) == [*([200] if before else []), 408]
    assert b"connection: close" in received
    assert received.endswith(b"The request was not received in time.")


@pytest.mark.parametrize("head", [SLOW_BODY, SLOW_CHUNKS], ids=["declared", "chunked"])
def test_slow_body_times_out(connection: socket.socket, head: bytes) -> None:
    connection.sendall(head)
    received = read_to_end(connection)
    assert statuses(received) == [408]
    assert b"urn:newswire-topics:problem:body-timeout" in received


def test_keep_alive_connection_times_out(connection: socket.socket) -> None:
    connection.sendall(LIVE)
    began = time.monotonic()
    assert statuses(read_to_end(connection)) == [200]
    assert time.monotonic() - began > 0.8  # later than the headers would time out


def test_idle_time_counts_from_the_end_of_a_body_that_follows_its_response(
    connection: socket.socket,
) -> None:
    connection.sendall(b"POST /live HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
    assert statuses(connection.recv(65_536)) == [404]
    began = time.monotonic()
    connection.sendall(b"67890")
    assert read_to_end(connection) == b""
    assert time.monotonic() - began > 0.8  # later than the headers would time out


def test_idle_time_counts_from_the_last_response(connection: socket.socket) -> None:
    connection.sendall(LIVE)
    time.sleep(0.6)  # the timer of the first response is still running
    began = time.monotonic()
    connection.sendall(LIVE)
    assert statuses(read_to_end(connection)) == [200, 200]
    assert time.monotonic() - began > 0.8


@pytest.mark.parametrize(
    ("head", "piece", "status"),
    [
        (JSON + b"Content-Length: 100000000\r\n\r\n" + b" " * 8_000, b" ", 413),
        (JSON + b"Transfer-Encoding: chunked\r\n\r\n1f40\r\n" + b" " * 8_000 + b"\r\n",
         b"1\r\n \r\n", 413),
        (b"Host: a\r\nContent-Length: 100000000\r\n\r\n", b" ", 415),
    ],
    ids=["declared", "chunked", "of another type"],
)  # fmt: skip
def test_client_that_sends_on_after_a_rejection_is_disconnected(
    connection: socket.socket, head: bytes, piece: bytes, status: int
) -> None:
    connection.sendall(b"POST /classify HTTP/1.1\r\n" + head)
    assert statuses(dribble(connection, piece)) == [status]


def test_connection_is_reused_after_a_rejected_request(
    connection: socket.socket,
) -> None:
    body = b" " * 10_000
    head = b"POST /classify HTTP/1.1\r\n" + JSON + b"Content-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head + body + REQUEST)
    assert statuses(read_to_end(connection)) == [413, 200]


def test_endless_headers_are_rejected(connection: socket.socket) -> None:
    connection.sendall(b"GET /health/live HTTP/1.1\r\n")
    received = b""
    with contextlib.suppress(ConnectionError):
        for _ in range(5_000):  # 5 MB, quicker than any time limit
            connection.sendall(b"X-Long: " + b"a" * 1_000 + b"\r\n")
    with contextlib.suppress(ConnectionError):
        received = read_to_end(connection)
    assert statuses(received) in ([431], [])  # a reset may overtake it


def test_100_continue(connection: socket.socket) -> None:
    head, _, body = REQUEST.partition(b"\r\n\r\n")
    connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
    assert connection.recv(65_536).startswith(b"HTTP/1.1 100 ")
    connection.sendall(body)
    assert statuses(read_to_end(connection)) == [200]


def test_complete_requests_get_responses_before_an_incomplete_one_times_out(
    connection: socket.socket,
) -> None:
    connection.sendall(REQUEST + b"GET / HT")
    assert statuses(read_to_end(connection)) == [200, 408]


def test_unread_response_times_out(service: RunningService) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(("127.0.0.1", service.port))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
        # sending fails once the connection is closed
        assert any(is_refused(connection, b"\r\n") for _ in range(10 * PATIENCE_SECONDS))


def test_service_is_healthy_afterwards(service: RunningService) -> None:
    response = service.client.post(
        "/classify", content=BODY, headers={"content-type": "text/plain"}
    )
    assert response.status_code == 200
    metrics = service.client.get("/metrics").text
    assert "newswire_requests_in_progress 0.0" in metrics


def test_slow_clients_do_not_delay_the_shutdown() -> None:
    """Several of each kind; complete requests get responses, and the shutdown is on time."""
    with (
        RunningService(NEWSWIRE_SHUTDOWN_TIMEOUT_SECONDS="1") as service,
        contextlib.ExitStack() as stack,
    ):
        for piece in (b"", b"POST / HT", SLOW_BODY, SLOW_CHUNKS, LIVE, REQUEST + b"GET"):
            for _ in range(5):
                stack.enter_context(connect(service)).sendall(piece)
        assert service.client.post("/classify", json={"text": "Crude oil."}).status_code == 200
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=PATIENCE_SECONDS) == 0
