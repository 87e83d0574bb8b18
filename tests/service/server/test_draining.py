import http.client
import json
import signal
import socket
import threading
import time
from unittest.mock import Mock

import httpx2
import pytest
import uvicorn
from fastapi.testclient import TestClient

from service.app import NewswireApp
from service.observability.health import ServiceHealth
from service.reload.watcher import ModelWatcher
from service.server.draining import DrainingServer
from tests.end_to_end.running_service import RunningService
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

TEXT = {"text": "OPEC ministers agreed to cut crude oil output."}
READINESS = ("/health/ready", "/v2/health/ready", "/v2/models/reuters/ready")


@pytest.mark.usefixtures("registry")  # an application of its own
@pytest.mark.parametrize("path", READINESS)
def test_readiness_fails_once_marked_draining(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200
    app = client.app
    assert isinstance(app, NewswireApp)
    app.health.mark_draining()
    response = client.get(path)
    assert response.status_code == 503
    assert response.json()["ready" if path.startswith("/v2") else "status"] in {False, "stopping"}
    assert client.get("/health/live").status_code == 200
    assert client.post("/classify", json=TEXT).status_code == 200


def test_not_ready_from_the_stop_signal_on() -> None:
    health = ServiceHealth()
    config = uvicorn.Config(None)  # type: ignore[arg-type]
    watcher = Mock(spec=ModelWatcher)
    server = DrainingServer(config, health, watcher, drain_seconds=60)
    server.handle_exit(signal.SIGTERM, None)
    assert not health.ready


def begin_to_drain(service: RunningService, stop: signal.Signals = signal.SIGINT) -> None:
    """Send a signal; return once it drains."""
    service.process.send_signal(stop)
    wait_until(lambda: service.client.get("/health/ready").status_code == 503, "not ready")
    wait_until(
        lambda: service.client.get("/health/live").headers.get("connection") == "close", "drains"
    )


def test_responses_close_their_connections_while_draining() -> None:
    """A kept connection could carry a request at the moment in which it is closed."""
    with RunningService(NEWSWIRE_DRAIN_SECONDS="60") as service:
        paths = ("/health/live", "/metrics", "/nowhere")
        for path in paths:
            assert "connection" not in service.client.get(path).headers
        assert "connection" not in service.client.post("/classify", json=TEXT).headers
        begin_to_drain(service)
        for path in paths:
            assert service.client.get(path).headers["connection"] == "close"
        for content in (TEXT, {"text": ""}):
            response = service.client.post("/classify", json=content)
            assert response.headers["connection"] == "close"
        first = response.headers["date"]

        def date_has_changed() -> bool:  # uvicorn makes its default headers again
            headers = service.client.get("/health/live").headers
            assert headers["connection"] == "close"
            return bool(headers["date"] != first)

        wait_until(date_has_changed, "a later Date")
        assert service.client.post("/classify", json=TEXT).headers["connection"] == "close"
        assert service.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("seconds", [0, 1.2], ids=["just begun", "older than the Date header"])
def test_response_to_a_request_in_progress_closes_its_connection(seconds: float) -> None:
    body = json.dumps(TEXT).encode()
    with RunningService(
        NEWSWIRE_DRAIN_SECONDS="60", NEWSWIRE_REQUEST_TIMEOUT_SECONDS="60"
    ) as service:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
        connection.putrequest("POST", "/classify")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:10])
        time.sleep(seconds)
        begin_to_drain(service)
        connection.send(body[10:])
        response = connection.getresponse()
        assert response.status == 200
        assert response.headers["connection"] == "close"
        connection.close()
        assert service.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serves_for_the_drain_time(stop: signal.Signals) -> None:
    with RunningService(NEWSWIRE_DRAIN_SECONDS="5") as service:
        begin_to_drain(service, stop)
        for _ in range(5):  # of new connections, too
            address = f"http://127.0.0.1:{service.port}/classify"
            assert httpx2.post(address, json=TEXT).status_code == 200
        assert service.process.poll() is None
        assert service.process.wait(timeout=20) == 0


def test_second_interrupt_ends_the_draining() -> None:
    with RunningService(NEWSWIRE_DRAIN_SECONDS="60") as service:
        begin_to_drain(service)
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(timeout=20) == 0


def test_no_request_is_lost_while_draining() -> None:
    """Clients check the readiness before each request, as a load balancer does."""
    outcomes: list[int | str] = []

    def ask(url: str) -> None:
        with httpx2.Client(base_url=url, timeout=30) as client:
            while client.get("/health/ready").status_code == 200:
                try:
                    outcomes.append(client.post("/classify", json=TEXT).status_code)
                except httpx2.TransportError as error:
                    outcomes.append(repr(error))

    with RunningService(NEWSWIRE_DRAIN_SECONDS="2") as service:
        url = f"http://127.0.0.1:{service.port}"
        clients = [threading.Thread(target=ask, args=(url,)) for _ in range(4)]
        for client in clients:
            client.start()
        wait_until(lambda: len(outcomes) > 20, "requests succeed", 20)
        service.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(timeout=20)
        assert service.process.wait(timeout=20) == 0
    assert set(outcomes) == {200}


@pytest.mark.parametrize(("before_headers", "before_body"), [(0, 0), (0.5, 0), (0, 0.5)])
def test_no_request_of_a_new_connection_is_lost_at_the_end(
    before_headers: float, before_body: float
) -> None:
    """Clients that do not look at the readiness and connect until the port is closed."""
    body = json.dumps(TEXT).encode()
    head = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n" % len(body)
    outcomes: list[bytes | str] = []

    def ask(address: tuple[str, int]) -> None:
        while True:
            try:
                connection = socket.create_connection(address, timeout=20)
            except ConnectionRefusedError:
                return
            with connection:
                try:
                    time.sleep(before_headers)
                    connection.sendall(head + b"Content-Type: application/json\r\n\r\n")
                    time.sleep(before_body)
                    connection.sendall(body)
                    outcomes.append(connection.recv(65_536)[9:12])
                except OSError as error:
                    outcomes.append(repr(error))

    with RunningService(NEWSWIRE_DRAIN_SECONDS="1") as service:
        address = ("127.0.0.1", service.port)
        clients = [threading.Thread(target=ask, args=(address,)) for _ in range(24)]
        for client in clients:
            client.start()
            time.sleep(0.02)  # some are in each pause when the port is closed
        service.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(timeout=30)
        assert service.process.wait(timeout=20) == 0
    assert set(outcomes) <= {b"200", b"429"}
    assert outcomes.count(b"200") > len(clients)
