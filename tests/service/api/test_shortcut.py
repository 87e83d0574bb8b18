"""The short way and the way through FastAPI answer alike; only the time differs."""

import asyncio
import threading
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.routes.classify import INLINE_BYTES
from service.app import NewswireApp, create_app
from service.model import InferenceError, TopicClassifier
from service.settings import ServiceSettings

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


@pytest.mark.parametrize("path", ["/classify", "/classify/batch"])
@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_both_ways_answer_alike(app: NewswireApp, path: str, request_: dict[str, Any]) -> None:
    client = TestClient(app)
    client.headers["x-request-id"] = "the-same"
    short = client.post(path, **request_)
    assert ("POST", path) in app.shortcuts
    app.shortcuts = {}
    long = client.post(path, **request_)
    assert short.status_code == long.status_code
    assert short.content == long.content
    assert short.headers == long.headers


@pytest.mark.parametrize("error", [InferenceError("NaN"), KeyError("bug")])
def test_both_ways_answer_and_count_errors_alike(
    classifier: TopicClassifier, error: Exception
) -> None:
    class FailingClassifier(TopicClassifier):
        def infer(self, encoded: Any) -> Any:
            raise error

    failing = FailingClassifier.__new__(FailingClassifier)
    failing.__dict__ = classifier.__dict__
    answers, counts = [], []
    for short in (True, False):
        registry = CollectorRegistry()
        app = create_app(ServiceSettings(), failing, registry)
        if not short:
            app.shortcuts = {}
        client = TestClient(app, raise_server_exceptions=False)
        answer = client.post("/classify", json={"text": TEXT}, headers={"X-Request-ID": "r-1"})
        answers.append(answer)
        labels = {"route": "/classify", "status": "500"}
        counts.append(registry.get_sample_value("newswire_http_requests_total", labels))
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers == answers[1].headers
    assert counts == [1, 1]


def test_a_bug_is_raised_for_the_server_to_log(classifier: TopicClassifier) -> None:
    class BrokenClassifier(TopicClassifier):
        def infer(self, encoded: Any) -> Any:
            raise KeyError("bug")

    broken = BrokenClassifier.__new__(BrokenClassifier)
    broken.__dict__ = classifier.__dict__
    client = TestClient(create_app(ServiceSettings(), broken, CollectorRegistry()))
    with pytest.raises(KeyError, match="bug"):
        client.post("/classify", json={"text": TEXT})


def test_the_requests_of_other_methods_go_the_long_way(app: NewswireApp) -> None:
    assert TestClient(app).get("/classify").status_code == 405


@pytest.mark.parametrize(("n_bytes", "inline"), [(100, True), (INLINE_BYTES + 1, False)])
def test_long_texts_leave_the_event_loop_to_others(
    classifier: TopicClassifier, registry: CollectorRegistry, n_bytes: int, *, inline: bool
) -> None:
    threads = []

    class WatchedClassifier(TopicClassifier):
        def infer(self, encoded: Any) -> Any:
            threads.append(threading.current_thread().name)
            return super().infer(encoded)

    watched = WatchedClassifier.__new__(WatchedClassifier)
    watched.__dict__ = classifier.__dict__
    app = create_app(ServiceSettings(), watched, registry)
    response = TestClient(app).post("/classify", json={"text": "a " * (n_bytes // 2)})
    assert response.status_code == 200
    assert threads[0].startswith("classify") is not inline


def test_a_request_that_is_given_up_is_not_counted_as_answered(
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
