"""Behind a prefix, with API keys, and from pages of other origins."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.end_to_end.browser import Watched
from tests.end_to_end.page.actions import KEY, OIL, execute, expect_error, type_text
from tests.end_to_end.page.programs import RUN
from tests.end_to_end.running_service import RunningService


def test_behind_a_prefix(browser: BrowserContext) -> None:
    with RunningService([sys.executable, "-m", "tests.end_to_end.mounted"]) as mounted:
        page = browser.new_page()
        watched = Watched(page)
        page.goto(f"http://127.0.0.1:{mounted.port}/news/")
        page.get_by_label("Mark the words").uncheck()
        type_text(page, OIL)
        expect(page.locator("#headline")).to_have_text("Crude oil")
        expect(page.locator("#snippet")).to_contain_text("/news/classify")
        expect(page.locator("#model")).to_contain_text("reuters")
        page.get_by_role("link", name="API").click()
        expect(execute(page, "Classification-classify")).to_contain_text("200")
        page.close()
    assert watched.errors == []


def give_key(page: Page, key: str) -> None:
    page.get_by_label("The service requires an API key").fill(key)
    page.get_by_role("button", name="Use it").click()


def test_key_is_requested_where_required(
    browser: BrowserContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunningService(NEWSWIRE_API_KEYS=KEY) as closed:
        page = browser.new_page()
        watched = Watched(page)
        address = f"http://127.0.0.1:{closed.port}/"
        page.goto(address)
        field = page.get_by_label("The service requires an API key")
        expect(field).to_have_attribute("type", "password")
        violations = Axe().run(page).response["violations"]
        assert [found["id"] for found in violations] == []
        type_text(page, OIL)
        expect(page.get_by_role("alert")).to_contain_text("Send a valid key")
        give_key(page, "ключ")  # not allowed in a header, so the field is invalid
        expect(field).to_have_value("ключ")
        give_key(page, KEY[::-1])
        expect(field).to_have_value("")  # requested again
        give_key(page, KEY)
        expect(page.locator("#headline")).to_have_text("Crude oil")
        expect(page.locator("#model")).to_contain_text("Model reuters")
        expect(field).to_have_count(0)
        monkeypatch.setenv("API_KEY", KEY)
        for tab, run in RUN.items():
            page.get_by_role("tab", name=tab).click()
            code = page.locator("#snippet").inner_text()
            assert KEY not in code
            assert json.loads(run(code, tmp_path))["topic"] == "crude"
        page.reload()
        type_text(page, OIL)
        expect(page.locator("#headline")).to_have_text("Crude oil")
        try_docs_with_key(page, f"{address}docs")
        page.close()
    assert not [url for url in watched.requests if KEY in url or not url.startswith(address)]
    expect_error(watched, "401")
    assert watched.errors == []


def try_docs_with_key(page: Page, address: str) -> None:
    """Send a request without the key, then with it."""
    page.goto(address)
    response = execute(page, "Classification-classify")
    expect(response).to_contain_text("401")
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    dialog.get_by_role("textbox").fill(KEY)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").last.click()
    expect(execute(page, "Classification-classify")).to_contain_text('"topic": "earn"')


SEND = """async ([address, key]) => {
    const response = await fetch(`${address}/classify`, {
        method: "POST",
        headers: {
            "Content-Type": "application/json",
            "Authorization": `Bearer ${key}`,
            "X-Request-ID": "mine-1",
        },
        body: JSON.stringify({ text: "OPEC ministers agreed to cut crude oil output." }),
    }).catch(() => null);
    return response && [response.status, response.headers.get("x-request-id"),
        (await response.json()).topic ?? null];
}"""


class BlankPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>Another</title><link rel=icon href=data:,>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("allowed", [True, False])
def test_page_of_another_origin(browser: BrowserContext, *, allowed: bool) -> None:
    """JSON and a key need a preflight."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BlankPage) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{other.server_port}"
        named = origin if allowed else "https://news.example"
        with RunningService(NEWSWIRE_API_KEYS=KEY, NEWSWIRE_CORS_ORIGINS=named) as closed:
            page = browser.new_page()
            page.goto(origin)
            address = f"http://127.0.0.1:{closed.port}"
            found = page.evaluate(SEND, [address, KEY])
            assert found == ([200, "mine-1", "crude"] if allowed else None)
            rejected = page.evaluate(SEND, [address, "another-key-of-24-letter"])
            assert rejected == ([401, "mine-1", None] if allowed else None)
            page.close()
        other.shutdown()
