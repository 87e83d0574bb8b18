"""Keyboard, contrast, dark mode, small screens, reduced motion and size."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.end_to_end.browser import DESKTOP, PHONE, Scheme
from tests.end_to_end.page.actions import (
    GERMAN,
    OIL,
    SWAGGER_UI_TIMEOUT_MS,
    show_example,
    type_text,
)

MAX_OWN_BYTES = 60_000
MAX_SWAGGER_UI_BYTES = 2_000_000
SCHEMES: list[Scheme] = ["light", "dark"]


def test_keyboard_reaches_everything(page: Page) -> None:
    def focused() -> str:
        return str(
            page.evaluate(
                """() => {
                    const { id, tagName, parentElement, textContent } = document.activeElement;
                    return id || (tagName === "SUMMARY" ? parentElement.id : textContent);
                }"""
            )
        )

    def tab_to(last: str, limit: int = 20) -> list[str]:
        reached: list[str] = []
        while len(reached) < limit and reached[-1:] != [last]:
            page.keyboard.press("Tab")
            reached.append(focused())
            outline = page.evaluate(
                "getComputedStyle(document.activeElement.closest('.button') ??"
                " document.activeElement).outlineStyle"
            )
            assert outline == "solid", reached[-1]
        return reached

    assert tab_to("text")[:2] == ["catalogue", "Earnings"]
    page.keyboard.type("Crude oil rose")
    expect(page.locator("#headline")).to_have_text("Crude oil")
    assert tab_to("API docs") == [
        *("file", "clear", "top-k", "explain"),
        *("rest", "marked", "tab-curl", "copy", "snippet"),
        *("card", "API docs"),
    ]
    page.locator("#copy").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#copied")).to_have_text("Copied.")


def open_everything(page: Page) -> None:
    for summary in page.locator("summary:visible").all():
        summary.click()
    expect(page.locator("#card-content table")).to_be_visible()


def violations(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page).response["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in found]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_axe_violations(page: Page, scheme: Scheme, size: ViewportSize) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    assert violations(page) == []
    show_example(page)
    open_everything(page)
    assert violations(page) == []
    type_text(page, f"<p>{GERMAN}</p>")
    expect(page.locator("#badge")).to_have_text("Unsure")
    assert violations(page) == []
    page.get_by_role("button", name="None of the topics").click()
    expect(page.locator("#badge")).to_have_text("None of the topics")
    assert violations(page) == []


def test_light_and_dark(page: Page) -> None:
    grounds = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        grounds.append(sum(map(int, re.findall(r"\d+", ground)[:3])) / 3)
    assert grounds[0] > 200
    assert grounds[1] < 60


def test_phone_needs_no_horizontal_scrolling(page: Page) -> None:
    page.set_viewport_size(PHONE)
    show_example(page)
    open_everything(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_reduced_motion(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    type_text(page, OIL)
    bar = page.locator(".bar").first
    expect(bar).to_have_css("transition-duration", "0s")


def test_pages_are_small(browser: BrowserContext) -> None:
    sizes: dict[str, int] = {}
    page = browser.new_page()
    page.on("response", lambda response: sizes.update({response.url: len(response.body())}))
    page.goto("/", wait_until="networkidle")
    assert len(sizes) >= 8
    assert sum(sizes.values()) <= MAX_OWN_BYTES
    page.goto("/docs", wait_until="networkidle", timeout=SWAGGER_UI_TIMEOUT_MS)
    page.close()
    assert sum(sizes.values()) <= MAX_SWAGGER_UI_BYTES
