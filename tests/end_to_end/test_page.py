"""The pages in a real browser, served by the real service."""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    BrowserContext,
    Locator,
    Page,
    Response,
    Route,
    ViewportSize,
    expect,
)

from tests.end_to_end.browser import DESKTOP, PHONE, Scheme, Watched, need_chromium, open_browser
from tests.end_to_end.running_service import RunningService
from tests.networks import save_two_topics
from tests.synthetic_bundles import code_of, save_synthetic_bundle, text_of, unsure_text

OIL = "OPEC ministers agreed to cut output. Crude oil rose 40 cts to 18.50 dlrs a barrel."
MAX_OWN_BYTES = 40_000
MAX_SWAGGER_UI_BYTES = 2_000_000
SWAGGER_UI_TIMEOUT_MS = 30_000
TIMEOUT_MS = 5_000
"""Long: these tests check that something happens, not how fast."""
SCHEMES: list[Scheme] = ["light", "dark"]

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


def respond_with(page: Page, status: int = 200, **changes: Any) -> None:
    """Change the service's responses, or replace them by an error."""

    def respond(route: Route) -> None:
        if status >= 400:
            route.fulfill(status=status, json=changes)
        else:
            response = route.fetch(
                post_data={"text": route.request.post_data_json["text"]}  # type: ignore[index]
            )
            route.fulfill(json=response.json() | changes)

    page.route("**/classify", respond)


def type_text(page: Page, text: str) -> None:
    page.get_by_label("Text: type it").fill(text)


def has_text(response: Response) -> bool:
    """Whether the request has a text; a title typed before it is sent alone."""
    sent = response.request
    return sent.url.endswith("/classify") and "text" in (sent.post_data_json or {})


def marked(page: Page, kind: str, field: str = "text") -> list[str]:
    return page.locator(f"#marked-{field} .{kind}").all_inner_texts()


def test_topics_appear_while_typing(page: Page) -> None:
    box = page.get_by_label("Text: type it")
    box.press_sequentially(OIL[:20], delay=5)
    expect(page.locator("#topics li")).to_have_count(3)
    box.press_sequentially(OIL[20:], delay=5)
    first = page.locator("#topics li").first
    expect(first).to_contain_text("Crude oil")
    expect(page.get_by_role("status").first).to_have_text("Crude oil")
    expect(page.locator("#facts")).to_contain_text(re.compile(r"classified in \d+ ms"))
    page.wait_for_timeout(500)  # the last response comes, and the bar moves
    score = float(first.locator(".score").inner_text().removesuffix(" %")) / 100
    track, bar = (first.locator(name).bounding_box() for name in (".track", ".bar"))
    assert track
    assert bar
    assert bar["width"] / track["width"] == pytest.approx(score, abs=0.01)


def test_number_of_topics(page: Page) -> None:
    type_text(page, OIL)
    page.get_by_label("Topics", exact=True).select_option("10")
    expect(page.locator("#topics li")).to_have_count(10)
    page.get_by_label("Topics", exact=True).select_option("1")
    expect(page.locator("#topics li")).to_have_count(1)


def test_latency_is_printed(page: Page, service: RunningService) -> None:
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
    expect(page.locator("#topics li")).to_have_count(3)
    waited = page.evaluate("window.waited")
    sys.stdout.write(f"\nThe prediction showed {waited:.0f} ms after the last key.\n")
    assert waited < TIMEOUT_MS


def test_marks_fit_the_words(page: Page, watched: Watched) -> None:
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
    known = {word["word"] for word in words if word["known"]}
    unknown = {word["word"] for word in words if not word["known"]}
    assert "qwrtzpx" in marked(page, "unknown")
    assert {*marked(page, "unknown"), *marked(page, "unknown", "title")} <= unknown
    assert marked(page, "for")
    assert {*marked(page, "for"), *marked(page, "against"), *marked(page, "for", "title")} <= known
    expect(page.locator("#summary")).to_contain_text("For Crude oil: ")


def test_marks_differ_for_and_against(page: Page) -> None:
    words = [
        {"word": "Up", "field": "text", "start": 2, "end": 4, "known": True, "score_change": 0.2},
        {"word": "up", "field": "text", "start": 5, "end": 7, "known": True, "score_change": 0.03},
        {"word": "dn", "field": "text", "start": 8, "end": 10, "known": True, "score_change": -0.1},
        {"word": "no", "field": "text", "start": 11, "end": 13, "known": True, "score_change": 0.0},
        {"word": "hm", "field": "text", "start": 14, "end": 16, "known": False, "score_change": 0},
    ]
    respond_with(page, explanation={"topic": "earn", "words": words})
    type_text(page, "😀 Up up dn no hm 😀")
    expect(page.locator("#marked-text")).to_have_text("😀 Up up dn no hm 😀")
    assert marked(page, "for") == ["Up", "up"]
    assert marked(page, "for.strong") == ["Up"]
    assert marked(page, "against") == ["dn"]
    assert marked(page, "unknown") == ["hm"]
    expect(page.locator("#summary")).to_have_text(
        re.compile(r"^For [\w ]+: Up \+20\.0\. Against: dn .10\.0\.$")
    )
    styles = page.evaluate(
        """() => [".for", ".against", ".unknown"].map((kind) =>
            getComputedStyle(document.querySelector("#marked-text " + kind)).textDecorationStyle)"""
    )
    assert styles == ["solid", "wavy", "dotted"]


def test_a_title_is_enough(page: Page) -> None:
    with page.expect_request("**/classify") as sent:
        page.get_by_label("Title").fill("Gold prices rise")
    assert sent.value.post_data_json == {"title": "Gold prices rise", "top_k": 3, "explain": True}
    expect(page.locator("#verdict")).to_have_text("Gold")
    expect(page.locator("#marked-title")).to_have_text("Gold prices rise")
    expect(page.locator("#marked-text")).to_be_hidden()
    assert "Gold" in marked(page, "for", "title")
    expect(page.locator("#curl")).to_contain_text('-d \'{"title":"Gold prices rise"')
    type_text(page, " \n")
    expect(page.locator("#verdict")).to_have_text("Gold")
    type_text(page, OIL)
    expect(page.locator("#marked-text")).to_have_text(OIL)


def test_blank_fields_send_no_request(page: Page, watched: Watched) -> None:
    page.get_by_label("Title").fill(" ")
    type_text(page, "\n ")
    page.wait_for_timeout(500)
    expect(page.locator("#verdict")).to_have_text("Type something, or choose an example.")
    assert not [url for url in watched.requests if url.endswith("/classify")]


def test_explanation_can_be_switched_off(page: Page) -> None:
    page.get_by_label("Mark the words").uncheck()
    with page.expect_request("**/classify") as sent:
        type_text(page, OIL)
    assert sent.value.post_data_json == {"text": OIL, "top_k": 3}
    expect(page.locator("#topics li")).to_have_count(3)
    expect(page.locator("#words")).to_be_hidden()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"abstained": "low_confidence"}, "Not sure: no topic is likely enough to rely on."),
        ({"abstained": "too_few_known_words"}, "Not sure: the model knows too few of these words."),
        (
            {"abstained": "low_confidence", "group": {"name": "Energy", "score": 0.934}},
            "Not sure which topic it is, but its group is clear: Energy.",
        ),
    ],
)
def test_abstention_has_a_sentence(page: Page, changes: dict[str, Any], sentence: str) -> None:
    respond_with(page, **changes)
    type_text(page, OIL)
    expect(page.locator("#verdict")).to_contain_text(sentence)
    expect(page.locator("#verdict")).to_have_class("unsure")
    expect(page.locator("#topics li").first).to_contain_text("Crude oil")
    if "group" in changes:
        expect(page.locator("#group")).to_contain_text("93.4 %")


@pytest.mark.parametrize(
    ("no_topic", "place"), [(0.813, 0), (0.12, 1), (0.1, None), (0.0, None), (None, None)]
)
def test_likely_no_topic_has_a_row(page: Page, no_topic: float | None, place: int | None) -> None:
    scores = (("Crude oil", 0.5), ("Shipping", 0.05))
    topics = [
        {"topic": name[:4], "name": name, "id": number, "score": score}
        for number, (name, score) in enumerate(scores)
    ]
    respond_with(page, topics=topics, no_topic=no_topic, explanation=None)
    type_text(page, OIL)
    rows = page.locator("#topics li")
    expect(rows).to_have_count(2 if place is None else 3)
    names = rows.locator(".name").all_text_contents()
    assert ("None of these topics" in names) == (place is not None)
    if place is not None:
        expect(rows.nth(place)).to_contain_text(f"None of these topics {no_topic:.1%}"[:-1])


def test_no_topic_has_a_sentence(page: Page) -> None:
    respond_with(page, abstained="no_topic", no_topic=0.81)
    type_text(page, OIL)
    sentence = "None of the topics this model knows fits this text."
    expect(page.locator("#verdict")).to_have_text(sentence)
    expect(page.locator("#verdict")).to_have_class("unsure")


def test_error_shows_the_detail_of_the_service(page: Page, watched: Watched) -> None:
    type_text(page, OIL)
    expect(page.locator("#topics li")).to_have_count(3)
    respond_with(page, 413, title="The text is too long", detail="Expected at most 9 bytes.")
    type_text(page, OIL * 2)
    expect(page.get_by_role("alert")).to_have_text("Expected at most 9 bytes.")
    expect(page.locator("#topics li")).to_have_count(0)
    page.unroute("**/classify")
    type_text(page, OIL)
    expect(page.locator("#topics li")).to_have_count(3)
    expect(page.get_by_role("alert")).to_be_hidden()
    expect_error(watched, "413")


def test_unreachable_service(page: Page, watched: Watched) -> None:
    page.route("**/classify", lambda route: route.abort("connectionrefused"))
    type_text(page, OIL)
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect_error(watched, "ERR_CONNECTION_REFUSED")


def expect_error(watched: Watched, expected: str) -> None:
    """Remove expected errors."""
    assert any(expected in text for text in watched.errors)
    watched.errors = [text for text in watched.errors if expected not in text]


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
    expect(page.locator("#verdict")).to_have_text("fast")
    for route, content in held:
        route.fulfill(json=content)
    page.wait_for_timeout(200)
    expect(page.locator("#verdict")).to_have_text("fast")
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
    expect(page.locator("#topics li")).to_have_count(3)
    assert len([url for url in watched.requests if url.endswith("/classify")]) == 1


def test_text_is_not_parsed_as_html(page: Page) -> None:
    markup = "<img src=x onerror=alert(1)> <b>Crude oil</b> &amp; <script>alert(2)</script>"
    page.get_by_label("Title").fill(markup)
    type_text(page, markup)
    expect(page.locator("#marked-text")).to_have_text(markup)
    expect(page.locator("#marked-title")).to_have_text(markup)
    assert page.locator("main img, main b, main script").count() == 0


def test_command_gets_the_same_response(page: Page) -> None:
    title, text = 'It\'s $HOME `id` \\ "quoted" %s !!', f"''{OIL}''\n\t“ü” 😀 \u0085\u202e\x7f\\n"
    page.get_by_label("Mark the words").uncheck()
    with page.expect_response(has_text):
        page.get_by_label("Title").fill(title)
        type_text(page, text)
    expect(page.locator("#curl")).to_contain_text("40 cts")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#copied")).to_have_text("Copied.")
    command = page.evaluate("navigator.clipboard.readText()")
    assert command == page.locator("#curl").text_content()
    assert not re.search(r"[\x7f-\x9f\u202e]", command)
    assert json.loads(shlex.split(command)[-1]) == {"title": title, "text": text, "top_k": 3}
    prediction = json.loads(subprocess.check_output(["sh", "-c", command]))
    names = [topic["name"] for topic in prediction["topics"]]
    expect(page.locator("#topics .name")).to_have_text(names)


def test_long_text_is_not_in_the_command(page: Page) -> None:
    page.get_by_label("Mark the words").uncheck()
    type_text(page, OIL * 2_000)
    expect(page.locator("#curl")).to_contain_text("-d @request.json")


def drop(page: Page, name: str, content: bytes) -> None:
    transfer = page.evaluate_handle(
        """([name, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name));
            return transfer;
        }""",
        [name, list(content)],
    )
    for event in ("dragover", "drop"):
        page.dispatch_event("main", event, {"dataTransfer": transfer})


def test_file_can_be_dropped(page: Page) -> None:
    drop(page, "news.txt", b"\xef\xbb\xbf" + f"{OIL} ü".encode())
    expect(page.get_by_label("Text: type it")).to_have_value(f"{OIL} ü")
    expect(page.locator("#verdict")).to_have_text("Crude oil")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("news.png", b"\x89PNG\xff\xfe\x00\x01"),
        ("news.docx", b"PK\x03\x04\x14\x00\x06\x00\x08\x00"),
        ("news.odt", b"PK\x03\x04" + b"a" * 99),
        ("news.pdf", b"%PDF-1.7\n1 0 obj"),
        ("news.rtf", rb"{\rtf1\ansi Crude oil rose.}"),
        ("news.bin", b"\x00\x01\x02 crude oil"),
        ("news.utf-16", b"\xff\xfe\x00\xd8\x00"),
    ],
)
def test_binary_file_keeps_the_text(page: Page, name: str, content: bytes) -> None:
    type_text(page, OIL)
    page.get_by_label("Title").fill("OPEC meets")
    expect(page.locator("#verdict")).to_have_text("Crude oil")
    drop(page, name, content)
    note = page.get_by_role("alert")
    expect(note).to_have_text(
        f"The file {name} is not plain text. Save it as plain text (.txt), "
        "or copy its text and paste it here."
    )
    expect(page.get_by_label("Text: type it")).to_have_value(OIL)
    expect(page.get_by_label("Title")).to_have_value("OPEC meets")
    expect(page.locator("#verdict")).to_have_text("Crude oil")
    type_text(page, f"{OIL} More.")
    expect(note).to_be_hidden()


@pytest.mark.parametrize("encoding", ["latin-1", "windows-1252"])
def test_windows_encoding_is_read_with_a_note(page: Page, encoding: str) -> None:
    text = f"{OIL} Zürich, Düsseldorf: 5 £."
    if encoding == "windows-1252":
        text += " “quoted” – 3 €"
    drop(page, "news.txt", text.encode(encoding))
    expect(page.get_by_label("Text: type it")).to_have_value(text)
    expect(page.get_by_role("alert")).to_have_text(
        "The file news.txt is not in UTF-8. It was read as Windows-1252: "
        "check its accents and quotes."
    )
    expect(page.locator("#verdict")).to_have_text("Crude oil")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_byte_order_mark_is_read(page: Page, encoding: str) -> None:
    drop(page, "news.txt", f"\ufeff{OIL} ü".encode(encoding))
    expect(page.get_by_label("Text: type it")).to_have_value(f"{OIL} ü")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_file_can_be_opened_twice(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "news.txt"
    for text in (OIL, f"{OIL} {OIL}"):
        path.write_text(text)
        page.get_by_label("Open a file").set_input_files(path)
        expect(page.get_by_label("Text: type it")).to_have_value(text)


def test_keyboard_reaches_everything(page: Page) -> None:
    def focused() -> str:
        return str(page.evaluate("document.activeElement.id || document.activeElement.textContent"))

    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.append(focused())
        outline = page.evaluate(
            "getComputedStyle(document.activeElement.closest('.button') ?? document.activeElement)"
            ".outlineStyle"
        )
        assert outline == "solid", reached[-1]
        if reached[-1] == "text":
            break
    assert reached[:2] == ["API", "Earnings"]
    page.keyboard.type("Crude oil rose")
    expect(page.locator("#verdict")).to_have_text("Crude oil")
    rest: list[str] = []
    while len(rest) < 10 and rest[-1:] != ["copy"]:
        page.keyboard.press("Tab")
        rest.append(focused())
    assert rest == ["file", "top-k", "explain", "clear", "marked", "curl", "copy"]
    page.keyboard.press("Enter")
    expect(page.locator("#copied")).to_have_text("Copied.")


def fill_page(page: Page) -> None:
    """Show everything that the page can show."""
    page.get_by_role("button", name="Crude oil").click()
    expect(page.locator("#marked-text mark.for.strong").first).to_be_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_axe_violations(page: Page, scheme: Scheme) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    fill_page(page)
    violations = Axe().run(page).response["violations"]
    assert [(found["id"], found["nodes"][0]["html"]) for found in violations] == []


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
    fill_page(page)
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


def execute(page: Page, operation: str) -> Locator:
    """Send the example request of an operation in Swagger UI; return the response."""
    block = page.locator(f"#operations-{operation}")
    block.wait_for(timeout=SWAGGER_UI_TIMEOUT_MS)
    if not block.get_by_role("button", name="Execute").count():
        block.get_by_role("button").first.click()
        block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    return block.locator(".live-responses-table .response").first


def test_docs_lists_every_operation(page: Page, service: RunningService) -> None:
    """Swagger UI, under a policy without unsafe-inline, logs no error and loads no other host."""
    described = service.client.get("/openapi.json").json()["paths"]
    page.goto("/docs")
    n_operations = sum(len(methods) for methods in described.values())
    expect(page.locator(".opblock")).to_have_count(n_operations, timeout=SWAGGER_UI_TIMEOUT_MS)
    for operations in described.values():
        for operation in operations.values():
            expect(page.get_by_text(operation["summary"]).first).to_be_visible()


def test_docs_sends_the_examples(page: Page) -> None:
    page.goto("/docs")
    single = execute(page, "Classification-classify")
    expect(single).to_contain_text("200")
    expect(single).to_contain_text('"topic": "earn"')
    batch = execute(page, "Classification-classify_batch")
    expect(batch).to_contain_text("200")
    expect(batch).to_contain_text('"topic": "acq"')
    expect(execute(page, "Model-topics")).to_contain_text("Crude oil")


def test_behind_a_prefix(browser: BrowserContext) -> None:
    with RunningService([sys.executable, "-m", "tests.end_to_end.mounted"]) as mounted:
        page = browser.new_page()
        watched = Watched(page)
        page.goto(f"http://127.0.0.1:{mounted.port}/news/")
        page.get_by_label("Mark the words").uncheck()
        type_text(page, OIL)
        expect(page.locator("#verdict")).to_have_text("Crude oil")
        expect(page.locator("#curl")).to_contain_text("/news/classify")
        expect(page.locator("#model")).to_contain_text("reuters")
        page.get_by_role("link", name="API").click()
        expect(execute(page, "Classification-classify")).to_contain_text("200")
        page.close()
    assert watched.errors == []


KEY = "a-good-key-of-24-letters"


def give_key(page: Page, key: str) -> None:
    page.get_by_label("The service requires an API key").fill(key)
    page.get_by_role("button", name="Use it").click()


def test_key_is_requested_where_required(browser: BrowserContext) -> None:
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
        expect(page.locator("#verdict")).to_have_text("Crude oil")
        expect(page.locator("#model")).to_contain_text("Model reuters")
        expect(field).to_have_count(0)
        command = page.locator("#curl").inner_text()
        assert KEY not in command
        environment = {**os.environ, "API_KEY": KEY}
        prediction = json.loads(subprocess.check_output(["sh", "-c", command], env=environment))
        assert prediction["topic"] == "crude"
        page.reload()
        type_text(page, OIL)
        expect(page.locator("#verdict")).to_have_text("Crude oil")
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


UNMARKED = "The words are not marked: the text has more than {} of them."


def test_text_too_long_to_explain_is_classified(page: Page) -> None:
    """The page knows the limit, so no request fails and the console stays empty."""
    page.locator("#text").fill(f"{OIL} " * (2_001 // len(OIL.split()) + 1))
    expect(page.locator("#verdict")).to_have_text("Crude oil")
    expect(page.locator("#unmarked")).to_have_text(UNMARKED.format(2_000))
    expect(page.locator("#words")).to_be_hidden()
    expect(page.locator("#curl")).not_to_contain_text("explain")
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


NO_TOPIC = "None of the topics this model knows fits this text."
VERDICTS = {
    "Earnings": "Earnings",
    "Acquisitions": "Acquisitions",
    "Crude oil": "Crude oil",
    "Foreign exchange": "Foreign exchange",
    "None of the topics": NO_TOPIC,
}


def test_examples_of_the_released_bundle(page: Page) -> None:
    buttons = page.get_by_role("group", name="Examples").get_by_role("button")
    expect(buttons).to_have_text([*VERDICTS])
    for label, verdict in VERDICTS.items():
        page.get_by_role("button", name=label).click()
        expect(page.locator("#verdict")).to_have_text(verdict)
        unsure = re.compile("^unsure$") if verdict == NO_TOPIC else re.compile("^$")
        expect(page.locator("#verdict")).to_have_class(unsure)
        # "None of these topics" has a row where it is likely
        expect(page.locator("#topics li")).to_have_count(4 if verdict == NO_TOPIC else 3)
        page.get_by_role("button", name="Clear").click()
        expect(page.locator("#topics li")).to_have_count(0)


def test_page_of_a_model_of_two_topics(browser: BrowserContext, tmp_path: Path) -> None:
    model = save_two_topics(tmp_path / "3")
    with RunningService(NEWSWIRE_MODEL_DIR=str(model)) as service:
        page = browser.new_page()
        watched = Watched(page)
        page.goto(f"http://127.0.0.1:{service.port}/")
        expect(page.locator("#model")).to_have_text("Model pair, version 3")
        expect(page.locator("#top-k option")).to_have_text(["1", "2"])
        page.get_by_role("group", name="Examples").get_by_role("button").first.click()
        expect(page.locator("#topics li")).to_have_count(2)
        assert {*page.locator("#topics .name").all_inner_texts()} == {"Cocoa", "Grain"}
        page.goto(f"http://127.0.0.1:{service.port}/docs")
        expect(page.get_by_text("Which of 2 topics is this news text about?")).to_be_visible()
        response = execute(page, "Classification-classify")
        expect(response).to_contain_text('"name": "Cocoa"')
        expect(response).to_contain_text('"name": "Grain"')
        page.close()
    assert watched.errors == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_page_of_a_model_of_1000_topics(
    browser: BrowserContext, tmp_path: Path, size: ViewportSize
) -> None:
    """Long names are broken, in several scripts; none is markup."""
    model = save_synthetic_bundle(tmp_path / "3", 1_000)
    names = [topic["name"] for topic in json.loads((model / "topics.json").read_text())]
    with RunningService(NEWSWIRE_MODEL_DIR=str(model)) as service:
        page = browser.new_page()
        page.set_viewport_size(size)
        watched = Watched(page)
        page.goto(f"http://127.0.0.1:{service.port}/")
        expect(page.locator("#top-k option")).to_have_text(["1", "3", "5", "10"])
        examples = page.get_by_role("group", name="Examples").get_by_role("button")
        expect(examples).to_have_text([*names[:4], "None of the topics"])
        page.get_by_label("Topics", exact=True).select_option("10")
        for topic_id in (*range(8), 999):
            type_text(page, text_of(topic_id))
            expect(page.locator("#topics .name").first).to_have_text(names[topic_id])
            expect(page.locator("#topics code").first).to_have_text(code_of(topic_id))
            expect(page.locator("#summary")).to_contain_text(f"For {names[topic_id].strip()}"[:40])
        type_text(page, unsure_text(2, 7))  # the longest
        expect(page.locator("#verdict")).to_contain_text(names[2])
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"]
        page.close()
    assert watched.errors == []


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
