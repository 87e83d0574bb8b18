"""Leftover HTML is found, and removed if the user wants it."""

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.page.actions import OIL, type_text

HINT = "There is HTML in the text."


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("<p>Crude oil</p><p>rose.</p>", "Crude oil rose."),
        ('Crude <a href="https://news.example/?a=1&b=2">oil</a>', "Crude oil"),
        ("Crude oil<br>rose<BR/>again.", "Crude oil rose again."),
        ("Crude <!-- a > b --> oil", "Crude oil"),
        (
            "<script>if (a < b) track()</script>Crude <STYLE>p > b { top: 0 }</STYLE>oil",
            "Crude oil",
        ),
        (
            "<p>Oil firm &lt;XYZ> of <b>Texas</b> <OILC> rose.",
            "Oil firm &lt;XYZ> of Texas <OILC> rose.",
        ),
        ("<p>Crude oil\n\nrose.</p>", "Crude oil\n\nrose."),
    ],
)
def test_tags_are_removed(page: Page, text: str, cleaned: str) -> None:
    type_text(page, text)
    expect(page.locator("#markup")).to_contain_text(HINT)
    page.get_by_role("button", name="Remove the tags").click()
    expect(page.get_by_label("Text: type it")).to_have_value(cleaned)
    expect(page.locator("#markup")).to_be_hidden()
    expect(page.locator("#marked-text")).to_have_text(cleaned)


def test_tags_are_removed_from_the_title(page: Page) -> None:
    page.get_by_label("Title").fill("<b>Crude</b> oil")
    page.get_by_role("button", name="Remove the tags").click()
    expect(page.get_by_label("Title")).to_have_value("Crude oil")


@pytest.mark.parametrize(
    "text",
    [
        OIL,
        "Acme <ACME.N> buys Bolt <BLT>, a unit of <Coil Corp>.",
        "Prices < 5 and > 3, a<b and b>c; AT&amp;T rose.",
    ],
)
def test_tickers_are_no_html(page: Page, text: str) -> None:
    type_text(page, text)
    expect(page.locator("#marked-text")).to_have_text(text)
    expect(page.locator("#markup")).to_be_hidden()


def test_hint_follows_the_text(page: Page) -> None:
    for text, is_shown in ((OIL, False), (f"<p>{OIL}</p>", True), (OIL, False)):
        type_text(page, text)
        expect(page.locator("#marked-text")).to_have_text(text)
        expect(page.locator("#markup")).to_be_visible(visible=is_shown)
    type_text(page, f"<p>{OIL}</p>")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#markup")).to_be_hidden()
