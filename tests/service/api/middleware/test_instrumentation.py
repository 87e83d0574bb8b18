import logging
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.app import create_app
from service.model import TopicClassifier
from service.settings import ServiceSettings

TEXT = "The quick brown fox, a text that no log may hold."
REQUESTS: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", "/classify", {"json": {"text": TEXT}}, 200),
    ("POST", "/classify", {"json": {"text": TEXT, "top_k": 99}}, 422),
    ("POST", "/classify/batch", {"json": {"items": [{"text": TEXT}]}}, 200),
    ("GET", "/topics", {}, 200),
    ("GET", "/health/ready", {}, 200),
    ("GET", f"/{TEXT}", {"params": {"text": TEXT}}, 404),
    ("DELETE", "/classify", {}, 405),
]


@pytest.mark.parametrize(("method", "path", "content", "status"), REQUESTS)
def test_every_response_has_the_request_id(
    client: TestClient, method: str, path: str, content: dict[str, Any], status: int
) -> None:
    named = client.request(method, path, headers={"X-Request-ID": "mine-1"}, **content)
    assert named.status_code == status
    assert named.headers.get_list("x-request-id") == ["mine-1"]
    unnamed = {client.request(method, path, **content).headers["x-request-id"] for _ in range(2)}
    assert len(unnamed) == 2


def test_no_line_a_request_by_default(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="service")
    client.post("/classify", json={"text": TEXT})
    assert not caplog.records


@pytest.mark.parametrize(("method", "path", "content", "status"), REQUESTS)
def test_the_access_log_has_a_line_a_request_without_its_text(
    classifier: TopicClassifier,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    content: dict[str, Any],
    status: int,
) -> None:
    app = create_app(ServiceSettings(access_log=True), classifier, CollectorRegistry())
    caplog.set_level(logging.INFO, logger="service")
    TestClient(app).request(method, path, **content)
    (record,) = caplog.records
    route = path if status != 404 else "unmatched"
    assert record.getMessage() == f"{method} {route} {status}"
    said = vars(record)
    assert (said["method"], said["route"], said["status"]) == (method, route, status)
    assert 0 < said["seconds"] < 10
    assert "quick" not in str(said)
