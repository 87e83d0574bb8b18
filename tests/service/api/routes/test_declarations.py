"""Request counters exist from the start: one that first appears with 1 has a rate of 0."""

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from service.api.middleware.pacing import MAX_WAITING
from service.app import NewswireApp, create_app
from service.model import InferenceError, TopicClassifier
from service.settings import ServiceSettings

KEY = "a-good-key-of-24-letters"
TEXT = {"text": "OPEC ministers agreed to cut crude oil output."}
INFER = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["Oil."]}]}
BODIES: dict[str, Any] = {
    "/classify": TEXT,
    "/classify/batch": {"items": [TEXT]},
    "/predict": {"inputs": ["Oil."]},
    "/v2/models/reuters/infer": INFER,
    "/v2/models/other/versions/1/infer": INFER,
}
MAX_SAMPLES = 150
"""Request series, which cost Prometheus memory."""


def series(registry: CollectorRegistry) -> dict[str, set[tuple[str, ...]]]:
    """Return the labels of each counter and histogram."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for family in registry.collect():
        if family.type in ("counter", "histogram"):
            for sample in family.samples:
                found.setdefault(sample.name, set()).add(tuple(sample.labels.values()))
    return found


def new_series(
    registry: CollectorRegistry, before: dict[str, set[tuple[str, ...]]]
) -> dict[str, set[tuple[str, ...]]]:
    """Return the series that appeared since ``before``."""
    now = series(registry)
    return {name: new for name, found in now.items() if (new := found - before.get(name, set()))}


def send_everything(app: NewswireApp, headers: dict[str, str]) -> set[int]:
    """Send valid and invalid requests to each route; return the statuses."""
    client = TestClient(app, raise_server_exceptions=False, headers=headers)
    described = client.get("/openapi.json").json()["paths"]
    statuses = set()
    for path in ("/", "/docs", "/page/page.js", "/page/nothing", "/openapi.json", "/a", *described):
        for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS"):
            statuses.add(client.request(method, path).status_code)
    tag = client.get("/").headers.get("etag", "")
    statuses.add(client.get("/", headers={"If-None-Match": tag}).status_code)
    for path, body in BODIES.items():
        contents: list[dict[str, Any]] = [
            {"json": body},
            {"json": {}},
            {"content": b"{"},
            {"content": b"x" * 7_000_000},
        ]
        for content in contents:
            media_type = {"Content-Type": "application/json"}
            statuses.add(client.post(path, headers=media_type, **content).status_code)
    return statuses


@pytest.mark.slow
@pytest.mark.parametrize("has_key", [True, False])
def test_counts_begin_at_0(classifier: TopicClassifier, *, has_key: bool) -> None:
    registry = CollectorRegistry()
    settings = ServiceSettings(api_keys=(SecretStr(KEY),))
    app = create_app(settings, classifier, registry)
    before = series(registry)
    statuses = send_everything(app, {"Authorization": f"Bearer {KEY}"} if has_key else {})
    assert statuses >= ({200, 304, 400, 404, 405, 413, 415, 422} if has_key else {200, 401})
    assert new_series(registry, before) == {}


@pytest.mark.slow
def test_counts_of_failures_begin_at_0(
    classifier: TopicClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = CollectorRegistry()
    app = create_app(ServiceSettings(max_concurrent_requests=1), classifier, registry)
    before = series(registry)

    def fail(encoded: Any) -> Any:
        raise InferenceError("no probability")

    monkeypatch.setattr(classifier, "infer", fail)
    assert 500 in send_everything(app, {})
    assert 503 in send_everything(app, {})  # not alive after failures
    assert new_series(registry, before) == {}


@pytest.mark.parametrize("route", [*BODIES][:2])
def test_each_status_of_a_route_has_a_count(
    client: TestClient, registry: CollectorRegistry, route: str
) -> None:
    for status in (200, 400, 405, 408, 413, 415, 422, 429, 500, 503):
        labels = {"route": route, "status": str(status)}
        assert registry.get_sample_value("newswire_http_requests_total", labels) == 0
    labels = {"route": route, "status": "401"}
    assert registry.get_sample_value("newswire_http_requests_total", labels) is None


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/topics", "/topics"),
        ("/metrics", "/metrics"),
        ("/page/page.js", "/page/{name}"),
        ("/v2/models/reuters", "/v2/models/{name}"),
        ("/nothing", "unmatched"),
    ],
)
def test_requests_that_the_queue_rejects_have_a_label(
    client: TestClient, registry: CollectorRegistry, path: str, route: str
) -> None:
    before = series(registry)

    async def ask_all() -> list[int]:
        transport = httpx2.ASGITransport(client.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as together:
            asked = (together.get(path) for _ in range(MAX_WAITING + 3))
            return [response.status_code for response in await asyncio.gather(*asked)]

    assert asyncio.run(ask_all()).count(429) == 2  # the first does not wait
    labels = {"route": route, "status": "429"}
    assert registry.get_sample_value("newswire_http_requests_total", labels) == 2
    assert new_series(registry, before) == {}


def test_series_are_few(client: TestClient, registry: CollectorRegistry) -> None:
    assert len(series(registry)["newswire_http_requests_total"]) < MAX_SAMPLES


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/"])
def test_pages_have_route_labels(
    client: TestClient, registry: CollectorRegistry, path: str
) -> None:
    assert client.get(path).status_code == 200
    labels = {"route": path, "status": "200"}
    assert registry.get_sample_value("newswire_http_requests_total", labels) == 1
