import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import httpx2
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from service.__main__ import build_app
from service.model import TopicClassifier
from service.settings import ServiceSettings
from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService
from tests.hostile_bundles import (
    NETWORKS,
    Damage,
    declare,
    edit_network,
    edit_vocabulary,
    rewrite,
)
from tests.ports import free_port

pytestmark = pytest.mark.slow


def run(**settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service"],
        env=os.environ | settings,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_refused(shown: subprocess.CompletedProcess[str], message: str) -> None:
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert shown.stderr.startswith("error: ")
    assert shown.stderr.count("\n") == 1
    assert message in shown.stderr


def test_no_bundle_is_one_line_and_status_2(tmp_path: Path) -> None:
    shown = run(NEWSWIRE_MODEL_DIR=str(tmp_path / "absent"))
    assert_refused(shown, "expected a model bundle or a folder of them, not found")


def test_an_altered_bundle_is_one_line_and_status_2(bundle_copy: Path) -> None:
    (bundle_copy / "vocabulary.json").write_text("{}")
    assert_refused(run(NEWSWIRE_MODEL_DIR=str(bundle_copy)), "vocabulary.json: altered")


def test_a_wrong_setting_is_one_line_and_status_2() -> None:
    assert_refused(run(NEWSWIRE_PORT="eighty"), "NEWSWIRE_PORT: Input should be a valid integer")


def test_an_empty_setting_is_the_default() -> None:
    """Compose files write ``${VARIABLE:-}``."""
    assert_refused(run(NEWSWIRE_PORT="", NEWSWIRE_MODEL_DIR="/none"), "NEWSWIRE_MODEL_DIR: /none")


def test_log_lines_are_json_and_never_hold_the_text() -> None:
    with RunningService(NEWSWIRE_ACCESS_LOG="true", errors=subprocess.PIPE) as service:
        service.client.post("/classify", json={"text": "Zebras."}, headers={"X-Request-ID": "r-1"})
        shown = service.stop_and_read_errors()
    lines = [json.loads(line) for line in shown.splitlines()]
    assert "Zebras" not in shown
    (line,) = [line for line in lines if line.get("route") == "/classify"]
    assert line["status"] == 200
    assert line["request_id"] == "r-1"
    assert any(line["message"].startswith("serving reuters") for line in lines)


def test_it_serves_without_standard_error() -> None:
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-m", "service"]
    with RunningService(command, NEWSWIRE_ACCESS_LOG="true") as service:
        for _ in range(3):
            answer = service.client.post("/classify", json={"text": "Crude oil prices rose."})
            assert answer.status_code == 200
        assert service.stop() == 0


@pytest.mark.parametrize("name", ["NEWSWIRE_PORT", "NEWSWIRE_METRICS_PORT"])
def test_a_port_that_is_taken_is_one_line_and_status_2(name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        shown = run(**{"NEWSWIRE_PORT": str(free_port()), name: str(port)})
    assert_refused(shown, f"{name}: 127.0.0.1:{port}: Address already in use")


@pytest.mark.parametrize("host", ["no such host", "nowhere.invalid", "." * 70])
def test_an_address_that_is_none_is_one_line_and_status_2(host: str) -> None:
    assert_refused(run(NEWSWIRE_HOST=host), f"NEWSWIRE_PORT: {host}:8000: ")
    port = str(free_port())
    shown = run(NEWSWIRE_PORT=port, NEWSWIRE_METRICS_PORT="8001", NEWSWIRE_METRICS_HOST=host)
    assert_refused(shown, f"NEWSWIRE_METRICS_PORT: {host}:8001: ")


def test_a_setting_that_does_not_exist_is_one_line_and_status_2() -> None:
    shown = run(NEWSWIRE_API_KEY="a-key-of-16-chars")
    assert_refused(shown, "NEWSWIRE_API_KEY: unknown setting, did you mean NEWSWIRE_API_K")
    assert "a-key-of-16-chars" not in shown.stderr


def test_metrics_may_have_a_port_of_their_own() -> None:
    port = free_port()
    with RunningService(NEWSWIRE_METRICS_PORT=str(port)) as service:
        for _ in range(3):
            assert service.client.post("/classify", json={"text": "Crude oil."}).is_success
        shown = httpx2.get(f"http://127.0.0.1:{port}/metrics")
        assert shown.headers["content-type"].startswith("text/plain; version=")
        counted = 'newswire_http_requests_total{route="/classify",status="200"} 3.0'
        assert counted in shown.text
        assert httpx2.post(f"http://127.0.0.1:{port}/metrics").status_code == 405
        assert service.client.get("/metrics").status_code == 404
        assert "/metrics" not in service.client.get("/openapi.json").json()["paths"]
        assert service.stop() == 0
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"http://127.0.0.1:{port}/metrics")


def test_silent_clients_of_the_metrics_port_take_no_thread_and_are_cut() -> None:
    """50 that send nothing, 50 that send half of a request, and 50 whose body never ends."""
    begun = (
        b"",
        b"GET /metrics HTTP/1.1\r\nHost: a\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\nx",
    )
    port = free_port()
    with (
        RunningService(
            NEWSWIRE_METRICS_PORT=str(port), NEWSWIRE_HEADER_TIMEOUT_SECONDS="1"
        ) as service,
        ExitStack() as connections,
    ):
        url = f"http://127.0.0.1:{port}/metrics"
        assert httpx2.get(url).status_code == 200
        before = n_threads(service.process.pid)
        clients = []
        for sent in begun * 50:
            client = connections.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(sent)
            clients.append(client)
        shown = httpx2.get(url, timeout=2)
        assert shown.status_code == 200
        assert n_threads(service.process.pid) == before
        for client in clients:
            client.settimeout(10)
            while client.recv(65_536):
                pass
        assert service.stop() == 0


def n_threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def test_metrics_port_serves_metrics_and_nothing_else() -> None:
    port = free_port()
    with RunningService(NEWSWIRE_METRICS_PORT=str(port)):
        url = f"http://127.0.0.1:{port}"
        head = httpx2.head(f"{url}/metrics")
        assert head.status_code == 200
        assert head.content == b""
        assert int(head.headers["content-length"]) > 10_000
        assert httpx2.get(url).status_code == 404
        accept = {"Accept": "application/openmetrics-text"}
        assert httpx2.get(f"{url}/metrics", headers=accept).text.endswith("# EOF\n")


def test_metrics_are_consistent_under_load() -> None:
    """Asked from other threads than those that count: what is counted only grows, nothing fails."""
    port = free_port()
    with RunningService(NEWSWIRE_METRICS_PORT=str(port)) as service:
        stop = threading.Event()
        statuses: list[int] = []

        def ask() -> None:
            url = f"http://127.0.0.1:{service.port}"
            with httpx2.Client(base_url=url, timeout=30) as client:
                while not stop.is_set():
                    answer = client.post("/classify", json={"text": "Crude oil."})
                    statuses.append(answer.status_code)

        clients = [threading.Thread(target=ask) for _ in range(3)]
        for client in clients:
            client.start()
        before = 0.0
        for _ in range(50):
            shown = httpx2.get(f"http://127.0.0.1:{port}/metrics")
            assert shown.status_code == 200
            families = text_string_to_metric_families(shown.text)
            now = sum(
                sample.value
                for family in families
                for sample in family.samples
                if sample.name == "newswire_predictions_total"
            )
            assert now >= before
            before = now
        stop.set()
        for client in clients:
            client.join(timeout=30)
        shown = httpx2.get(f"http://127.0.0.1:{port}/metrics")
    assert set(statuses) == {200}
    assert f'newswire_http_requests_total{{route="/classify",status="200"}} {len(statuses)}.0' in (
        shown.text
    )


def test_one_port_for_both_is_refused() -> None:
    assert_refused(run(NEWSWIRE_METRICS_PORT="8000"), "Expected a port other than NEWSWIRE_PORT")


def test_a_wrong_key_is_refused_and_not_shown() -> None:
    shown = run(NEWSWIRE_API_KEYS="a-good-key-of-24-letters,too-short")
    assert_refused(shown, "NEWSWIRE_API_KEYS: Expected keys of at least 16 visible ASCII")
    assert "too-short" not in shown.stderr
    assert "a-good-key" not in shown.stderr


def test_keys_are_never_logged() -> None:
    key = "a-good-key-of-24-letters"
    with RunningService(
        errors=subprocess.PIPE,
        NEWSWIRE_API_KEYS=key,
        NEWSWIRE_ACCESS_LOG="true",
        NEWSWIRE_LOG_LEVEL="debug",
    ) as service:
        for sent, status in ((key, 200), (key[::-1], 401)):
            headers = {"Authorization": f"Bearer {sent}"}
            assert service.client.get("/topics", headers=headers).status_code == status
        shown = service.stop_and_read_errors()
    assert "GET /topics 401" in shown
    assert key not in shown
    assert key[::-1] not in shown


@pytest.fixture
def service() -> Iterator[RunningService]:
    with RunningService() as service:
        yield service


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_stopped(service: RunningService, stop: signal.Signals) -> None:
    answer = service.client.post("/classify", json={"text": "Crude oil prices rose."})
    assert answer.status_code == 200
    assert "newswire_http_requests_total" in service.client.get("/metrics").text
    assert service.stop(stop) == 0


def put_a_pipe(bundle: Path) -> None:
    (bundle / "topics.json").unlink()
    os.mkfifo(bundle / "topics.json")


HOSTILE: Final[dict[str, tuple[Damage, str]]] = {
    "a path out of the bundle": (
        lambda bundle: declare(bundle, "../../etc/passwd"),
        "'../../etc/passwd' is not a plain path in the bundle",
    ),
    "a pipe": (
        put_a_pipe,
        "topics.json: expected a regular file",
    ),
    "an enormous file": (
        lambda bundle: os.truncate(bundle / "model.onnx", 10**12),
        "model.onnx: expected at most",
    ),
    "deep nesting": (
        lambda bundle: rewrite(bundle, "goldens.json", b"[" * 1_000_000),
        "goldens.json: expected at most 100000 objects and lists",
    ),
    "much nesting": (
        lambda bundle: rewrite(bundle, "goldens.json", b"[" + b"[[]]," * 5_000_000 + b"0]"),
        "goldens.json: expected at most 100000 objects and lists",
    ),
    "an enormous id": (
        lambda bundle: edit_vocabulary(bundle, zyzzyva=2**40),
        "vocabulary.json: vocabulary: expected ids up to 1000000, got",
    ),
    "no JSON": (lambda bundle: rewrite(bundle, "topics.json", b"NaN"), "topics.json: is not JSON"),
    "random bytes": (
        lambda bundle: rewrite(bundle, "model.onnx", os.urandom(1_000)),
        "model.onnx: onnxruntime rejects it",
    ),
    **{
        kind: (partial(edit_network, edit=edit), message)
        for kind, (edit, message) in NETWORKS.items()
    },
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_bundle_is_one_line_and_status_2(bundle_copy: Path, kind: str) -> None:
    damage, message = HOSTILE[kind]
    damage(bundle_copy)
    assert_refused(run(NEWSWIRE_MODEL_DIR=str(bundle_copy)), message)


def test_a_hang_up_is_no_end() -> None:
    with RunningService() as service:
        for _ in range(3):
            service.process.send_signal(signal.SIGHUP)
        assert service.client.get("/health/ready").status_code == 200
        assert service.stop() == 0


def test_document_is_built_before_the_port_opens(
    classifier: TopicClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build_app(ServiceSettings(), classifier)
    monkeypatch.setattr(app.api, "openapi", lambda: pytest.fail("built for a request"))
    assert TestClient(app).get("/openapi.json").status_code == 200
