"""Take screenshots of the page for the documentation."""

import sys
from typing import Final

from playwright.sync_api import ViewportSize

from tests.conftest import ROOT
from tests.end_to_end.browser import Scheme, find_chromium, open_browser
from tests.end_to_end.running_service import RunningService

FOLDER: Final = ROOT / "docs" / "screenshots"
DESKTOP: Final = ViewportSize(width=1100, height=980)
PHONE: Final = ViewportSize(width=390, height=844)
EXAMPLE: Final = "Crude oil"
SHOTS: Final[dict[str, tuple[Scheme, ViewportSize, str | None]]] = {
    "start": ("light", DESKTOP, None),
    "light": ("light", DESKTOP, EXAMPLE),
    "dark": ("dark", DESKTOP, EXAMPLE),
    "phone": ("light", PHONE, EXAMPLE),
}
"""Scheme, size and example of each; None is the page before there is a text."""


def main() -> None:
    """Take every screenshot."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("Chromium is not installed: install the package chromium.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        RunningService() as service,
        open_browser(chromium, f"http://127.0.0.1:{service.port}") as context,
    ):
        for name, (scheme, size, example) in SHOTS.items():
            page = context.new_page()
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size(size)
            page.goto("/")
            page.get_by_text("Model card").wait_for()
            if example:
                page.get_by_role("button", name=example).click()
                page.locator("#effects ol").wait_for()
            page.screenshot(path=FOLDER / f"{name}.png")
            page.close()


if __name__ == "__main__":
    main()
