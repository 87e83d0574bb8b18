"""With keys, nothing is answered to who has none, but what is open by name."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Message, Scope

from service.api.middleware import auth as keys_module
from service.api.middleware.auth import ApiKeyMiddleware
from service.api.middleware.instrumentation import DEFAULT_HEADERS
from service.api.problems import TYPE_PREFIX
from service.api.routes.ui import FOLDER
from service.app import NewswireApp, create_app
from service.model import TopicClassifier
from service.settings import ServiceSettings

OLD, NEW = "an-old-key-of-24-letters", "a-new-key/of+24=letters~"
TEXT = {"text": "OPEC ministers agreed to cut crude oil output."}
INFER = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["Oil."]}]}
OPEN = {
    *("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/openapi.json"),
    *("/", "/docs"),
    *(f"/page/{path.name}" for path in FOLDER.iterdir() if path.suffix != ".html"),
}
CLOSED: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", "/classify", {"json": TEXT}, 200),
    ("POST", "/classify", {"json": {}}, 422),
    ("POST", "/classify/batch", {"json": {"items": [TEXT]}}, 200),
    ("POST", "/predict", {"json": {"inputs": "Oil."}}, 200),
    ("GET", "/topics", {}, 200),
    ("GET", "/model", {}, 200),
    ("GET", "/metrics", {}, 200),
    ("GET", "/v2", {}, 200),
    ("GET", "/v2/models/reuters", {}, 200),
    ("GET", "/v2/models/reuters/ready", {}, 200),
    ("POST", "/v2/models/reuters/infer", {"json": INFER}, 200),
    ("POST", "/v2/models/other/infer", {"json": INFER}, 404),
    ("GET", "/nothing", {}, 404),
    ("GET", "/page/nothing", {}, 404),
    ("GET", "/health/live/", {}, 404),
    ("GET", "//health/live", {}, 404),
    ("GET", "/health/live/%2e%2e/%2e%2e/topics", {}, 404),
    ("GET", "/page/..%2ftopics", {}, 404),
    ("POST", "/health/live", {}, 405),
    ("OPTIONS", "/openapi.json", {}, 405),
    ("DELETE", "/", {}, 405),
    ("TRACE", "/classify", {}, 405),
]
WRONG = {
    "none": [],
    "another": [("Authorization", "Bearer another-key-of-24-letter")],
    "both at once": [("Authorization", f"Bearer {OLD},{NEW}")],
    "the end is missing": [("Authorization", f"Bearer {OLD[:-1]}")],
    "more": [("Authorization", f"Bearer {OLD}x")],
    "other case": [("Authorization", f"Bearer {OLD.upper()}")],
    "no scheme": [("Authorization", OLD)],
    "other scheme": [("Authorization", f"Basic {OLD}")],
    "only the scheme": [("Authorization", "Bearer")],
    "an empty key": [("Authorization", "Bearer ")],
    "not ASCII": [("Authorization", "Bearer ключ".encode())],
    "two headers": [("Authorization", f"Bearer {OLD}"), ("Authorization", f"Bearer {NEW}")],
    "other header": [("X-API-Key", OLD)],
}


def make_app(
    classifier: TopicClassifier, registry: CollectorRegistry, **changes: Any
) -> NewswireApp:
    settings = ServiceSettings(api_keys=(SecretStr(OLD), SecretStr(NEW)), **changes)
    return create_app(settings, classifier, registry)


@pytest.fixture(scope="module")
def module_app(classifier: TopicClassifier) -> NewswireApp:
    return make_app(classifier, CollectorRegistry())


@pytest.fixture
def app(request: pytest.FixtureRequest, module_app: NewswireApp) -> NewswireApp:
    """One with metrics of its own if the test uses ``registry``."""
    if "registry" not in request.fixturenames:
        return module_app
    classifier = request.getfixturevalue("classifier")
    return make_app(classifier, request.getfixturevalue("registry"))


@pytest.fixture
def client(app: NewswireApp) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("key", [OLD, NEW])
@pytest.mark.parametrize(("method", "path", "content", "status"), CLOSED)
def test_valid_key_is_accepted(
    client: TestClient, method: str, path: str, content: dict[str, Any], status: int, key: str
) -> None:
    assert client.request(method, path, headers=bearer(key), **content).status_code == status


@pytest.mark.parametrize(("method", "path", "content", "status"), CLOSED)
def test_missing_key_gets_401_and_nothing_else(
    client: TestClient, method: str, path: str, content: dict[str, Any], status: int
) -> None:
    answer = client.request(method, path, headers={"X-Request-ID": "r-1"}, **content)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["x-request-id"] == "r-1"
    for name, value in DEFAULT_HEADERS:
        assert answer.headers.get_list(name.decode()) == [value.decode()]
    if path.startswith("/v2"):
        assert answer.json().keys() == {"error"}
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == f"{TYPE_PREFIX}unauthorized"


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("path", ["/classify", "/classify/batch", "/v2/models/reuters/infer"])
def test_a_wrong_key_is_none(client: TestClient, path: str, headers: Any) -> None:
    assert client.post(path, json=TEXT, headers=headers).status_code == 401


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_has_no_case(client: TestClient, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {NEW}"}
    assert client.get("/topics", headers=headers).status_code == 200


@pytest.mark.parametrize("path", sorted(OPEN))
def test_open_paths_need_no_key(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_the_metrics_may_be_open(classifier: TopicClassifier, registry: CollectorRegistry) -> None:
    client = TestClient(make_app(classifier, registry, metrics_require_key=False))
    assert client.get("/metrics").status_code == 200
    assert client.get("/topics").status_code == 401


def test_without_keys_all_is_open(classifier: TopicClassifier, registry: CollectorRegistry) -> None:
    app = create_app(ServiceSettings(), classifier, registry)
    assert TestClient(app).get("/topics").status_code == 200


async def ask_without_reading(app: NewswireApp, path: str) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("the body is read")

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-length", b"1000000000")],
    }
    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize("path", ["/classify", "/v2/models/reuters/infer"])
def test_it_is_said_before_the_body_is_read(app: NewswireApp, path: str) -> None:
    start, _ = asyncio.run(ask_without_reading(app, path))
    assert start["status"] == 401


def test_refusals_are_counted_by_route(client: TestClient, registry: CollectorRegistry) -> None:
    expected = {
        "/classify": "/classify",
        "/topics": "/topics",
        "/v2/models/any-name/infer": "/v2/models/{name}/infer",
        "/v2/models/a/versions/b": "/v2/models/{name}/versions/{version}",
        "/page/any-name": "/page/{name}",
        "/any-name": "unmatched",
    }
    for path, route in expected.items():
        client.post(path)
        client.get("/metrics", headers=bearer(NEW))
        labels = {"route": route, "status": "401"}
        assert registry.get_sample_value("newswire_http_requests_total", labels) == 1, path


def test_all_keys_are_looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long an answer takes must not tell which key is the one, nor how much of it is right."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(keys_module, "compare_digest", compare)
    middleware = ApiKeyMiddleware(Starlette(), [OLD, NEW], open_paths=frozenset(), routes=())
    for key, expected in ((OLD, True), (NEW, True), ("x", False), ("", False)):
        compared.clear()
        headers = [(b"authorization", f"Bearer {key}".encode())]
        assert middleware.has_valid_key(headers) is expected
        assert len(compared) == 2
        assert {len(digest) for pair in compared for digest in pair} == {32}


def test_behind_a_prefix(app: NewswireApp) -> None:
    client = TestClient(Starlette(routes=[Mount("/news", app)]))
    assert client.get("/news/health/live").status_code == 200
    assert client.get("/news/").status_code == 200
    assert client.get("/news/topics").status_code == 401
    assert client.post("/news/classify", json=TEXT).status_code == 401
    assert client.post("/news/classify", json=TEXT, headers=bearer(OLD)).status_code == 200


def test_the_document_says_where_a_key_is_needed(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    (name,) = document["components"]["securitySchemes"]
    scheme = document["components"]["securitySchemes"][name]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert "security" not in document, "the health checks need none"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            if path in OPEN:
                assert "security" not in operation, path
                assert "401" not in responses
                continue
            assert operation["security"] == [{name: []}], (method, path)
            if path.startswith("/v2"):
                assert "default" in responses
            else:
                examples = responses["401"]["content"]["application/problem+json"]["examples"]
                assert examples.keys() == {"unauthorized"}
                assert responses["401"]["headers"].keys() == {"X-Request-ID", "WWW-Authenticate"}


def test_without_keys_the_document_knows_none(
    classifier: TopicClassifier, registry: CollectorRegistry
) -> None:
    app = create_app(ServiceSettings(), classifier, registry)
    document = TestClient(app).get("/openapi.json").text
    assert "securitySchemes" not in document
    assert '"401"' not in document
