"""The gRPC port of the service as a process: settings, stop, reload, and hostile connections."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from random import Random
from typing import Any, Final

import grpc
import pytest
from grpc import StatusCode
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from service.api.grpc import open_inference_pb2 as pb
from service.api.grpc.routes import INFERENCE_SERVICE
from service.server.grpc_server import MAX_CALLS, MAX_STREAMS, server_options
from service.settings import ServiceSettings
from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService
from tests.ports import free_port
from tests.service.api.grpc.calling import infer_request
from tests.service.api.grpc.test_complexity import field
from tests.service.api.routes.test_classify_batch import CRUDE
from tests.synthetic_bundles import code_of, save_synthetic_bundle, text_of
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

PORT: Final = "NEWSWIRE_GRPC_PORT"
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4
REQUEST: Final = infer_request([CRUDE], top_k=1)
MESSAGE: Final = REQUEST.SerializeToString()
RANDOM: Final = Random(1).randbytes(10_000)  # noqa: S311 - no secret


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


@contextmanager
def serving(
    errors: int | None = None, **settings: str
) -> Iterator[tuple[RunningService, int, Any]]:
    """Run the service; give it, its gRPC port, and a channel to it."""
    port = free_port()
    with (
        RunningService(None, errors, NEWSWIRE_GRPC_PORT=str(port), **settings) as service,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield service, port, channel


def call(channel: Any, name: str, message: Any = None) -> bytes:
    data = b"" if message is None else message.SerializeToString()
    return bytes(channel.unary_unary(f"/{INFERENCE_SERVICE}/{name}")(data, timeout=30))


def topics(channel: Any, message: pb.ModelInferRequest = REQUEST) -> list[bytes]:
    response = pb.ModelInferResponse.FromString(call(channel, "ModelInfer", message))
    return [response.raw_output_contents[0][4:]]


def frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return struct.pack(">I", len(content))[1:] + struct.pack(">BBI", kind, flags, stream) + content


def begin(call: str = "ModelInfer") -> bytes:
    """Return the headers of a call."""
    names = {
        ":method": "POST",
        ":scheme": "http",
        ":path": f"/{INFERENCE_SERVICE}/{call}",
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    return b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in names.items()
    )


def unread_calls(port: int, n_calls: int) -> socket.socket:
    """Begin and end calls, with a window in which nothing of a response has room."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    initial_window_size = struct.pack(">HI", 4, 0)
    connection.sendall(PREFACE + frame(SETTINGS, 0, 0, initial_window_size))
    for stream in range(1, 2 * n_calls, 2):
        headers = frame(HEADERS, END_HEADERS, stream, begin("ServerLive"))
        connection.sendall(headers + frame(DATA, END_STREAM, stream, bytes(5)))
    return connection


def slow_calls(port: int, n_calls: int) -> socket.socket:
    """Begin calls, each with the first byte of the message."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
    for stream in range(1, 2 * n_calls, 2):
        part = b"\0" + struct.pack(">I", len(MESSAGE)) + MESSAGE[:1]
        connection.sendall(
            frame(HEADERS, END_HEADERS, stream, begin()) + frame(DATA, 0, stream, part)
        )
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def count(service: RunningService, status: int, call: str = "ModelInfer") -> float:
    wanted = f'newswire_http_requests_total{{route="grpc/{call}",status="{status}"}} '
    lines = service.client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(wanted)).removeprefix(wanted))


def test_off_imports_nothing() -> None:
    program = (
        "import sys; from unittest.mock import patch; import uvicorn\n"
        "from service.__main__ import main\n"
        "with patch.object(uvicorn.Server, 'run'):\n"
        "    main()\n"
        "names = ('google', 'grpc', 'service.api.grpc', 'service.server.grpc_server')\n"
        "print([name for name in sys.modules if name.startswith(names)])\n"
    )
    shown = run(program, NEWSWIRE_PORT=str(free_port()))
    assert shown.stdout == "[]\n", shown.stderr


def test_the_missing_extra_is_one_line_and_status_2() -> None:
    program = "import sys; sys.modules['grpc'] = None; from service.__main__ import main; main()"
    shown = run(program, **{PORT: str(free_port())})
    assert shown.returncode == 2
    assert shown.stderr.startswith(f"error: {PORT} is set, and the extra 'grpc' is not installed")
    assert "pip install 'newswire-topics[grpc]'" in shown.stderr
    assert shown.stderr.count("\n") == 1


def test_a_port_in_use_is_one_line_and_status_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        shown = run("from service.__main__ import main; main()", **{PORT: str(port)})
    assert shown.returncode == 2
    assert shown.stderr == f"error: {PORT}: 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize("other", ["NEWSWIRE_PORT", "NEWSWIRE_METRICS_PORT"])
def test_ports_differ(other: str) -> None:
    shown = run("from service.__main__ import main; main()", **{PORT: "8001", other: "8001"})
    assert shown.returncode == 2
    assert shown.stderr == f"error: {PORT}: Expected a port other than {other}, got '8001'\n"


def test_options_are_those_of_the_settings() -> None:
    settings = ServiceSettings(max_text_bytes=1_000, keep_alive_seconds=7, header_timeout_seconds=3)
    options = dict(server_options(settings))
    assert options["grpc.max_receive_message_length"] == 66_536
    assert options["grpc.max_connection_idle_ms"] == 7_000
    assert options["grpc.server_handshake_timeout_ms"] == 3_000


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_both_ports_serve(host: str) -> None:
    with serving(subprocess.PIPE, NEWSWIRE_HOST=host) as (service, port, _):
        assert service.client.post("/classify", json={"text": CRUDE}).status_code == 200
        with grpc.insecure_channel(f"{host}:{port}") as channel:
            assert topics(channel) == [b"crude"]
        assert count(service, 200) == 1
        errors = service.stop_and_read_errors()
    assert all(line.startswith("{") for line in errors.splitlines()), errors
    assert "serving gRPC at 127.0.0.1:" in errors


def test_drain_and_stop() -> None:
    """Not ready from the signal on; calls in progress end, and the process with status 0."""
    with serving(NEWSWIRE_DRAIN_SECONDS="4", NEWSWIRE_REQUEST_TIMEOUT_SECONDS="60") as (
        service,
        port,
        channel,
    ):
        health = HealthStub(channel)
        watch = health.Watch(HealthCheckRequest(), timeout=30)
        assert next(watch).status == HealthCheckResponse.SERVING
        assert topics(channel) == [b"crude"]
        with closing(slow_calls(port, 1)) as slow:
            service.process.send_signal(signal.SIGTERM)
            assert next(watch).status == HealthCheckResponse.NOT_SERVING
            status = health.Check(HealthCheckRequest(), timeout=30).status
            assert status == HealthCheckResponse.NOT_SERVING
            ready = pb.ServerReadyResponse.FromString(call(channel, "ServerReady"))
            assert not ready.ready
            assert topics(channel) == [b"crude"]
            wait_until(lambda: is_closed(port), "drained: the port is closed", interval=0.2)
            assert service.process.poll() is None
            slow.sendall(frame(DATA, END_STREAM, 1, MESSAGE[1:]))
            received = b""
            while b"crude" not in received:
                received += (piece := slow.recv(65_536))
                assert piece, received
        assert service.process.wait(timeout=20) == 0
        assert list(watch) == []


def is_closed(port: int) -> bool:
    """Whether the port takes no new connection; any other error is raised."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            call(channel, "ServerLive")
        except grpc.RpcError as error:
            if error.code() is StatusCode.UNAVAILABLE:
                return True
            raise
    return False


def test_a_second_interrupt_ends_the_calls() -> None:
    with (
        serving(
            NEWSWIRE_DRAIN_SECONDS="60",
            NEWSWIRE_REQUEST_TIMEOUT_SECONDS="60",
            NEWSWIRE_SHUTDOWN_TIMEOUT_SECONDS="60",
        ) as (service, port, _),
        closing(slow_calls(port, 1)),
    ):
        service.process.send_signal(signal.SIGINT)
        wait_until(lambda: service.client.get("/health/ready").status_code == 503, "not ready")
        assert service.process.poll() is None
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(timeout=10) == 0


def test_a_reload_under_load(tmp_path: Any) -> None:
    models = tmp_path / "models"
    save_synthetic_bundle(models / "1", 2)
    with serving(NEWSWIRE_MODEL_DIR=str(models), NEWSWIRE_MODEL_POLL_SECONDS="0.1") as (
        service,
        _,
        channel,
    ):
        versions: list[str] = []
        wrong: list[Any] = []
        stopping = threading.Event()
        message = infer_request([text_of(1)], model="desk", top_k=1)

        def send() -> None:
            while not stopping.is_set():
                response = pb.ModelInferResponse.FromString(call(channel, "ModelInfer", message))
                versions.append(response.model_version)
                if code_of(1).encode() not in response.raw_output_contents[0]:
                    wrong.append(response)

        client = threading.Thread(target=send)
        client.start()
        try:
            made = save_synthetic_bundle(tmp_path / "2", 3)
            made.rename(models / "2")
            wait_until(lambda: "2" in versions, "version 2")
        finally:
            stopping.set()
            client.join(30)
        assert (wrong, set(versions)) == ([], {"1", "2"})
        assert service.process.poll() is None


def test_slow_messages_do_not_keep_others_out() -> None:
    """All places are taken; the oldest message is dropped for the next."""
    with (
        serving(NEWSWIRE_MAX_BUFFERED_BYTES="4300000", NEWSWIRE_REQUEST_TIMEOUT_SECONDS="3") as (
            service,
            port,
            channel,
        ),
        closing(slow_calls(port, 4)),
    ):
        time.sleep(0.5)
        assert topics(channel) == [b"crude"]
        assert count(service, 429) == 1
        wait_until(lambda: count(service, 408) == 3, "3 time-outs")
        assert topics(channel) == [b"crude"]


def test_responses_that_are_not_read_end() -> None:
    """Clients that read nothing could otherwise have all calls for ever."""
    with serving(NEWSWIRE_REQUEST_TIMEOUT_SECONDS="1") as (_, port, channel), ExitStack() as stack:
        n_connections = MAX_CALLS // MAX_STREAMS + 1
        for _ in range(n_connections):
            stack.enter_context(closing(unread_calls(port, MAX_STREAMS)))
        time.sleep(0.5)
        with pytest.raises(grpc.RpcError) as raised:
            call(channel, "ServerLive")
        assert raised.value.code() is StatusCode.RESOURCE_EXHAUSTED
        time.sleep(1.5)
        assert topics(channel) == [b"crude"]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        RANDOM,
        PREFACE + RANDOM,
        PREFACE + frame(SETTINGS, 0, 0, b"") + frame(HEADERS, END_HEADERS, 1, RANDOM[:500]),
        PREFACE
        + frame(SETTINGS, 0, 0, b"")
        + frame(HEADERS, END_HEADERS, 1, begin())
        + frame(DATA, END_STREAM, 1, RANDOM[:5_000]),
        PREFACE
        + frame(SETTINGS, 0, 0, b"")
        + frame(HEADERS, END_HEADERS, 1, begin())
        + frame(DATA, END_STREAM, 1, b"\0\xff\xff\xff\xff" + b"a" * 5_000),
    ],
    ids=["HTTP 1", "bytes", "bytes after the preface", "headers", "message", "length"],
)
def test_what_is_no_call(hostile: tuple[RunningService, int, Any], sent: bytes) -> None:
    service, port, channel = hostile
    address = ("127.0.0.1", port)
    with socket.create_connection(address, timeout=30) as connection, suppress(OSError):  # reset
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)
    assert topics(channel) == [b"crude"]
    assert service.process.poll() is None


@pytest.fixture(scope="module")
def hostile() -> Iterator[tuple[RunningService, int, Any]]:
    with serving() as served:
        yield served


STRUCTURE: Final = {
    "inputs": field(5, b"") * 530_000,
    "outputs": field(6, b"") * 530_000,
    "raw contents": field(7, b"") * 530_000,
    "elements": field(5, field(5, field(8, b"") * 530_000)),
    "shape": field(5, field(3, b"\xac\x02" * 530_000)),
    "groups": b"\x7b" * 530_000 + b"\x7c" * 530_000,
    "parameters": b"".join(field(4, field(1, b"%x" % number)) for number in range(115_000)),
}


def test_memory_of_hostile_messages(hostile: tuple[RunningService, int, Any]) -> None:
    """A megabyte of fields of two bytes each is rejected before each becomes a Python object."""
    service, _, channel = hostile
    infer = channel.unary_unary(f"/{INFERENCE_SERVICE}/ModelInfer")
    before = peak_megabytes(service.process.pid)
    for hostile_message in STRUCTURE.values():
        message = field(1, b"reuters") + hostile_message
        with pytest.raises(grpc.RpcError) as raised:
            infer(message, timeout=30)
        assert raised.value.code() is StatusCode.INVALID_ARGUMENT
    assert peak_megabytes(service.process.pid) - before < 60


def test_rejected_messages_are_not_kept(hostile: tuple[RunningService, int, Any]) -> None:
    """A hundred of a megabyte, each with text over the limit of words, leave no copies behind."""
    service, _, channel = hostile
    infer = channel.unary_unary(f"/{INFERENCE_SERVICE}/ModelInfer")
    message = infer_request(["o " * 499_000]).SerializeToString()
    before = peak_megabytes(service.process.pid)
    for _ in range(100):
        with pytest.raises(grpc.RpcError) as raised:
            infer(message, timeout=30)
        assert raised.value.code() is StatusCode.INVALID_ARGUMENT
    assert peak_megabytes(service.process.pid) - before < 150


def peak_megabytes(pid: int) -> float:
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123
        return next(int(line.split()[1]) / 1e3 for line in status if line.startswith("VmHWM"))
