import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import LATEST, ROOT
from tests.end_to_end.running_service import RunningService


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
    assert_refused(shown, "expected a model bundle or a folder of them, nothing is there")


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
        service.stop()
        assert service.process.stderr is not None
        shown = service.process.stderr.read().decode()
        service.process.stderr.close()
    lines = [json.loads(line) for line in shown.splitlines()]
    assert "Zebras" not in shown
    (line,) = [line for line in lines if line.get("route") == "/classify"]
    assert line["status"] == 200
    assert line["request_id"] == "r-1"
    assert any(line["message"].startswith("Serving reuters") for line in lines)


def test_it_serves_without_standard_error() -> None:
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-m", "service"]
    with RunningService(command, NEWSWIRE_ACCESS_LOG="true") as service:
        for _ in range(3):
            answer = service.client.post("/classify", json={"text": "Crude oil prices rose."})
            assert answer.status_code == 200
        assert service.stop() == 0


def test_a_port_that_is_taken_is_a_failure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        shown = run(NEWSWIRE_PORT=str(taken.getsockname()[1]))
    assert shown.returncode not in {0, 2}
    assert f"Serving reuters {LATEST.name} of models/reuters" in shown.stderr
    assert "address already in use" in shown.stderr


@pytest.fixture
def service() -> Iterator[RunningService]:
    with RunningService() as service:
        yield service


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_told_to_stop(service: RunningService, stop: signal.Signals) -> None:
    answer = service.client.post("/classify", json={"text": "Crude oil prices rose."})
    assert answer.status_code == 200
    assert "newswire_http_requests_total" in service.client.get("/metrics").text
    assert service.stop(stop) == 0
