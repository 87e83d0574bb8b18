"""What the tests do to a page."""

from typing import Any

from playwright.sync_api import Locator, Page, Response, Route, expect

from tests.end_to_end.browser import Watched

OIL = "OPEC ministers agreed to cut output. Crude oil rose 40 cts to 18.50 dlrs a barrel."
GERMAN = "Der Konzern steigerte den Gewinn um zwölf Prozent. Der Vorstand bestätigte die Prognose."
KEY = "a-good-key-of-24-letters"
SWAGGER_UI_TIMEOUT_MS = 30_000


def type_text(page: Page, text: str) -> None:
    page.get_by_label("Text: type it").fill(text)


def has_text(response: Response) -> bool:
    """Whether the request has a text; a title typed before it is sent alone."""
    sent = response.request
    return sent.url.endswith("/classify") and "text" in (sent.post_data_json or {})


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


def scored(*scores: tuple[str, float]) -> list[dict[str, Any]]:
    """Return topics of a response, with codes that no model has."""
    return [
        {"topic": f"x-{number}", "name": name, "id": number, "score": score}
        for number, (name, score) in enumerate(scores)
    ]


def marked(page: Page, kind: str, field: str = "text") -> list[str]:
    return page.locator(f"#marked-{field} .{kind}").all_inner_texts()


def show_example(page: Page) -> None:
    """Show a prediction with its explanation."""
    page.get_by_role("button", name="Crude oil").click()
    expect(page.locator("#marked-text mark.for.strong").first).to_be_visible()


def expect_error(watched: Watched, expected: str) -> None:
    """Remove expected errors."""
    assert any(expected in text for text in watched.errors)
    watched.errors = [text for text in watched.errors if expected not in text]


def execute(page: Page, operation: str) -> Locator:
    """Send the example request of an operation in Swagger UI; return the response."""
    block = page.locator(f"#operations-{operation}")
    block.wait_for(timeout=SWAGGER_UI_TIMEOUT_MS)
    if not block.get_by_role("button", name="Execute").count():
        block.get_by_role("button").first.click()
        block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    return block.locator(".live-responses-table .response").first
