import re
from dataclasses import replace
from email.message import Message
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from service import __version__
from service.api.routes import ui
from service.api.routes.ui import CONFIG, FOLDER, HEADERS, PAGES, SWAGGER_UI
from service.app import create_app
from service.model import InferenceError, TopicClassifier, load_bundle, load_classifier
from service.settings import ServiceSettings
from tests.conftest import LATEST
from tests.networks import save_two_topics

FILES = sorted(FOLDER.iterdir())
OFFLINE = find_spec("fastapi_offline")
assert OFFLINE
assert OFFLINE.origin
SWAGGER_FOLDER = Path(OFFLINE.origin).with_name("static")
ADDRESSES = (
    {path: FOLDER / name for path, name in PAGES.items()}
    | {f"/page/{path.name}": path for path in FILES if path.suffix != ".html"}
    | {f"/page/{name}": SWAGGER_FOLDER / name for name in SWAGGER_UI}
)
MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "(text|application)/javascript",
    ".svg": r"image/svg\+xml",
}


@pytest.mark.parametrize(("address", "path"), ADDRESSES.items())
def test_files_are_sent_unchanged(client: TestClient, address: str, path: Path) -> None:
    response = client.get(address)
    assert response.status_code == 200
    assert response.content == path.read_bytes()
    assert re.match(MEDIA_TYPES[path.suffix], response.headers["content-type"])
    for header, value in HEADERS.items():
        assert response.headers[header] == value


@pytest.mark.parametrize("address", ADDRESSES)
def test_unchanged_files_get_304(client: TestClient, address: str) -> None:
    tag = client.get(address).headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        response = client.get(address, headers={"If-None-Match": known})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == tag
        assert response.headers["cache-control"] == "no-cache"
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_files_have_different_tags(client: TestClient) -> None:
    tags = {client.get(address).headers["etag"] for address in ADDRESSES}
    assert len(tags) == len(ADDRESSES)


def test_pages_ignore_the_query(client: TestClient) -> None:
    assert client.get("/?name=page.js").content == client.get("/").content


@pytest.mark.parametrize("value", ["bytes=0-9", "bytes=0-1,0-2,0-3", "bytes=", "x", "bytes=9-"])
def test_ranges_are_ignored(client: TestClient, value: str) -> None:
    response = client.get("/page/page.js", headers={"Range": value})
    assert response.status_code == 200
    assert response.content == (FOLDER / "page.js").read_bytes()


def get_config(classifier: TopicClassifier, **settings: Any) -> Any:
    app = create_app(ServiceSettings(**settings), classifier, CollectorRegistry())
    return TestClient(app).get(CONFIG).json()


def test_config_describes_the_served_model(classifier: TopicClassifier) -> None:
    config = get_config(classifier, max_explained_words=77)
    examples, topics = config.pop("examples"), config.pop("topics")
    fields = ("code", "name", "group", "description")
    assert topics == [{name: getattr(t, name) for name in fields} for t in classifier.topics]
    assert config == {
        "name": "reuters",
        "version": classifier.manifest.version,
        "description": "English business newswires of Reuters-21578 (1987)",
        "abstains": True,
        "no_topic": True,
        "all_topics": classifier.finds_all_topics,
        "default_top_k": 3,
        "max_explained_words": 77,
        "service_version": __version__,
        "source": ui.source_address(),
    }
    labels = [example["label"] for example in examples]
    assert labels[-1] == "None of the topics"
    assert len(set(labels)) == len(labels) == 5


def test_config_of_two_topics(tmp_path: Path) -> None:
    config = get_config(load_classifier(save_two_topics(tmp_path / "1")))
    assert (config["name"], len(config["topics"]), config["default_top_k"]) == ("pair", 2, 2)
    assert (config["description"], config["no_topic"]) == (None, False)
    assert {example["label"] for example in config["examples"]} <= {"Cocoa", "Grain"}
    assert config["examples"]


@pytest.mark.parametrize("description", [None, 7, ["English"]])
def test_config_without_a_description(description: Any) -> None:
    """The manifest's `data` is free: bundles of format 1 have none, others may have anything."""
    bundle = load_bundle(LATEST)
    data = {**bundle.manifest.data, "description": description}
    manifest = replace(bundle.manifest, data=data)
    assert get_config(TopicClassifier(replace(bundle, manifest=manifest)))["description"] is None


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        (
            ["Source, https://code.example/x, y", "Docs, https://d.example"],
            "https://code.example/x, y",
        ),
        (["Docs, https://d.example"], None),
        ([], None),
    ],
)
def test_source_is_that_of_the_package(
    monkeypatch: pytest.MonkeyPatch, urls: list[str], expected: str | None
) -> None:
    package = Message()
    for url in urls:
        package["Project-URL"] = url
    monkeypatch.setattr(ui, "metadata", lambda name: package)
    assert ui.source_address() == expected


def test_source_is_unknown_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "PACKAGE", "no-such-package-is-installed")
    assert ui.source_address() is None


@pytest.mark.usefixtures("registry")  # an application of its own
def test_config_follows_a_reload(client: TestClient, tmp_path: Path) -> None:
    app: Any = client.app
    assert client.get(CONFIG).json()["name"] == "reuters"
    app.adopt(app.prepare(load_classifier(save_two_topics(tmp_path / "1"))))
    assert client.get(CONFIG).json()["name"] == "pair"


def test_config_without_examples_if_inference_fails(
    classifier: TopicClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(encoded: Any) -> Any:
        raise InferenceError("no probability")

    monkeypatch.setattr(classifier, "infer", fail)
    assert get_config(classifier)["examples"] == []


def test_config_needs_a_key_where_the_model_does(classifier: TopicClassifier) -> None:
    settings = ServiceSettings(api_keys=(SecretStr("a-good-key-of-24-letters"),))
    client = TestClient(create_app(settings, classifier, CollectorRegistry()))
    assert client.get(CONFIG).status_code == client.get("/model").status_code == 401
    assert client.get("/page/page.js").status_code == client.get("/docs").status_code == 200


@pytest.mark.parametrize("address", ["/", "/docs", "/page/page.js"])
def test_head_has_no_body(client: TestClient, address: str) -> None:
    head = client.head(address)
    assert head.content == b""
    assert head.headers["content-length"] == client.get(address).headers["content-length"]


@pytest.mark.parametrize(
    "name",
    ["index.html", "redoc.standalone.js", "other.js", "%2e%2e%2fschemas.py", "..%2fx", "a/b", ""],
)
def test_other_files_are_not_found(client: TestClient, name: str) -> None:
    response = client.get(f"/page/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_other_methods_are_not_allowed(client: TestClient) -> None:
    assert client.post("/").status_code == 405


def test_files_share_one_route_label(client: TestClient, registry: CollectorRegistry) -> None:
    for number in range(5):
        client.get(f"/page/{number}")
    client.get("/page/page.js")
    client.get("/")
    (requests,) = (m for m in registry.collect() if m.name == "newswire_http_requests")
    labels = {
        (sample.labels["route"], sample.labels["status"])
        for sample in requests.samples
        if sample.name.endswith("_total") and sample.value
    }
    assert labels == {("/page/{name}", "404"), ("/page/{name}", "200"), ("/", "200")}


def test_pages_are_not_in_the_openapi_document(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert not paths.keys() & (PAGES.keys() | {"/page/{name}", CONFIG})


def test_behind_a_prefix(client: TestClient) -> None:
    outer = FastAPI()
    outer.mount("/news", client.app)
    with TestClient(outer) as outside:
        for address in ADDRESSES:
            assert outside.get(f"/news{address}").content == client.get(address).content
        assert outside.post("/news/classify", json={"text": "Crude oil rose."}).status_code == 200


def test_own_files_are_small() -> None:
    assert sum(path.stat().st_size for path in FILES) <= 50_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_addresses_are_relative(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")  # a name, never requested
    assert not re.search(r"https?://", text)
    assert not re.findall(r"""(?:href|src)="/|url\(|@import|fetch\("/""", text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_text_is_parsed_as_html(path: Path) -> None:
    markup = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\son\w+=\""
    )
    assert not re.search(markup, path.read_text())
    assert "style=" not in path.read_text()  # the policy would ignore it
