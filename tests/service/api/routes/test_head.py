"""HEAD is answered as GET is, without the body: load balancers and uptime monitors ask so."""

import socket

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from service.api.routes.ui import page_paths
from service.app import create_app
from service.model import TopicClassifier
from service.settings import ServiceSettings
from tests.conftest import LATEST
from tests.end_to_end.running_service import RunningService

VOLATILE = {"x-request-id", "date"}
MODELS = "/v2/models/reuters", f"/v2/models/reuters/versions/{LATEST.name}"
PATHS = (
    *("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/v2"),
    *("/topics", "/model", "/openapi.json", *sorted(page_paths())),
    *(f"{model}{end}" for model in MODELS for end in ("", "/ready")),
)


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_a_body(
    client: TestClient, registry: CollectorRegistry, path: str
) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"") == (200, b"")
    assert int(head.headers["content-length"]) == len(get.content)
    for name, value in get.headers.items():
        assert name in VOLATILE or head.headers[name] == value
    client.get("/metrics")
    counted = [
        sample.labels["route"]
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "newswire_http_requests_total"
        and sample.labels["status"] == "200"
        and sample.value == 2
    ]
    assert len(counted) == 1
    assert counted != ["unmatched"]


def test_every_path_is_among_them(client: TestClient) -> None:
    described = client.get("/openapi.json").json()["paths"]
    gets = {path.replace("{name}", "reuters") for path, item in described.items() if "get" in item}
    gets = {path.replace("{version}", LATEST.name) for path in gets}
    assert gets - set(PATHS) == {"/metrics"}
    assert all("head" not in item for item in described.values())


def test_errors_are_as_for_get(client: TestClient) -> None:
    assert client.head("/nothing").status_code == client.head("/v2/models/x").status_code == 404
    rejected = client.head("/classify")
    assert (rejected.status_code, rejected.headers["allow"]) == (405, "POST")
    assert client.delete("/topics").headers["allow"] == "GET, HEAD"


def test_a_key_is_needed_where_get_needs_one(
    classifier: TopicClassifier, registry: CollectorRegistry
) -> None:
    settings = ServiceSettings(api_keys=(SecretStr("a-good-key-of-24-letters"),))
    client = TestClient(create_app(settings, classifier, registry))
    assert client.head("/topics").status_code == 401
    assert client.head("/health/ready").status_code == 200


@pytest.mark.slow
def test_the_server_sends_no_body() -> None:
    """Also for /metrics, whose length changes from one answer to the next."""
    with RunningService() as service:
        for path in ("/health/ready", "/metrics", "/topics", "/nothing"):
            with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
                request = f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                connection.sendall(request.encode())
                answer = b"".join(iter(lambda: connection.recv(65_536), b""))
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 404" if path == "/nothing" else b"HTTP/1.1 200")
            assert b"content-length: 0" not in head.lower()
            assert b"content-length: " in head.lower()
            assert body == b""
