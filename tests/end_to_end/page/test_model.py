"""What the page tells of the served model, for models of 2 to 1,000 topics."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, ViewportSize, expect

from service import __version__
from service.model import load_bundle
from tests.conftest import LATEST
from tests.end_to_end.browser import DESKTOP, PHONE, Watched
from tests.end_to_end.page.actions import execute, type_text
from tests.end_to_end.running_service import RunningService
from tests.networks import save_two_topics
from tests.synthetic_bundles import code_of, save_synthetic_bundle, text_of, unsure_text
from tests.waiting import wait_until

NO_TOPIC = "Something else"
HEADLINES = {
    "Earnings": "Earnings",
    "Acquisitions": "Acquisitions",
    "Crude oil": "Crude oil",
    "Foreign exchange": "Foreign exchange",
    "None of the topics": NO_TOPIC,
}


def test_scope_is_told_at_the_top(page: Page) -> None:
    bundle = load_bundle(LATEST)
    told = f"The model knows {len(bundle.topics)} topics. It learned from "
    expect(page.locator("#scope")).to_have_text(told + f"{bundle.manifest.data['description']}.")


def test_topics_are_listed_by_group(page: Page) -> None:
    topics = load_bundle(LATEST).topics
    expect(page.locator("#groups")).to_be_hidden()
    page.get_by_text(f"See the {len(topics)} topics").click()
    groups = sorted({topic.group for topic in topics})
    expect(page.locator("#groups h2")).to_have_text(groups)
    for number, name in enumerate(groups):
        members = sorted((t for t in topics if t.group == name), key=lambda t: t.name.lower())
        section = page.locator(".group").nth(number)
        expect(section.locator("dt")).to_have_text([topic.name for topic in members])
        expect(section.locator("dd")).to_have_text([topic.description for topic in members])


def test_footer(page: Page) -> None:
    footer = f"Model reuters, version {LATEST.name} · newswire-topics {__version__} · API docs"
    expect(page.locator("footer > p")).to_have_text(footer)
    expect(page.get_by_role("link", name="API docs")).to_have_attribute("href", "docs")


def test_footer_links_the_source_where_it_is_known(page: Page) -> None:
    def respond(route: Route) -> None:
        config = route.fetch().json()
        route.fulfill(json=config | {"source": "https://code.example/newswire"})

    page.route("**/config.json", respond)
    page.reload()
    source = page.get_by_role("link", name="Source")
    expect(source).to_have_attribute("href", "https://code.example/newswire")


def test_model_card(page: Page) -> None:
    manifest = load_bundle(LATEST).manifest
    page.get_by_text("Model card").click()
    card = page.locator("#card-content")
    expect(card).to_contain_text(f"reuters, version {LATEST.name}, of {manifest.created[:10]}")
    expect(card).to_contain_text(f"{manifest.data['train_newswires']:,} with a topic")
    expect(card).to_contain_text(f"the likeliest topic is below {manifest.min_confidence:.1%}"[:-1])
    measured = [name.replace("_", " ") for name in manifest.scores if name != "negatives"]
    expect(card.locator("tbody th")).to_have_text(measured)
    scores = manifest.scores["article"]
    names = ("accuracy", "top_3_accuracy", "coverage", "answered_accuracy")
    expected = [f"{100 * scores[name]:.1f} %" for name in names]
    expect(card.locator("tr", has_text="article").locator("td")).to_have_text(expected)


def test_examples_of_the_released_bundle(page: Page) -> None:
    buttons = page.get_by_role("group", name="Examples").get_by_role("button")
    expect(buttons).to_have_text([*HEADLINES])
    for label, headline in HEADLINES.items():
        page.get_by_role("button", name=label).click()
        expect(page.locator("#headline")).to_have_text(headline)
        badge = "None of the topics" if headline == NO_TOPIC else "Reliable"
        expect(page.locator("#badge")).to_have_text(badge)
        # "None of these topics" has a row where it is likely
        expect(page.locator(".topics li")).to_have_count(4 if headline == NO_TOPIC else 3)
        page.get_by_role("button", name="Clear").click()
        expect(page.locator(".topics li")).to_have_count(0)


def test_model_of_two_topics(browser: BrowserContext, tmp_path: Path) -> None:
    model = save_two_topics(tmp_path / "3")
    with RunningService(NEWSWIRE_MODEL_DIR=str(model)) as service:
        page = browser.new_page()
        watched = Watched(page)
        page.goto(f"http://127.0.0.1:{service.port}/")
        expect(page.locator("#model")).to_contain_text("Model pair, version 3")
        expect(page.locator("#scope")).to_have_text("The model knows 2 topics.")
        expect(page.locator("#top-k option")).to_have_text(["1", "2"])
        expect(page.locator("#legend-none")).to_be_hidden()
        page.get_by_role("group", name="Examples").get_by_role("button").first.click()
        expect(page.locator(".topics li")).to_have_count(2)
        assert {*page.locator(".topics .name").all_text_contents()} == {"Cocoa", "Grain"}
        page.get_by_text("Model card").click()
        expect(page.locator("#card-content")).to_contain_text("pair, version 3")
        page.goto(f"http://127.0.0.1:{service.port}/docs")
        expect(page.get_by_text("Which of 2 topics is this news text about?")).to_be_visible()
        response = execute(page, "Classification-classify")
        expect(response).to_contain_text('"name": "Cocoa"')
        expect(response).to_contain_text('"name": "Grain"')
        page.close()
    assert watched.errors == []


def test_model_that_never_abstains_is_not_called_reliable(page: Page) -> None:
    page.route(
        "**/config.json",
        lambda route: route.fulfill(json=route.fetch().json() | {"abstains": False}),
    )
    page.reload()
    expect(page.locator("#model")).to_contain_text("version")
    expect(page.locator("#legend")).to_be_hidden()
    page.get_by_role("button", name="Crude oil").click()
    expect(page.locator("#headline")).to_have_text("Crude oil")
    expect(page.locator("#badge")).to_be_hidden()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_model_of_1000_topics(browser: BrowserContext, tmp_path: Path, size: ViewportSize) -> None:
    """Long names are broken, in several scripts; none is markup."""
    model = save_synthetic_bundle(tmp_path / "3", 1_000, groups=("Home", "Abroad"))
    names = [topic["name"] for topic in json.loads((model / "topics.json").read_text())]
    with RunningService(NEWSWIRE_MODEL_DIR=str(model)) as service:
        page = browser.new_page()
        page.set_viewport_size(size)
        watched = Watched(page)
        page.goto(f"http://127.0.0.1:{service.port}/")
        expect(page.locator("#top-k option")).to_have_text(["1", "3", "5", "10"])
        expect(page.locator("#scope")).to_have_text("The model knows 1,000 topics.")
        page.get_by_text("See the 1,000 topics").click()
        expect(page.locator("#groups h2")).to_have_text(["Abroad", "Home"])
        assert {*page.locator("#groups dt").all_text_contents()} == {*names}
        list_box = page.locator("#catalogue .panel").bounding_box()
        assert list_box
        assert list_box["height"] <= size["height"]
        examples = page.get_by_role("group", name="Examples").get_by_role("button")
        expect(examples).to_have_text([*names[:4], "None of the topics"])
        heights = examples.evaluate_all("(all) => all.map((button) => button.offsetHeight)")
        assert len(set(heights)) == 1  # long labels are cut
        page.get_by_label("Topics", exact=True).select_option("10")
        for topic_id in (*range(8), 999):
            type_text(page, text_of(topic_id))
            expect(page.locator("#headline")).to_have_text(names[topic_id])
            expect(page.locator("#topics code").first).to_have_text(code_of(topic_id))
            heading = re.compile(re.escape(f"For {names[topic_id].strip()}"[:40]))
            expect(page.locator("#effects h3").first).to_have_text(heading)
        type_text(page, unsure_text(2, 7))  # the longest
        expect(page.locator("#headline")).to_contain_text(names[2])
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"]
        page.close()
    assert watched.errors == []


@pytest.mark.parametrize("finds", [True, False])
def test_all_topics_are_asked_of_a_model_that_finds_them(
    browser: BrowserContext, tmp_path: Path, *, finds: bool
) -> None:
    folder = save_synthetic_bundle(tmp_path / "1", 3, all_topics=finds)
    with RunningService(NEWSWIRE_MODEL_DIR=str(folder)) as service:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{service.port}/")
        expect(page.locator("#model")).to_contain_text("version")
        with page.expect_request("**/classify") as asked:
            type_text(page, unsure_text(0, 2))
        sent = asked.value.post_data_json
        assert sent is not None
        assert sent.get("all_topics", False) is finds
        expect(page.locator("#headline")).to_be_visible()
        expect(page.locator("#also")).to_be_visible(visible=finds)
        page.close()


def test_page_follows_a_reload_of_the_model(browser: BrowserContext, tmp_path: Path) -> None:
    """An open page wants all topics and 5 topics, which the next model does not have."""
    models = tmp_path / "models"
    save_synthetic_bundle(models / "1", 5)
    with RunningService(
        NEWSWIRE_MODEL_DIR=str(models), NEWSWIRE_MODEL_POLL_SECONDS="0.1"
    ) as service:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{service.port}/")
        expect(page.locator("#model")).to_contain_text("version 1")
        page.get_by_label("Topics", exact=True).select_option("5")
        save_synthetic_bundle(tmp_path / "2", 3, all_topics=False).rename(models / "2")
        wait_until(lambda: service.client.get("/model").json()["version"] == "2", "bundle 2")
        type_text(page, text_of(1))
        expect(page.locator(".topics li")).to_have_count(3)
        expect(page.get_by_role("alert")).to_be_hidden()
        expect(page.locator("#model")).to_contain_text("version 2")
        page.close()
