"""Swagger UI."""

from playwright.sync_api import Page, expect

from tests.end_to_end.page.actions import SWAGGER_UI_TIMEOUT_MS, execute
from tests.end_to_end.running_service import RunningService


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
