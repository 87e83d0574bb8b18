"""Pages of the origins that are named may call the service; those of others may not."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from service.api.middleware.instrumentation import DEFAULT_HEADERS
from service.app import create_app
from service.model import TopicClassifier
from service.settings import ServiceSettings

ORIGIN, OTHER = "https://news.example", "https://evil.example"
KEY = "a-good-key-of-24-letters"
TEXT = {"text": "OPEC ministers agreed to cut crude oil output."}
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, x-request-id",
}
EXPOSED = {"X-Request-ID", "Retry-After", "WWW-Authenticate", "Inference-Header-Content-Length"}
ALLOW_ORIGIN = "access-control-allow-origin"


@pytest.fixture
def settings() -> ServiceSettings:
    return ServiceSettings(
        cors_origins=(ORIGIN, "http://localhost:3000"), api_keys=(SecretStr(KEY),)
    )


@pytest.fixture
def client(
    settings: ServiceSettings, classifier: TopicClassifier, registry: CollectorRegistry
) -> Iterator[TestClient]:
    with TestClient(create_app(settings, classifier, registry)) as client:
        yield client


@pytest.mark.parametrize("path", ["/classify", "/classify/batch", "/v2/models/reuters/infer", "/x"])
def test_a_preflight_needs_no_key(
    client: TestClient, registry: CollectorRegistry, path: str
) -> None:
    answer = client.options(path, headers=PREFLIGHT | {"X-Request-ID": "r-1"})
    assert answer.status_code == 200
    assert answer.headers[ALLOW_ORIGIN] == ORIGIN
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type", "x-request-id"} <= set(allowed.split(", "))
    assert answer.headers["x-request-id"] == "r-1"
    for name, value in DEFAULT_HEADERS:
        assert answer.headers.get_list(name.decode()) == [value.decode()]
    client.get("/metrics")
    labels = {"route": "preflight", "status": "200"}
    assert registry.get_sample_value("newswire_http_requests_total", labels) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"Origin": OTHER},
        {"Origin": "null"},
        {"Access-Control-Request-Method": "DELETE"},
        {"Access-Control-Request-Headers": "x-other"},
    ],
)
def test_disallowed_preflight_is_rejected(client: TestClient, changes: dict[str, str]) -> None:
    assert client.options("/classify", headers=PREFLIGHT | changes).status_code == 400


@pytest.mark.parametrize(
    ("path", "content", "key", "status"),
    [
        ("/classify", {"json": TEXT}, KEY, 200),
        ("/classify", {"json": {}}, KEY, 422),
        ("/classify", {"json": TEXT}, "", 401),
        ("/classify/batch", {"json": {"items": [TEXT]}}, KEY, 200),
        ("/nothing", {}, KEY, 404),
    ],
)
def test_allowed_origins_can_read_each_response(
    client: TestClient, path: str, content: dict[str, Any], key: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {key}", "Origin": ORIGIN}
    answer = client.post(path, headers=headers, **content)
    assert answer.status_code == status
    assert answer.headers.get_list(ALLOW_ORIGIN) == [ORIGIN]
    assert set(answer.headers["access-control-expose-headers"].split(", ")) == EXPOSED
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    for other in ({"Origin": OTHER}, {}):
        answer = client.post(path, headers={**headers, "Origin": ""} | other, **content)
        assert ALLOW_ORIGIN not in answer.headers


def test_options_that_is_no_preflight_needs_a_key(client: TestClient) -> None:
    assert client.options("/classify", headers={"Origin": ORIGIN}).status_code == 401
    headers = {"Authorization": f"Bearer {KEY}"}
    assert client.options("/classify", headers=headers).status_code == 405


def test_every_origin(classifier: TopicClassifier, registry: CollectorRegistry) -> None:
    app = create_app(ServiceSettings(cors_origins=("*",)), classifier, registry)
    client = TestClient(app)
    answer = client.options("/classify", headers=PREFLIGHT)
    assert (answer.status_code, answer.headers[ALLOW_ORIGIN]) == (200, "*")
    assert client.head("/topics", headers={"Origin": OTHER}).headers[ALLOW_ORIGIN] == "*"
