"""Text is classified while it is typed."""

import re
import sys
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.end_to_end.browser import Watched
from tests.end_to_end.page.actions import OIL, expect_error, marked, respond_with, type_text
from tests.end_to_end.page.conftest import TIMEOUT_MS


def test_topics_appear_while_typing(page: Page) -> None:
    box = page.get_by_label("Text: type it")
    box.press_sequentially(OIL[:20], delay=5)
    expect(page.locator(".topics li")).to_have_count(3)
    box.press_sequentially(OIL[20:], delay=5)
    first = page.locator(".topics li").first
    expect(first).to_contain_text("Crude oil")
    expect(page.locator("#facts")).to_have_text(re.compile(r"100 % of the words .* \d+ ms"))
    page.wait_for_timeout(500)  # the last response comes, and the bar moves
    score = float(first.locator(".score").inner_text().removesuffix(" %")) / 100
    track, bar = (first.locator(name).bounding_box() for name in (".track", ".bar"))
    assert track
    assert bar
    assert bar["width"] / track["width"] == pytest.approx(score, abs=0.01)


def test_number_of_topics(page: Page) -> None:
    type_text(page, OIL)
    page.get_by_label("Topics", exact=True).select_option("10")
    expect(page.locator(".topics li")).to_have_count(10)
    page.get_by_label("Topics", exact=True).select_option("1")
    expect(page.locator(".topics li")).to_have_count(1)


def test_latency_is_printed(page: Page) -> None:
    """The bound is loose: the machine may be busy."""
    page.get_by_label("Mark the words").uncheck()
    page.evaluate(
        """() => {
            const [text, topics] = ["text", "topics"].map((id) => document.getElementById(id));
            let typed;
            text.addEventListener("input", () => { typed = performance.now(); });
            new MutationObserver(() => { window.waited ??= performance.now() - typed; })
                .observe(topics, { childList: true });
        }"""
    )
    type_text(page, OIL)
    expect(page.locator(".topics li")).to_have_count(3)
    waited = page.evaluate("window.waited")
    sys.stdout.write(f"\nThe prediction showed {waited:.0f} ms after the last key.\n")
    assert waited < TIMEOUT_MS


def test_a_title_is_enough(page: Page) -> None:
    with page.expect_request("**/classify") as sent:
        page.get_by_label("Title").fill("Gold prices rise")
    options = {"all_topics": True, "top_k": 3, "explain": True}
    assert sent.value.post_data_json == {"title": "Gold prices rise", **options}
    expect(page.locator("#headline")).to_have_text("Gold")
    expect(page.locator("#marked-title")).to_have_text("Gold prices rise")
    expect(page.locator("#marked-text")).to_be_hidden()
    assert "Gold" in marked(page, "for", "title")
    expect(page.locator("#snippet")).to_contain_text('-d \'{"title":"Gold prices rise"')
    type_text(page, " \n")
    expect(page.locator("#headline")).to_have_text("Gold")
    type_text(page, OIL)
    expect(page.locator("#marked-text")).to_have_text(OIL)


def test_blank_fields_send_no_request(page: Page, watched: Watched) -> None:
    page.get_by_label("Title").fill(" ")
    type_text(page, "\n ")
    page.wait_for_timeout(500)
    expect(page.locator("#welcome")).to_be_visible()
    assert not [url for url in watched.requests if url.endswith("/classify")]


def test_error_shows_the_detail_of_the_service(page: Page, watched: Watched) -> None:
    type_text(page, OIL)
    expect(page.locator(".topics li")).to_have_count(3)
    respond_with(page, 413, title="The text is too long", detail="Expected at most 9 bytes.")
    type_text(page, OIL * 2)
    expect(page.get_by_role("alert")).to_have_text("Expected at most 9 bytes.")
    expect(page.locator(".topics li")).to_have_count(0)
    page.unroute("**/classify")
    type_text(page, OIL)
    expect(page.locator(".topics li")).to_have_count(3)
    expect(page.get_by_role("alert")).to_be_hidden()
    expect_error(watched, "413")


def test_unreachable_service(page: Page, watched: Watched) -> None:
    page.route("**/classify", lambda route: route.abort("connectionrefused"))
    type_text(page, OIL)
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect_error(watched, "ERR_CONNECTION_REFUSED")


def test_stale_response_is_dropped(page: Page) -> None:
    """The response to the first text comes after that to the second."""

    def respond(route: Route) -> None:
        request = route.request.post_data_json
        assert isinstance(request, dict)
        topic = {"topic": "x", "name": request["text"], "id": 0, "score": 1}
        content = {"topics": [topic], "known_words": 1, "abstained": None}
        if request["text"] == "slow":
            held.append((route, content))
        else:
            route.fulfill(json=content)

    held: list[tuple[Route, dict[str, Any]]] = []
    page.route("**/classify", respond)
    with page.expect_request("**/classify"):
        type_text(page, "slow")
    type_text(page, "fast")
    expect(page.locator("#headline")).to_have_text("fast")
    for route, content in held:
        route.fulfill(json=content)
    page.wait_for_timeout(200)
    expect(page.locator("#headline")).to_have_text("fast")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_fast_typing_sends_one_request(page: Page, watched: Watched) -> None:
    page.evaluate(
        """() => {
            const text = document.getElementById("text");
            for (const letter of "crude oil rose") {
                text.value += letter;
                text.dispatchEvent(new Event("input"));
            }
        }"""
    )
    expect(page.locator(".topics li")).to_have_count(3)
    assert len([url for url in watched.requests if url.endswith("/classify")]) == 1


def test_text_is_not_parsed_as_html(page: Page) -> None:
    markup = "<img src=x onerror=alert(1)> <b>Crude oil</b> &amp; <script>alert(2)</script>"
    page.get_by_label("Title").fill(markup)
    type_text(page, markup)
    expect(page.locator("#marked-text")).to_have_text(markup)
    expect(page.locator("#marked-title")).to_have_text(markup)
    assert page.locator("main img, main b, main script").count() == 0


def test_a_slow_response_dims_the_result(page: Page) -> None:
    type_text(page, OIL)
    expect(page.locator("#headline")).to_have_text("Crude oil")
    held: list[Route] = []
    page.route("**/classify", lambda route: held.append(route))
    type_text(page, f"{OIL} More.")
    expect(page.locator("#result")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#verdict")).to_have_css("opacity", "0.55")
    held[0].continue_()
    expect(page.locator("#result")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#verdict")).to_have_css("opacity", "1")
