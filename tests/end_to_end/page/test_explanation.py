"""The words that mattered are marked, and no others."""

from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.end_to_end.browser import Watched
from tests.end_to_end.page.actions import GERMAN, OIL, has_text, marked, respond_with, type_text
from tests.end_to_end.running_service import RunningService

UNMARKED = "The words are not marked: the text has more than {} of them."
PRESS_RELEASE = """
Acme Industrial Holdings plc, a leading supplier of pumps and valves, today announced that it
has entered into a definitive agreement to acquire all outstanding shares of Borealis Flow
Systems Inc. for 14.50 dollars per share in cash. The boards of directors of both companies have
unanimously approved the transaction, which is expected to close in the third quarter, subject
to regulatory approvals. "We are delighted to welcome the talented team at Borealis to Acme,"
said its chief executive officer. "This combination will create a stronger platform for growth,
broaden our offering and deliver value to our customers, employees and investors. We look
forward to the next chapter of our journey." About Acme. The company designs, manufactures and
services pumps, valves and metering equipment for water utilities in more than 60 countries.
Forward-looking statements in this press release involve risks and uncertainties that could
cause actual results to differ materially from those expressed or implied.
"""


def explained(*changes: tuple[str, float | None]) -> tuple[str, dict[str, Any]]:
    """Return a text of words, and its explanation; a score change of None is an unknown word."""
    words, start = [], 0
    for word, change in changes:
        place = {"start": start, "end": start + len(word)}
        known = {"known": change is not None, "score_change": change or 0}
        words.append({"word": word, "field": "text", **place, **known})
        start += len(word) + 1
    return " ".join(word for word, _ in changes), {"topic": "x-0", "words": words}


def show(page: Page, *changes: tuple[str, float | None], **others: Any) -> None:
    text, explanation = explained(*changes)
    reliable: dict[str, Any] = {"known_words": 1.0, "abstained": None, "group": None}
    respond_with(page, explanation=explanation, **reliable, **others)
    type_text(page, text)
    expect(page.locator("#marked-text")).to_have_text(text)


def test_marks_fit_the_words(page: Page) -> None:
    """Also after surrogate pairs and composed characters."""
    title, text = (
        "🛢️ OPEC \U0001d490\U0001d48a\U0001d48d",
        f"🇸🇦👩‍💻 Zürich: “{OIL}” 😀 qwrtzpx 😀 barrel",
    )
    with page.expect_response(has_text) as received:
        page.get_by_label("Title").fill(title)
        type_text(page, text)
    words = received.value.json()["explanation"]["words"]
    expect(page.locator("#marked-text")).to_have_text(text)
    expect(page.locator("#marked-title")).to_have_text(title)
    changes = {word["word"]: word["score_change"] for word in words if word["known"]}
    for field in ("text", "title"):
        assert all(changes[word] > 0 for word in marked(page, "for", field))
        assert all(changes[word] < 0 for word in marked(page, "against", field))
    assert max(changes, key=changes.__getitem__) in [
        *marked(page, "for.strong"),
        *marked(page, "for.strong", "title"),
    ]
    expect(page.locator("#effects h3").first).to_have_text("For Crude oil")


def test_words_of_a_quarter_of_the_largest_effect_are_marked(page: Page) -> None:
    show(
        page, ("Up", 0.2), ("hm", None), ("mid", 0.05), ("low", 0.0499), ("dn", -0.1), ("no", -0.04)
    )
    assert marked(page, "for") == ["Up", "mid"]
    assert marked(page, "against") == ["dn"]
    assert page.locator("#marked-text .strong").all_inner_texts() == ["Up", "dn"]
    assert marked(page, "unknown") == []
    expect(page.locator("#effects li")).to_have_text(["Up +20.0", "mid +5.0", "dn −10.0"])
    styles = page.evaluate(
        """() => [".for", ".against"].map((kind) =>
            getComputedStyle(document.querySelector("#marked-text " + kind)).textDecorationStyle)"""
    )
    assert styles == ["solid", "wavy"]


def test_12_different_words_are_marked_at_most(page: Page) -> None:
    """Each time that they occur, in either case."""
    many = [(f"w{number}", 0.1 - number / 1_000) for number in range(20)]
    show(page, *many, ("W3", 0.09), ("w15", 0.08))
    assert marked(page, "for") == [*(word for word, _ in many[:12]), "W3"]
    expect(page.locator("#effects li")).to_have_count(12)


def test_effects_that_round_to_zero_are_not_marked(page: Page) -> None:
    topics = [{"topic": "x-0", "name": "Crude oil", "id": 0, "score": 1}]
    show(page, ("up", 0.0004), ("dn", -0.0002), topics=topics)
    expect(page.locator("#marked-text mark")).to_have_count(0)
    expect(page.locator("#effects")).to_have_text("No single word spoke for Crude oil.")


def test_few_words_of_a_press_release_are_marked(page: Page) -> None:
    type_text(page, PRESS_RELEASE.strip())
    expect(page.locator("#headline")).to_have_text("Acquisitions")
    words = page.locator("#marked-text mark").all_inner_texts()
    assert "acquire" in words
    assert len(words) <= len(PRESS_RELEASE.split()) / 10


def test_unknown_words_are_marked_where_they_are_the_reason(page: Page) -> None:
    with page.expect_response("**/classify") as received:
        type_text(page, GERMAN)
    words = received.value.json()["explanation"]["words"]
    expect(page.locator("#marked-text")).to_have_text(GERMAN)
    assert marked(page, "unknown") == [word["word"] for word in words if not word["known"]]
    expect(page.locator("#marked-text mark")).to_have_count(0)
    expect(page.locator("#effects")).to_have_text("The model does not know the dotted words.")
    expect(page.locator("#effects .unknown")).to_have_css("text-decoration-style", "dotted")


def test_no_topic_is_not_explained(page: Page) -> None:
    """An explanation is of the topic ranked first, which the text is not about."""
    respond_with(page, abstained="no_topic")
    type_text(page, OIL)
    expect(page.locator("#badge")).to_have_text("None of the topics")
    expect(page.locator("#words")).to_be_hidden()
    expect(page.locator("#code")).to_be_visible()


def test_explanation_can_be_switched_off(page: Page) -> None:
    page.get_by_label("Mark the words").uncheck()
    with page.expect_request("**/classify") as sent:
        type_text(page, OIL)
    assert sent.value.post_data_json == {"text": OIL, "all_topics": True, "top_k": 3}
    expect(page.locator("#headline")).to_have_text("Crude oil")
    expect(page.locator("#words")).to_be_hidden()


def test_text_too_long_to_explain_is_classified(page: Page) -> None:
    """The page knows the limit, so no request fails and the console stays empty."""
    page.locator("#text").fill(f"{OIL} " * (2_001 // len(OIL.split()) + 1))
    expect(page.locator("#headline")).to_have_text("Crude oil")
    expect(page.locator("#unmarked")).to_have_text(UNMARKED.format(2_000))
    expect(page.locator("#words")).to_be_hidden()
    expect(page.locator("#snippet")).not_to_contain_text("explain")
    page.get_by_label("Mark the words").uncheck()
    expect(page.locator("#unmarked")).to_be_hidden()
    page.get_by_label("Mark the words").check()
    type_text(page, OIL)
    expect(page.locator("#marked-text")).to_have_text(OIL)
    expect(page.locator("#unmarked")).to_be_hidden()


def test_word_limit_is_the_setting(browser: BrowserContext) -> None:
    with RunningService(NEWSWIRE_MAX_EXPLAINED_WORDS="7") as short:
        page = browser.new_page()
        watched = Watched(page)
        page.goto(f"http://127.0.0.1:{short.port}/")
        page.get_by_label("Title").fill("It's O\u2019Neill's oil")
        type_text(page, "rose 3.5 dlrs")
        expect(page.locator("#marked-text")).to_have_text("rose 3.5 dlrs")
        type_text(page, "rose 3.5 dlrs!!! again")
        expect(page.locator("#unmarked")).to_have_text(UNMARKED.format(7))
        expect(page.locator("#topics li").first).to_be_visible()
        page.close()
    assert watched.errors == []
