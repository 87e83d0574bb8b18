"""Take screenshots of the page for the documentation."""

import sys
from typing import Final

from playwright.sync_api import ViewportSize

from tests.conftest import ROOT
from tests.end_to_end.browser import Scheme, find_chromium, open_browser
from tests.end_to_end.running_service import RunningService

FOLDER: Final = ROOT / "docs" / "screenshots"
SHOTS: Final[dict[str, tuple[Scheme, ViewportSize]]] = {
    "light": ("light", ViewportSize(width=1000, height=900)),
    "dark": ("dark", ViewportSize(width=1000, height=900)),
    "phone": ("light", ViewportSize(width=360, height=1100)),
}


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
        for name, (scheme, size) in SHOTS.items():
            page = context.new_page()
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size(size)
            page.goto("/")
            page.get_by_role("button", name="Crude oil").click()
            page.locator("#summary").wait_for()
            page.screenshot(path=FOLDER / f"{name}.png")
            page.close()


if __name__ == "__main__":
    main()
