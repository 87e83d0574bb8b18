import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.routes.ui import FOLDER, HEADERS, MEDIA_TYPES, PAGES
from service.app import create_app
from service.model import TopicClassifier
from service.settings import ServiceSettings

FILES = sorted(FOLDER.iterdir())
ADDRESSES = {"/": "index.html", "/docs": "docs.html"} | {
    f"/page/{path.name}": path.name for path in FILES if path.suffix != ".html"
}


@pytest.mark.parametrize(("address", "name"), ADDRESSES.items())
def test_every_file_is_sent_as_it_is(client: TestClient, address: str, name: str) -> None:
    response = client.get(address)
    assert response.status_code == 200
    assert response.content == (FOLDER / name).read_bytes()
    assert response.headers["content-type"] == MEDIA_TYPES[Path(name).suffix]
    for header, value in HEADERS.items():
        assert response.headers[header] == value


def test_the_page_knows_how_much_is_explained(
    classifier: TopicClassifier, registry: CollectorRegistry
) -> None:
    app = create_app(ServiceSettings(max_explained_words=77), classifier, registry)
    assert 'name="max-explained-words" content="77"' in TestClient(app).get("/").text


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_known_is_not_sent_again(client: TestClient, address: str) -> None:
    tag = client.get(address).headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        response = client.get(address, headers={"If-None-Match": known})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == tag
        assert response.headers["cache-control"] == "no-cache"
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_each_file_has_a_tag_of_its_own(client: TestClient) -> None:
    tags = {client.get(address).headers["etag"] for address in ADDRESSES}
    assert len(tags) == len(ADDRESSES)


@pytest.mark.parametrize("address", ["/", "/docs", "/page/page.js"])
def test_only_the_head_is_sent_if_only_that_is_asked_for(client: TestClient, address: str) -> None:
    head = client.head(address)
    assert head.content == b""
    assert head.headers["content-length"] == client.get(address).headers["content-length"]


@pytest.mark.parametrize(
    "name", ["index.html", "other.js", "%2e%2e%2fpages.py", "..%2fpages.py", "a/b", ""]
)
def test_nothing_else_is_sent(client: TestClient, name: str) -> None:
    response = client.get(f"/page/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_other_methods_are_refused(client: TestClient) -> None:
    assert client.post("/").status_code == 405


def test_one_route_label_for_all_files(client: TestClient, registry: CollectorRegistry) -> None:
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


def test_the_pages_are_not_part_of_the_interface(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert not paths.keys() & (PAGES.keys() | {"/page/{name}"})


def test_behind_a_prefix(client: TestClient) -> None:
    outer = FastAPI()
    outer.mount("/news", client.app)
    with TestClient(outer) as outside:
        for address in ADDRESSES:
            assert outside.get(f"/news{address}").content == client.get(address).content
        assert outside.post("/news/classify", json={"text": "Crude oil rose."}).status_code == 200


def test_small() -> None:
    assert sum(path.stat().st_size for path in FILES) <= 60_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_address_of_another_host_and_none_from_the_root(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")  # a name, never asked
    assert not re.search(r"https?://", text)
    assert not re.findall(r"""(?:href|src)="/|url\(|@import|fetch\("/""", text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_text_is_never_taken_for_markup(path: Path) -> None:
    markup = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\son\w+=\""
    )
    assert not re.search(markup, path.read_text())
    assert "style=" not in path.read_text()  # the policy would ignore it
