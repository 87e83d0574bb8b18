"""What a caller sends is in no error and in no log line.

But the name that it gives its request, and in errors the names of fields that there are not.
"""

import json
import logging
import socket
import subprocess
from collections.abc import Iterator
from typing import Any, Final

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from service.app import create_app
from service.model import TopicClassifier
from service.observability.logging import JsonLinesFormatter
from service.settings import ServiceSettings
from tests.end_to_end.running_service import RunningService

MARK: Final = "qzxjk"
"""In everything that is sent; in nothing that the service says by itself."""
NAME: Final = "jwvqz"
"""In the names of fields and options: an error may repeat those, a log line may not."""
METHODS: Final = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
HEADERS: Final = (
    *("accept", "authorization", "content-type", "content-encoding", "cookie", "expect"),
    *("if-none-match", "inference-header-content-length", "origin", "referer", "traceparent"),
    *("user-agent", "x-forwarded-for", "x-forwarded-host", "x-forwarded-prefix", MARK),
)
TEMPLATES: Final = (
    *("/", "/docs", "/openapi.json", "/metrics", "/topics", "/model", "/health/live"),
    *(
        "/classify",
        "/classify/batch",
        "/predict",
        "/page/{}",
        "/{}",
        "/classify/{}",
        "/v2",
        "/v2/{}",
    ),
    *("/v2/models/{}", "/v2/models/{}/ready", "/v2/models/{}/infer", "/v2/models/reuters/infer"),
    "/v2/models/reuters/versions/{}/infer",
)
TAKE_BODIES: Final = ("/classify", "/classify/batch", "/predict", "/v2/models/reuters/infer")
AROUND: Final = ("", "<b>", "\r\n", "\x1b[31m", "%s", "{0}", "${jndi:x}", "é", "‮", "\ud800", "'\"")


def around(mark: str) -> st.SearchStrategy[str]:
    return st.builds(
        "{}{}{}".format, st.sampled_from(AROUND), st.just(mark), st.sampled_from(AROUND)
    )


marked, named = around(MARK), around(NAME)
in_path = marked.map(
    lambda text: "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "replace"))
)
in_header = marked.map(lambda text: text.encode("utf-8", "replace").replace(b"\r\n", b" "))
values = st.recursive(
    marked | st.none() | st.integers() | st.just(1e999),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(named, inner, max_size=3),
    max_leaves=5,
)
FIELDS: Final = (
    *("text", "title", "top_k", "min_confidence", "explain", "all_topics", "subjects"),
    *("items", NAME),
    *("id", "inputs", "outputs", "parameters"),
)
queries = st.sampled_from(["", f"?{NAME}={MARK}", f"?top_k={MARK}", f"?text={MARK}&title={MARK}"])
requests = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, values))
bodies = requests | values | marked


@pytest.fixture(scope="module")
def client(classifier: TopicClassifier) -> Iterator[TestClient]:
    app = create_app(ServiceSettings(access_log=True), classifier, CollectorRegistry())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


class Said(logging.Handler):
    """Keeps what is logged, in the form in which it is written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLinesFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def said() -> Iterator[Said]:
    handler = Said()
    loggers = [logging.getLogger(name) for name in ("service", "uvicorn", "asyncio")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


@pytest.mark.slow
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.just("POST") | st.sampled_from(METHODS),
    st.sampled_from(TAKE_BODIES) | st.sampled_from(TEMPLATES),
    in_path,
    st.dictionaries(st.sampled_from(HEADERS), in_header, max_size=4),
    bodies,
    queries,
    st.just("application/json") | st.sampled_from(["text/plain", "text/html; charset=x", None]),
)
def test_nothing_is_repeated(
    client: TestClient,
    said: Said,
    method: str,
    template: str,
    name: str,
    headers: dict[str, bytes],
    body: Any,
    query: str,
    media_type: str | None,
) -> None:
    said.lines.clear()
    sent: dict[str, Any] = {"content-type": media_type} if media_type else {}
    answer = client.request(
        method,
        template.format(name) + query,
        headers={**sent, **headers},
        content=body.encode("utf-8", "replace") if isinstance(body, str) else json.dumps(body),
    )
    assert said.lines
    assert MARK not in "".join(said.lines)
    assert NAME not in "".join(said.lines)
    assert MARK not in str(answer.headers).lower()
    if answer.is_error:
        assert MARK not in answer.text
    assert answer.status_code < 500


HEAD: Final = "GET / HTTP/1.1\r\nHost: x\r\n"
CHUNKED: Final = "POST /classify HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN: Final = {
    "no HTTP": f"{MARK} {MARK}\r\n\r\n",
    "no method": f"{MARK} / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": f"GET /{MARK} HTTP/9.{MARK}\r\nHost: x\r\n\r\n",
    "a header without an end": f"{HEAD}{MARK}\r\n\r\n",
    "a name with blanks": f"{HEAD}{MARK} {MARK}: 1\r\n\r\n",
    "a length that is none": f"POST /classify HTTP/1.1\r\nContent-Length: {MARK}\r\n\r\n",
    "a chunk that is none": f"{CHUNKED}{MARK}\r\n",
    "a path of its own": f"GET http://{MARK}/{MARK} HTTP/1.1\r\nHost: {MARK}\r\n\r\n",
    "an upgrade": f"GET /{MARK} HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: {MARK}\r\n\r\n",
}


@pytest.mark.slow
def test_invalid_request_is_not_echoed() -> None:
    """By the server's own logs, at the level that says most."""
    with RunningService(
        errors=subprocess.PIPE, NEWSWIRE_ACCESS_LOG="true", NEWSWIRE_LOG_LEVEL="debug"
    ) as service:
        for kind, request in BROKEN.items():
            with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
                connection.sendall(request.encode())
                connection.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: connection.recv(65_536), b""))
            assert MARK.encode() not in answer, kind
            assert answer.startswith(b"HTTP/1.1 4"), (kind, answer)
        shown = service.stop_and_read_errors()
    assert "Invalid HTTP request" in shown
    assert MARK not in shown
