"""Traces of the service as a process: off, on, wrongly set, and with a collector that fails."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from time import monotonic
from typing import Final

import pytest

from service.observability.tracing.startup import ENDPOINTS
from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService
from tests.ports import free_port
from tests.service.observability.tracing.receiver import attributes_of, receiving

pytestmark = pytest.mark.slow

ENDPOINT: Final = ENDPOINTS[-1]
TRACES_ENDPOINT: Final = ENDPOINTS[0]
TEXT: Final = {"text": "OPEC ministers agreed to cut crude oil output."}
SDK: Final = (
    "opentelemetry.sdk",
    "opentelemetry.exporter",
    "opentelemetry.proto",
    "google",
    "requests",
)
"""FastAPI imports OpenTelemetry's API, which does nothing."""
N_REQUESTS: Final = 200
MAX_STOP_SECONDS: Final = 8.0
"""The timeout of the last spans, and what a stop takes without them on a busy machine."""


@pytest.fixture
def sdk() -> None:
    if find_spec("opentelemetry.sdk") is None:
        pytest.skip("the extra 'tracing' is not installed")


def run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "variables", [{}, {ENDPOINT: "http://a:4318", "OTEL_SDK_DISABLED": "true"}]
)
def test_off_imports_nothing(variables: dict[str, str]) -> None:
    program = (
        "import os, sys; from pathlib import Path; "
        "from service.__main__ import build_app, start_tracing; "
        "from service.model import load_classifier; from service.settings import ServiceSettings; "
        "tracing = start_tracing(os.environ); "
        "build_app(ServiceSettings(), load_classifier(Path('models/reuters')), tracing); "
        f"print([name for name in sys.modules if name.startswith({SDK})])"
    )
    shown = run(program, **variables)
    assert shown.stderr == ""
    assert shown.stdout == "[]\n"


def test_the_missing_extra_is_one_line_and_status_2() -> None:
    program = (
        "import sys; sys.modules['opentelemetry.sdk'] = None; "
        "from service.__main__ import main; main()"
    )
    shown = run(program, **{ENDPOINT: "http://localhost:4318"})
    assert shown.returncode == 2
    assert shown.stderr.startswith(f"error: {ENDPOINT} is set, and the extra 'tracing' is not")
    assert "pip install 'newswire-topics[tracing]'" in shown.stderr
    assert shown.stderr.count("\n") == 1


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_TRACES_SAMPLER", "xray"),
        ("OTEL_TRACES_SAMPLER_ARG", "1 %"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1"),  # read at the import of the SDK
        (TRACES_ENDPOINT, "collector:4318"),
    ],
)
def test_a_wrong_variable_is_one_line_and_status_2(variable: str, value: str) -> None:
    variables = {ENDPOINT: "http://localhost:4318", "OTEL_TRACES_SAMPLER": "traceidratio"}
    shown = run("from service.__main__ import main; main()", **(variables | {variable: value}))
    assert shown.returncode == 2
    assert shown.stderr.startswith("error: ")
    assert shown.stderr.count("\n") == 1


@pytest.mark.usefixtures("sdk")
def test_the_last_spans_are_exported_and_the_log_names_them() -> None:
    variables = {"NEWSWIRE_ACCESS_LOG": "true", "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    with receiving() as receiver:
        variables[TRACES_ENDPOINT] = f"{receiver.url}/v1/traces"
        with RunningService(errors=subprocess.PIPE, **variables) as service:  # type: ignore[arg-type]
            assert service.client.post("/classify", json=TEXT).is_success
            assert receiver.bodies == []
            shown = service.stop_and_read_errors()
            assert service.process.returncode == 0
    (span,) = receiver.servers()
    assert attributes_of(span)["http.route"] == "/classify"
    lines = [json.loads(line) for line in shown.splitlines()]
    (line,) = [line for line in lines if line.get("route") == "/classify"]
    assert line["trace_id"] == span.trace_id.hex()
    assert all("trace_id" not in line for line in lines if line.get("route") == "/health/ready")


@pytest.fixture(params=["is absent", "never answers", "fails"])
def collector(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a collector that does not work."""
    if request.param == "is absent":
        yield f"http://127.0.0.1:{free_port()}"
    elif request.param == "fails":
        with receiving(status=503) as receiver:
            yield receiver.url
    else:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            yield f"http://127.0.0.1:{silent.getsockname()[1]}"


@pytest.mark.usefixtures("sdk")
def test_a_collector_that_fails_disturbs_nothing(collector: str) -> None:
    """The queue overflows: further spans are dropped, requests and log lines are not."""
    variables = {
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BSP_MAX_QUEUE_SIZE": "16",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8",
        ENDPOINT: collector,
    }
    with RunningService(errors=subprocess.PIPE, **variables) as service:  # type: ignore[arg-type]
        seconds = []
        for _ in range(N_REQUESTS):
            began = monotonic()
            assert service.client.post("/classify", json=TEXT).is_success
            seconds.append(monotonic() - began)
        began = monotonic()
        shown = service.stop_and_read_errors()
        assert monotonic() - began < MAX_STOP_SECONDS
        assert service.process.returncode == 0
    assert sorted(seconds)[N_REQUESTS * 9 // 10] < 0.5
    loggers = [json.loads(line)["logger"] for line in shown.splitlines()]
    assert sum(name.startswith(("opentelemetry", "urllib3")) for name in loggers) <= 1
    assert len(loggers) < 10
