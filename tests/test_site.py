"""The site of the documents: built strictly, complete, and without another host."""

import os
import re
import shutil
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
import yaml
from markdown_it import MarkdownIt
from playwright.sync_api import Page, ViewportSize

from tests.conftest import ROOT
from tests.deploy.manifests import find_tool
from tests.docs.markdown import slug
from tests.end_to_end.browser import Scheme, Watched, need_chromium, open_browser

DOCS: Final = ROOT / "docs"
CONFIG: Final = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
PAGES: Final = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
REPOSITORY: Final = "https://forge.example/owner/name/blob/main"
PHONE: Final = ViewportSize(width=390, height=844)
LOADED: Final = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "object": ("data",),
    "video": ("src",),
}
"""Attributes that name what a browser loads with a page."""


def build(folder: Path, *, root: Path = ROOT, url: str = "") -> subprocess.CompletedProcess[str]:
    """Build the site into a folder, as ``make docs`` does."""
    python = Path(find_tool("zensical", "docs")).with_name("python")
    command = [python, root / ".ci" / "build_site.py", folder]
    environment = os.environ | {"REPOSITORY_URL": url}
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )


class Element(HTMLParser):
    """The tags of a page with their attributes, and the text of its article."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def loaded(self) -> Iterator[str]:
        """Yield the address of each script, style, picture and font."""
        for tag, attributes in self.tags:
            for name in LOADED.get(tag, ()):
                if name in attributes and attributes.get("rel") not in {
                    "canonical",
                    "prev",
                    "next",
                }:
                    yield attributes[name]

    def anchors(self) -> set[str]:
        return {attributes["id"] for _, attributes in self.tags if "id" in attributes}

    def links(self) -> list[str]:
        return [
            attributes["href"]
            for tag, attributes in self.tags
            if tag == "a" and "href" in attributes
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    done = build(folder, url=REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@cache
def parse(path: Path) -> Element:
    return Element(path.read_text())


def article(site: Path, page: str) -> str:
    """Return the HTML of a page's own text."""
    html = (site / page).with_suffix(".html").read_text()
    (content,) = re.findall(r"<article[^>]*>(.*?)</article>", html, re.S)
    return re.sub(r'<nav class="md-path".*?</nav>', "", content, flags=re.S)


def nav_pages(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        for target in entry.values():
            if isinstance(target, str):
                yield target
            else:
                yield from nav_pages(target)


def test_navigation_has_every_page_once() -> None:
    assert sorted(nav_pages(CONFIG["nav"])) == PAGES


def test_four_doors() -> None:
    names = [name for entry in CONFIG["nav"] for name in entry]
    assert names == ["Home", "Tutorials", "How-to guides", "Reference", "Explanation"]


def test_every_page_is_built(site: Path) -> None:
    built = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert built == {page.replace(".md", ".html") for page in PAGES} | {"404.html"}


def test_files_of_the_tutorials_can_be_downloaded(site: Path) -> None:
    for path in DOCS.glob("tutorials/*.jsonl"):
        assert (site / path.relative_to(DOCS)).read_bytes() == path.read_bytes()


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    loaded = {
        (page.name, address)
        for page in site.rglob("*.html")
        for address in parse(page).loaded()
        if urlsplit(address).scheme or address.startswith("//")
    }
    assert loaded == set()
    for style in site.rglob("*.css"):
        imported = re.findall(r"(?:@import|url\()\s*[\"']?([^\"');]+)", style.read_text())
        assert [name for name in imported if re.match(r"(https?:)?//", name)] == []
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert not re.search(r"fonts\.googleapis|unpkg\.com|cdn\.|mermaid", text)
        assert not re.search(r"url\(\s*[\"']?(https?:)?//", text)


def test_links_lead_somewhere(site: Path) -> None:
    """To a page or a file of the site with that anchor, to a file of the repository, or away."""
    broken = []
    for page in sorted(site.rglob("*.html")):
        for link in parse(page).links():
            target, anchor = urldefrag(unquote(link))
            if target.startswith(REPOSITORY):
                found = (ROOT / target.removeprefix(REPOSITORY).strip("/")).exists()
            elif urlsplit(target).scheme:
                found = True
            else:
                path = (page.parent / target) if target else page
                found = path.is_file() and (
                    not anchor or path.suffix != ".html" or anchor in parse(path).anchors()
                )
            if not found and page.name != "404.html":
                broken.append(f"{page.relative_to(site)}: {link}")
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_page_reads_alike_on_the_forge(site: Path, page: str) -> None:
    """CommonMark, as the forge has it, and Python-Markdown give the same elements and anchors."""
    markdown = MarkdownIt("commonmark").enable("table")
    text = (DOCS / page).read_text()
    forge = Element(markdown.render(text))
    shown = Element(re.sub(r'<a class="headerlink".*?</a>', "", article(site, page), flags=re.S))
    tags = (
        "h1",
        "h2",
        "h3",
        "h4",
        "p",
        "ul",
        "ol",
        "li",
        "pre",
        "table",
        "td",
        "img",
        "blockquote",
    )

    def count(element: Element) -> Counter[str]:
        return Counter(tag for tag, _ in element.tags if tag in tags)

    assert count(shown) == count(forge)
    tokens = markdown.parse(text)
    headings = [
        "".join(part.content for part in inline.children or [])
        for opening, inline in pairwise(tokens)
        if opening.type == "heading_open"
    ]
    anchors = [attributes["id"] for tag, attributes in shown.tags if re.fullmatch("h[1-6]", tag)]
    assert anchors == [slug(heading) for heading in headings]


def serve(folder: Path) -> ThreadingHTTPServer:
    """Serve a folder on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser(need_chromium(), "http://127.0.0.1") as context:
        yield context


def search(page: Page, words: str) -> None:
    page.wait_for_function("document.documentElement.classList.contains('js')")
    page.locator(".md-search__button").click()
    page.get_by_role("combobox", name="Search").fill(words)
    page.get_by_text(re.compile(r"^\d+ results?$")).wait_for()


@pytest.mark.parametrize("place", ["folder", "prefix"])
def test_search_works_offline_and_below_a_prefix(site: Path, browser: Any, place: str) -> None:
    with serve(site.parent) as server:
        prefix = f"http://127.0.0.1:{server.server_port}/site"
        base = site.as_uri() if place == "folder" else prefix
        watched = Watched(browser.new_page())
        watched.page.goto(f"{base}/how-to/grpc.html")
        search(watched.page, "tritonclient")
        watched.page.get_by_text("The Open Inference Protocol over gRPC").last.wait_for()
        watched.page.close()
        server.shutdown()
    assert [address for address in watched.requests if not address.startswith(base)] == []
    assert watched.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_palette_is_that_of_the_system(site: Path, browser: Any, scheme: Scheme) -> None:
    page = browser.new_page()
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{site.as_uri()}/index.html")
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    lightness = sum(int(part) for part in re.findall(r"\d+", color)[:3]) / 3
    assert (lightness > 200) is (scheme == "light")
    assert page.locator(".md-header input[name=__palette], input[name=__palette]").count() == 3
    page.close()


def test_no_page_is_wider_than_a_phone(site: Path, browser: Any) -> None:
    """Tables and code scroll in their own boxes."""
    page = browser.new_page()
    page.set_viewport_size(PHONE)
    wide = []
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path.relative_to(site).as_posix())
    page.close()
    assert wide == []


def small_repository(folder: Path, text: str) -> Path:
    """Return a folder with the script, one page and one picture."""
    for name in (".ci/build_site.py", "service/api/static/icon.svg", "README.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "docs" / "how-to").mkdir(parents=True)
    (folder / "docs" / "index.md").write_text("# Home\n\n[page](how-to/page.md)\n")
    (folder / "docs" / "how-to" / "page.md").write_text(f"# Page\n\n{text}\n")
    (folder / "zensical.toml").write_text(
        '[project]\nsite_name = "s"\nuse_directory_urls = false\n'
    )
    return folder


LEAVING: Final = """\
[icon](../../service/api/static/icon.svg) and [readme][r]
![picture](../../service/api/static/icon.svg)
`[code](../../missing.md)`

```text
[block](../../missing.md)
```

[r]: ../../README.md#settings
"""


def test_no_other_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    done = build(tmp_path)
    assert done.returncode == 1
    assert "error: expected an empty folder or an earlier site, got" in done.stderr
    assert (tmp_path / "file").read_text() == "kept"


def test_links_to_the_repository_have_its_address(tmp_path: Path) -> None:
    root = small_repository(tmp_path / "root", LEAVING)
    assert build(tmp_path / "site", root=root, url=f"{REPOSITORY}/").returncode == 0
    page = (tmp_path / "site" / "how-to" / "page.html").read_text()
    assert f'href="{REPOSITORY}/service/api/static/icon.svg"' in page
    assert f'href="{REPOSITORY}/README.md#settings"' in page
    assert 'src="../service/api/static/icon.svg"' in page
    assert (tmp_path / "site" / "service" / "api" / "static" / "icon.svg").is_file()
    assert page.count("../../missing.md") == 2


def test_links_to_the_repository_work_in_a_checkout(tmp_path: Path) -> None:
    root = small_repository(tmp_path / "root", LEAVING)
    assert build(root / "site", root=root).returncode == 0
    page = root / "site" / "how-to" / "page.html"
    (link,) = (link for link in Element(page.read_text()).links() if "README.md" in link)
    assert (page.parent / urldefrag(link).url).resolve() == root / "README.md"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gone](../../gone.py)", "docs/how-to/page.md:3: expected a file, not found: gone.py"),
        ("[gone](gone.md)", "error: the site has warnings"),
        ("[gone](../index.md#gone)", "error: the site has warnings"),
    ],
)
def test_a_broken_link_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    done = build(tmp_path / "site", root=small_repository(tmp_path / "root", text))
    assert done.returncode == 1
    assert message in done.stderr
    assert not (tmp_path / "site").exists()


def test_site_is_built_but_not_kept() -> None:
    assert "/site/" in (ROOT / ".gitignore").read_text().splitlines()
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^clean:\n\trm -rf .* site$", makefile, re.M)
    assert re.search(r"^test: .*\$\(VENVS\)/docs/\.installed", makefile, re.M)
    assert "site" not in (ROOT / ".dockerignore").read_text()  # nothing is sent but what it names


def test_only_the_main_branch_is_published() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "docs.yml").read_text())
    build_job, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    assert workflow[True] == {"push": {"branches": ["main"]}, "pull_request": None}  # key `on`
    assert publish["if"] == "github.event_name == 'push'"
    assert publish["needs"] == "build"
    assert publish["permissions"] == {"id-token": "write", "pages": "write"}
    assert "permissions" not in build_job
    (step,) = (step for step in build_job["steps"] if step.get("run") == "make docs")
    assert step["env"]["REPOSITORY_URL"].startswith("${{ github.server_url }}/")
