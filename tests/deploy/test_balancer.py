"""``deploy/nginx.conf`` in a real nginx: the service's limits hold behind it.

That it passes over a replica that goes away is for several replicas to show: tests/compose.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
import yaml

from service.api.request_body import JSON_EXPANSION, JSON_OVERHEAD_BYTES
from service.settings import ServiceSettings
from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService
from tests.ports import free_port
from tests.waiting import wait_until

CONFIGURATION = (ROOT / "deploy" / "nginx.conf").read_text()
NGINX = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
MAX_BODY_BYTES = 6_001_024
REQUEST_SECONDS = 2
"""Of the service behind it: how long a body may take."""
CLIENTS = 10


class Balancer:
    """nginx with the configuration as it is, but for addresses and folders."""

    def __init__(self, folder: Path, replica: int) -> None:
        self.port = free_port()
        self.folder = folder
        text = CONFIGURATION
        for old, new in (
            ("/tmp/", f"{folder}/"),  # noqa: S108 - of the container
            ("listen 8080;", f"listen 127.0.0.1:{self.port};"),
            ("set $replicas service;", "set $replicas 127.0.0.1;"),
            ("http://$replicas:8000", f"http://$replicas:{replica}"),
        ):
            assert old in text
            text = text.replace(old, new)
        self._configuration = folder / "nginx.conf"
        self._configuration.write_text(text)

    def __enter__(self) -> "Balancer":
        command = [str(NGINX), "-c", str(self._configuration), "-g", "daemon off;"]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_until(self._listens, "nginx listens")
        return self

    def _listens(self) -> bool:
        assert self._process.poll() is None
        try:
            self.connect().close()
        except ConnectionRefusedError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def status(self, path: str) -> int:
        return httpx2.get(self.url(path)).status_code

    def files(self) -> list[Path]:
        """Files with requests and responses."""
        return [path for path in self.folder.glob("*/**/*") if path.is_file()]


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    folder = tmp_path_factory.mktemp("nginx")
    with (
        RunningService(NEWSWIRE_REQUEST_TIMEOUT_SECONDS=str(REQUEST_SECONDS)) as service,
        Balancer(folder, service.port) as balancer,
    ):
        yield balancer


def head(n_bytes: int) -> bytes:
    return (
        b"POST /classify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % n_bytes
    )


def received(connection: socket.socket) -> bytes:
    """Read to the end of the connection, which a reset is, too."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def test_body_limit_equals_that_of_the_service() -> None:
    limit = JSON_EXPANSION * ServiceSettings().max_text_bytes + JSON_OVERHEAD_BYTES
    assert re.findall(r"client_max_body_size (\d+);", CONFIGURATION) == [str(limit)]
    assert limit == MAX_BODY_BYTES


def test_temporary_folder_is_bounded() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert compose["services"]["balancer"]["tmpfs"] == ["/tmp:size=1m"]  # noqa: S108


def test_requests_are_proxied(balancer: Balancer) -> None:
    item = {"text": "OPEC ministers agreed to cut crude oil production."}
    answer = httpx2.post(balancer.url("/classify"), json=item)
    assert answer.json()["topic"] == "crude"
    answer = httpx2.post(balancer.url("/classify/batch"), json={"items": [item] * 256})
    assert [each["topic"] for each in answer.json()["answers"]] == ["crude"] * 256


@pytest.mark.parametrize(("n_bytes", "server"), [(MAX_BODY_BYTES, None), (MAX_BODY_BYTES + 1, "")])
def test_a_body_over_the_limit_does_not_reach_the_service(
    balancer: Balancer, n_bytes: int, server: str | None
) -> None:
    """Of the limit it is judged by the service, which says what is wrong; above it is not read."""
    with balancer.connect() as connection:
        connection.sendall(head(n_bytes))
        if server is None:
            connection.sendall(b" " * n_bytes)
            assert b"urn:newswire-topics:problem:" in received_head(connection)
        else:
            shown = received(connection)
            assert shown.startswith(b"HTTP/1.1 413 ")
            assert b"urn:newswire-topics" not in shown


def received_head(connection: socket.socket) -> bytes:
    shown = b""
    while b"urn:" not in shown and (part := connection.recv(65_536)):
        shown += part
    return shown


def test_slow_bodies_time_out_as_without_balancer(balancer: Balancer) -> None:
    """A byte each half second comes in time for nginx; the service counts the whole body's time."""

    def trickle(_: int) -> tuple[bytes, float]:
        began = time.monotonic()
        with balancer.connect() as connection:
            connection.settimeout(0.5)
            connection.sendall(head(MAX_BODY_BYTES - 1))
            shown = b""
            while time.monotonic() < began + 30:
                try:
                    connection.sendall(b" ")
                    part = connection.recv(65_536)
                except TimeoutError:
                    continue
                except OSError:
                    break
                if not part:
                    break
                shown += part
            return shown, time.monotonic() - began

    with ThreadPoolExecutor(CLIENTS) as pool:
        outcomes = list(pool.map(trickle, range(CLIENTS)))
    for shown, seconds in outcomes:
        assert shown.startswith(b"HTTP/1.1 408 ")
        assert seconds < REQUEST_SECONDS + 5
    assert balancer.files() == []


def test_endless_headers_time_out(balancer: Balancer) -> None:
    began = time.monotonic()
    with balancer.connect() as connection:
        connection.sendall(b"GET /topics HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        received(connection)
    assert 3 < time.monotonic() - began < 10


def test_connections_per_address_are_limited(balancer: Balancer) -> None:
    with ExitStack() as connections:
        for _ in range(70):
            connection = connections.enter_context(balancer.connect())
            connection.sendall(head(1_000))
        wait_until(lambda: balancer.status("/topics") == 429, "too many requests")
    wait_until(lambda: balancer.status("/topics") == 200, "requests are accepted again")


def test_long_bodies_are_not_written_to_disk(balancer: Balancer) -> None:
    with balancer.connect() as connection:
        connection.sendall(head(2_000_000))
        connection.sendall(b" " * 1_900_000)
        time.sleep(0.3)
        assert balancer.files() == []
