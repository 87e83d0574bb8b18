"""The result: badge, headline and reason, topics, and what is shown before there is a text."""

from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from service.model import load_bundle
from tests.conftest import LATEST
from tests.end_to_end.page.actions import GERMAN, OIL, respond_with, scored, type_text

EDITORS_PHONE = ViewportSize(width=390, height=844)
RUSSIAN = "Цены на нефть выросли во вторник после решения ОПЕК сократить добычу."
FRENCH = "La Banque de France a annoncé mardi que les prix ont augmenté. Le dollar a reculé."
LEARNED = load_bundle(LATEST).manifest.data["description"]
LANGUAGE = f"The text may be in another language: the model learned from {LEARNED}."
GROUP = {"name": "Energy", "score": 0.934}


def test_first_state_invites(page: Page) -> None:
    welcome = page.locator("#welcome")
    expect(welcome).to_contain_text("Paste a news text, or choose an example.")
    expect(welcome.locator(".badge")).to_have_text(["Reliable", "Unsure", "None of the topics"])
    expect(page.locator("#badge")).to_be_hidden()
    expect(page.locator("#words")).to_be_hidden()
    expect(page.locator("#code")).to_be_hidden()
    type_text(page, OIL)
    expect(welcome).to_be_hidden()
    page.get_by_role("button", name="Clear").click()
    expect(welcome).to_be_visible()
    expect(page.locator("#headline")).to_be_hidden()
    expect(page.get_by_label("Text: type it")).to_be_focused()


def test_reliable_topic(page: Page) -> None:
    type_text(page, OIL)
    expect(page.locator("#badge")).to_have_text("Reliable")
    expect(page.locator("#headline")).to_have_text("Crude oil")
    expect(page.locator("#reason")).to_be_hidden()
    about = "Crude oil: prices, output, OPEC, fields and refiners. Group: Energy."
    expect(page.locator("#about")).to_have_text(about)
    expect(page.get_by_role("status").filter(has_text="Crude oil")).to_have_count(1)


@pytest.mark.parametrize(
    ("changes", "badge", "headline", "reason"),
    [
        (
            {"abstained": "low_confidence"},
            *("Unsure", "Perhaps Crude oil", "No topic is likely enough to rely on."),
        ),
        (
            {"abstained": "low_confidence", "group": GROUP},
            *("Unsure", "Energy"),
            "The group of the topic is clear, the topic is not. The likeliest is Crude oil.",
        ),
        (
            {"abstained": "too_few_known_words"},
            *("Unsure", "No guess", "The model knows too few of these words."),
        ),
        (
            {"abstained": "no_topic", "no_topic": 0.81},
            *("None of the topics", "Something else"),
            "None of the topics that the model knows fits this text.",
        ),
        (
            {"abstained": "a_new_reason"},
            *("Unsure", "Perhaps Crude oil", "The model abstains: a_new_reason."),
        ),
    ],
)
def test_abstention(
    page: Page, changes: dict[str, Any], badge: str, headline: str, reason: str
) -> None:
    respond_with(page, **changes)
    type_text(page, OIL)
    expect(page.locator("#badge")).to_have_text(badge)
    expect(page.locator("#headline")).to_have_text(headline)
    expect(page.locator("#reason")).to_have_text(reason)
    if "group" in changes:
        expect(page.locator("#facts")).to_contain_text("All topics of Energy together: 93.4 %")


def test_badges_differ_in_more_than_colour(page: Page) -> None:
    signs = page.evaluate(
        """() => [...document.querySelectorAll("#legend .badge")].map((badge) =>
            getComputedStyle(badge, "::before").content)"""
    )
    assert len(set(signs)) == 3
    assert "none" not in signs


def test_no_guess_where_no_word_is_known(page: Page) -> None:
    with page.expect_response("**/classify") as received:
        type_text(page, RUSSIAN)
    prediction = received.value.json()
    assert prediction["known_words"] == 0
    assert prediction["topics"][0]["name"]  # the API ranks all the same, and says that it abstains
    expect(page.locator("#badge")).to_have_text("Unsure")
    expect(page.locator("#headline")).to_have_text("No guess")
    expect(page.locator("#reason")).to_have_text(f"The model knows none of these words. {LANGUAGE}")
    expect(page.locator(".topics li")).to_have_count(0)
    expect(page.locator("#words")).to_be_hidden()
    for topic in prediction["topics"]:
        expect(page.locator("#result")).not_to_contain_text(topic["name"])


def test_too_few_known_words_hint_at_another_language(page: Page) -> None:
    type_text(page, GERMAN)
    expect(page.locator("#headline")).to_have_text("No guess")
    reason = f"The model knows too few of these words. {LANGUAGE}"
    expect(page.locator("#reason")).to_have_text(reason)
    expect(page.locator("#topics li")).to_have_count(0)
    page.get_by_text("Show the scores anyway").click()
    expect(page.locator("#rest li").first).to_be_visible()


def test_language_hint_depends_on_the_known_words(page: Page) -> None:
    type_text(page, FRENCH)  # half of the words are names in English texts, too
    expect(page.locator("#badge")).to_have_text("None of the topics")
    expect(page.locator("#reason")).to_contain_text(LANGUAGE)
    respond_with(page, abstained="low_confidence", known_words=0.7)
    type_text(page, OIL)
    expect(page.locator("#headline")).to_have_text("Perhaps Crude oil")
    expect(page.locator("#reason")).not_to_contain_text("language")


@pytest.mark.parametrize("text", ["Brkt", "Цены на нефть"])
def test_first_letters_are_no_other_language(page: Page, text: str) -> None:
    type_text(page, text)
    expect(page.locator("#reason")).to_have_text("The model knows none of these words.")


@pytest.mark.parametrize(
    ("no_topic", "place"), [(0.813, 0), (0.12, 1), (0.1, None), (0.0, None), (None, None)]
)
def test_likely_no_topic_has_a_row(page: Page, no_topic: float | None, place: int | None) -> None:
    topics = scored(("Crude oil", 0.5), ("Shipping", 0.05))
    respond_with(page, topics=topics, no_topic=no_topic, explanation=None)
    type_text(page, OIL)
    rows = page.locator("#topics li")
    expect(rows).to_have_count(2 if place is None else 3)
    names = rows.locator(".name").all_text_contents()
    assert ("None of these topics" in names) == (place is not None)
    if place is not None:
        expect(rows.nth(place)).to_contain_text(f"None of these topics {no_topic:.1%}"[:-1])


def test_topics_of_score_zero_are_folded(page: Page) -> None:
    names = ("Crude oil", 0.9989), ("Shipping", 0.0005), ("Gold", 0.00049), ("Tin", 0.0)
    respond_with(page, topics=scored(*names), no_topic=0.0, explanation=None)
    type_text(page, OIL)
    expect(page.locator("#topics .name")).to_have_text(["Crude oil", "Shipping"])
    expect(page.locator("#rest .name").first).to_be_hidden()
    page.get_by_text("2 more with 0.0 %").click()
    expect(page.locator("#rest .name")).to_have_text(["Gold", "Tin"])
    expect(page.locator("#rest .name").first).to_be_visible()


def test_first_topic_is_never_folded(page: Page) -> None:
    respond_with(page, topics=scored(("Crude oil", 0.0)), explanation=None, no_topic=None)
    type_text(page, OIL)
    expect(page.locator("#topics .name")).to_have_text("Crude oil")
    expect(page.locator("#rest")).to_be_hidden()


@pytest.mark.parametrize("example", ["Earnings", "Crude oil", "None of the topics"])
def test_result_is_above_the_fold_of_a_phone(page: Page, example: str) -> None:
    page.set_viewport_size(EDITORS_PHONE)
    page.get_by_role("button", name=example).click()
    expect(page.locator("#topics li").nth(1)).to_be_visible()
    for part in ("#badge", "#headline", "#topics li:nth-child(2)"):
        box = page.locator(part).bounding_box()
        assert box
        assert box["y"] + box["height"] <= EDITORS_PHONE["height"]
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize(
    ("abstained", "told"),
    [(None, "Also about Ships (61.0 %), Trade (30.0 %)."), ("low_confidence", "May be about ")],
)
def test_other_topics_of_the_text(page: Page, abstained: str | None, told: str) -> None:
    found = scored(("Crude oil", 0.9), ("Ships", 0.61), ("Trade", 0.3))
    ranked = scored(("Crude oil", 0.8))
    respond_with(page, abstained=abstained, topics=ranked, all_topics=found)
    type_text(page, OIL)
    expect(page.locator("#also")).to_contain_text(told)
    expect(page.locator("#also")).not_to_contain_text("Crude oil")
    page.unroute("**/classify")
    respond_with(page, topics=ranked, all_topics=found[:1])
    type_text(page, OIL + " And more.")
    expect(page.locator("#headline")).to_have_text("Crude oil")
    expect(page.locator("#also")).to_be_hidden()
