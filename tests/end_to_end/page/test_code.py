"""The request as a command and as programs, each of which gets the response of the page."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.page.actions import OIL, has_text, type_text
from tests.end_to_end.page.programs import RUN

TITLE = 'It\'s $HOME `id` \\ "quoted" %s ${x} !!'
TEXT = f"''{OIL}''\n\t“ü” 😀 \u0085\u202e\u2028\x7f\\n </script> true"


def show(page: Page, *, explain: bool) -> Any:
    """Type a text with characters that need quotes; return the response."""
    page.get_by_label("Mark the words").set_checked(explain)
    with page.expect_response(has_text) as received:
        page.get_by_label("Title").fill(TITLE)
        type_text(page, TEXT)
    expect(page.locator("#code")).to_contain_text("40 cts")
    return received.value.json()


def copied(page: Page, tab: str) -> str:
    """Return what the button copies; it is what is shown, without invisible characters."""
    page.get_by_role("tab", name=tab).click()
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#copied")).to_have_text("Copied.")
    code = str(page.evaluate("navigator.clipboard.readText()"))
    assert code == page.locator("#snippet").text_content()
    assert not re.search(r"[\x7f-\x9f\u2028\u202e]", code)
    return code


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize(("tab", "run"), RUN.items())
def test_code_gets_the_same_response(
    page: Page, tmp_path: Path, tab: str, run: Callable[[str, Path], str], *, explain: bool
) -> None:
    expected = show(page, explain=explain)
    assert ("explanation" in expected) == explain
    assert json.loads(run(copied(page, tab), tmp_path)) == expected


def test_javascript_runs_in_a_browser(page: Page) -> None:
    expected = show(page, explain=False)
    code = copied(page, "JavaScript")
    with page.expect_console_message() as printed:
        page.evaluate(f"() => {{ {code} }}")
    assert json.loads(printed.value.text) == expected


def test_response_is_shown(page: Page) -> None:
    expected = show(page, explain=True)
    assert json.loads(copied(page, "Response")) == expected


def test_selected_tab_follows_the_text(page: Page) -> None:
    type_text(page, OIL)
    page.get_by_role("tab", name="Python").click()
    type_text(page, f"{OIL} More.")
    expect(page.locator("#snippet")).to_contain_text("More.")
    expect(page.locator("#snippet")).to_contain_text("urlopen")


def test_arrows_move_between_tabs(page: Page) -> None:
    type_text(page, OIL)
    page.get_by_role("tab", name="curl").focus()
    moves = {
        "ArrowRight": "Python",
        "End": "Response",
        "Home": "curl",
        "ArrowLeft": "Response",
    }
    for key, name in [*moves.items(), ("ArrowRight", "curl")]:
        page.keyboard.press(key)
        tab = page.get_by_role("tab", name=name)
        expect(tab).to_be_focused()
        expect(page.get_by_role("tab", selected=True)).to_have_text(name)
        expect(page.get_by_role("tabpanel")).to_have_accessible_name(name)
        expect(page.locator("[role=tab][tabindex='0']")).to_have_count(1)


def test_command_is_one_argument(page: Page) -> None:
    show(page, explain=False)
    body = shlex.split(copied(page, "curl"))[-1]
    assert json.loads(body) == {"title": TITLE, "text": TEXT, "all_topics": True, "top_k": 3}


def test_long_text_is_not_in_the_command(page: Page) -> None:
    page.get_by_label("Mark the words").uncheck()
    type_text(page, OIL * 2_000)
    expect(page.locator("#snippet")).to_contain_text("-d @request.json")
