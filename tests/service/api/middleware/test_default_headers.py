"""Every response has the default headers; pages of other origins can read none."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.middleware.instrumentation import DEFAULT_HEADERS
from service.api.routes.ui import HEADERS as OF_PAGES
from service.app import NewswireApp, create_app
from service.model import TopicClassifier, load_bundle
from service.settings import ServiceSettings
from tests.conftest import LATEST

TEXT = {"text": "OPEC ministers agreed to cut crude oil output."}
INFER = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["Oil."]}]}
DEFAULTS = {name.decode(): value.decode() for name, value in DEFAULT_HEADERS}
ANSWERS: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", "/classify", {"json": TEXT}, 200),
    ("POST", "/classify", {"json": {}}, 422),
    ("POST", "/classify/batch", {"json": {"items": [TEXT]}}, 200),
    ("POST", "/classify/batch", {"content": b"{"}, 415),
    ("POST", "/v2/models/reuters/infer", {"json": INFER}, 200),
    ("POST", "/v2/models/other/infer", {"json": INFER}, 404),
    ("POST", "/predict", {"json": {"inputs": "Oil."}}, 200),
    ("GET", "/topics", {}, 200),
    ("GET", "/metrics", {}, 200),
    ("GET", "/health/ready", {}, 200),
    ("GET", "/openapi.json", {}, 200),
    ("GET", "/nothing", {}, 404),
    ("GET", "/page/nothing", {}, 404),
    ("TRACE", "/classify", {}, 405),
    ("DELETE", "/", {}, 405),
]
PAGES = ("/", "/docs", "/page/page.js")


@pytest.mark.parametrize(("method", "path", "content", "status"), ANSWERS)
def test_every_response_has_each_default_once(
    client: TestClient, method: str, path: str, content: dict[str, Any], status: int
) -> None:
    answer = client.request(method, path, **content)
    assert answer.status_code == status
    for name, value in DEFAULTS.items():
        assert answer.headers.get_list(name) == [value]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_some_of_their_own(client: TestClient, path: str) -> None:
    answer = client.get(path)
    expected = DEFAULTS | {name.lower(): value for name, value in OF_PAGES.items()}
    for name, value in expected.items():
        assert answer.headers.get_list(name) == [value]
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_response_to_a_bug_has_them_too() -> None:
    class BrokenClassifier(TopicClassifier):
        def infer(self, encoded: Any, output: str = "probabilities") -> Any:
            raise KeyError("bug")

    broken = BrokenClassifier(load_bundle(LATEST))
    app = create_app(ServiceSettings(), broken, CollectorRegistry())
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.post("/classify", json=TEXT, headers={"X-Request-ID": "r-1"})
    assert answer.status_code == 500
    assert answer.json()["instance"] == "urn:newswire-topics:request:r-1"
    for name, value in (DEFAULTS | {"x-request-id": "r-1"}).items():
        assert answer.headers.get_list(name) == [value]


def test_other_origins_are_not_allowed(client: TestClient) -> None:
    """No CORS: a browser asks by OPTIONS, and is not answered what it wants to hear."""
    app = client.app
    assert isinstance(app, NewswireApp)
    asked = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, authorization",
    }
    paths = client.get("/openapi.json").json()["paths"]
    for path, methods in {**paths, "/": {"get": {}}, "/openapi.json": {"get": {}}}.items():
        preflight = client.options(path, headers=asked)
        assert preflight.status_code == 405, path
        for method in methods:
            answer = client.request(method, path, headers=asked)
            for headers in (preflight.headers, answer.headers):
                assert not [name for name in headers if name.startswith("access-control-")]
