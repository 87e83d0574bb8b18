"""A request gets the same response from the fast router and from FastAPI."""

import asyncio
import threading
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from service.api.middleware.instrumentation import InstrumentationMiddleware
from service.api.routes.classify import INLINE_BYTES
from service.api.routes.operations import HEALTH_PATHS
from service.app import NewswireApp, create_app
from service.model import Bundle, InferenceError, TopicClassifier, load_bundle
from service.observability.health import MAX_INFERENCE_ERRORS
from service.settings import ServiceSettings
from tests.conftest import LATEST

TEXT = "OPEC ministers agreed to cut crude oil production."
REQUESTS: list[dict[str, Any]] = [
    {"json": {"text": TEXT}},
    {"json": {"text": TEXT * 1_000}},
    {"json": {"text": TEXT, "top_k": 47}},
    {"json": {"items": [{"text": TEXT}, {"text": ""}]}},
    {"content": b"{"},
    {"content": b"{", "headers": {"content-type": "application/json"}},
    {"content": b'{"text": "' + b"a" * 7_000_000, "headers": {"content-type": "application/json"}},
]


@pytest.fixture
def app(classifier: TopicClassifier, registry: CollectorRegistry) -> NewswireApp:
    return create_app(ServiceSettings(), classifier, registry)


def without_fast_router(app: NewswireApp) -> ASGIApp:
    return InstrumentationMiddleware(app.api, app.metrics, access_log=False)


@pytest.mark.parametrize("path", ["/classify", "/classify/batch"])
@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_fast_route_responds_as_fastapi(
    app: NewswireApp, path: str, request_: dict[str, Any]
) -> None:
    fast, framework = (
        TestClient(served, headers={"x-request-id": "the-same"}).post(path, **request_)
        for served in (app, without_fast_router(app))
    )
    assert fast.status_code == framework.status_code
    assert fast.content == framework.content
    assert fast.headers == framework.headers


@pytest.mark.parametrize("error", [InferenceError("NaN"), KeyError("bug")])
def test_fast_route_responds_to_and_counts_errors_as_fastapi(error: Exception) -> None:
    class FailingClassifier(TopicClassifier):
        def infer(self, encoded: Any, output: str = "probabilities") -> Any:
            raise error

    failing = FailingClassifier(load_bundle(LATEST))
    answers, counts = [], []
    for fast in (True, False):
        registry = CollectorRegistry()
        app = create_app(ServiceSettings(), failing, registry)
        served = app if fast else without_fast_router(app)
        client = TestClient(served, raise_server_exceptions=False)
        answer = client.post("/classify", json={"text": TEXT}, headers={"X-Request-ID": "r-1"})
        answers.append(answer)
        labels = {"route": "/classify", "status": "500"}
        counts.append(registry.get_sample_value("newswire_http_requests_total", labels))
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers == answers[1].headers
    assert counts == [1, 1]


def test_bug_is_raised_for_the_server_to_log() -> None:
    class BrokenClassifier(TopicClassifier):
        def infer(self, encoded: Any, output: str = "probabilities") -> Any:
            raise KeyError("bug")

    broken = BrokenClassifier(load_bundle(LATEST))
    client = TestClient(create_app(ServiceSettings(), broken, CollectorRegistry()))
    with pytest.raises(KeyError, match="bug"):
        client.post("/classify", json={"text": TEXT})


def test_other_methods_go_to_fastapi(app: NewswireApp) -> None:
    assert TestClient(app).get("/classify").status_code == 405


class WatchedClassifier(TopicClassifier):
    """Notes the threads of its inferences."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.threads: list[str] = []

    def infer(self, encoded: Any, output: str = "probabilities") -> Any:
        self.threads.append(threading.current_thread().name)
        return super().infer(encoded, output)


@pytest.fixture(scope="module")
def watched() -> WatchedClassifier:
    return WatchedClassifier(load_bundle(LATEST))


@pytest.mark.parametrize(
    ("path", "body", "in_thread"),
    [
        ("/classify", {"text": TEXT}, False),
        ("/classify", {"text": 'The word "explain" is no option.'}, False),
        ("/classify", {"text": "a " * (INLINE_BYTES // 2 - 100)}, False),
        ("/classify", {"text": "a " * (INLINE_BYTES // 2 + 1)}, True),
        ("/classify", {"text": TEXT, "explain": False}, False),
        ("/classify", {"text": TEXT, "explain": True}, True),
        ("/classify/batch", {"items": [{"text": TEXT}]}, True),
    ],
)
def test_slow_requests_run_in_a_thread(
    watched: WatchedClassifier,
    registry: CollectorRegistry,
    path: str,
    body: dict[str, Any],
    *,
    in_thread: bool,
) -> None:
    watched.threads.clear()
    app = create_app(ServiceSettings(), watched, registry)
    assert TestClient(app).post(path, json=body).status_code == 200
    assert watched.threads[0].startswith("classify") is in_thread


def test_escaped_name_of_the_option_runs_in_a_thread_too(app: NewswireApp) -> None:
    body = b'{"text": "Oil rose.", "\\u0065xplain": true}'
    headers = {"content-type": "application/json"}
    before = threading.active_count()
    response = TestClient(app).post("/classify", content=body, headers=headers)
    assert response.json()["explanation"]
    assert threading.active_count() == before + 1


def test_fast_route_behind_a_root_path(
    app: NewswireApp, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_fastapi: list[Any] = []
    monkeypatch.setattr(FastAPI, "__call__", lambda *given: in_fastapi.append(given))
    client = TestClient(Starlette(routes=[Mount("/news", app)]))
    assert client.post("/news/classify", json={"text": TEXT}).status_code == 200
    labels = {"route": "/classify", "status": "200"}
    assert registry.get_sample_value("newswire_http_requests_total", labels) == 1
    assert in_fastapi == []


@pytest.mark.parametrize("path", sorted(HEALTH_PATHS))
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("state", ["ready", "draining", "failing"])
def test_health_check_responds_as_fastapi(
    app: NewswireApp, method: str, path: str, state: str
) -> None:
    if state == "draining":
        app.health.mark_draining()
    elif state == "failing":
        for _ in range(MAX_INFERENCE_ERRORS):
            app.health.inference_failed()
    fast, framework = (
        TestClient(served, headers={"x-request-id": "the-same"}).request(method, path)
        for served in (app, without_fast_router(app))
    )
    fails = state == "failing" or (state == "draining" and path.endswith("/ready"))
    assert fast.status_code == (405 if method == "POST" else 503 if fails else 200)
    assert fast.status_code == framework.status_code
    assert fast.content == framework.content
    assert fast.headers == framework.headers


@pytest.mark.parametrize("path", sorted(HEALTH_PATHS))
@pytest.mark.parametrize("prefix", ["", "/news"])
def test_health_check_does_not_wait_for_other_requests(
    app: NewswireApp, prefix: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_fastapi: list[Any] = []
    monkeypatch.setattr(FastAPI, "__call__", lambda *given: in_fastapi.append(given))
    client = TestClient(Starlette(routes=[Mount(prefix, app)]))
    assert client.get(prefix + path).status_code == 200
    assert in_fastapi == []


@pytest.mark.parametrize("keys", [(), (SecretStr("a-key-that-is-long"),)])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/none", 404),
        ("GET", "/v2/none", 404),
        ("POST", "/v2", 405),
        ("POST", "/v2/models/reuters/infer", 400),
    ],
)
def test_open_inference_errors_behind_a_root_path(
    classifier: TopicClassifier, method: str, path: str, status: int, keys: tuple[SecretStr, ...]
) -> None:
    app = create_app(ServiceSettings(api_keys=keys), classifier, CollectorRegistry())
    client = TestClient(Starlette(routes=[Mount("/news", app)]))
    response = client.request(method, f"/news{path}")
    assert response.status_code == (401 if keys else status)
    assert list(response.json()) == ["error"]


def test_unknown_path_behind_a_root_path(app: NewswireApp, registry: CollectorRegistry) -> None:
    client = TestClient(Starlette(routes=[Mount("/news", app)]))
    assert client.get("/news/v2x").json()["title"] == "Not Found"
    labels = {"route": "unmatched", "status": "404"}
    assert registry.get_sample_value("newswire_http_requests_total", labels) == 1


def test_cancelled_request_is_not_counted_as_successful(
    app: NewswireApp, registry: CollectorRegistry
) -> None:
    async def never(*_: Any) -> Any:
        await asyncio.sleep(30)

    async def give_up() -> None:
        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/classify", "headers": headers}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(app(scope, never, never), 0.01)

    asyncio.run(give_up())
    labels = {"route": "/classify", "status": "500"}
    assert registry.get_sample_value("newswire_http_requests_total", labels) == 1
