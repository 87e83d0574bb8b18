"""The service, a browser, and a page that is watched."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.end_to_end.browser import Watched, need_chromium, open_browser
from tests.end_to_end.running_service import RunningService

TIMEOUT_MS = 5_000
"""Long: these tests check that something happens, not how fast."""

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    with RunningService() as service:
        yield service


@pytest.fixture(scope="module")
def browser(service: RunningService) -> Iterator[BrowserContext]:
    """One browser for the module: Playwright's event loop ends before other modules start one."""
    address = f"http://127.0.0.1:{service.port}"
    permissions = ["clipboard-read", "clipboard-write"]
    with open_browser(need_chromium(), address, permissions) as context:
        yield context


@pytest.fixture
def watched(browser: BrowserContext) -> Iterator[Watched]:
    """A page that must log no error and send no request to another host."""
    page = browser.new_page()
    watched = Watched(page)
    page.goto("/")
    expect(page.locator("#model")).to_contain_text("version")
    yield watched
    page.unroute_all(behavior="wait")
    origin = re.match(r"\w+://[^/]+/", page.url)
    page.close()
    assert watched.errors == []
    assert origin
    assert [url for url in watched.requests if not url.startswith((origin[0], "data:"))] == []


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page
