"""Debian's Chromium, driven by Playwright, without background requests."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, ViewportSize, sync_playwright

NAMES = ("chromium", "chromium-browser")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = ViewportSize(width=1200, height=900)
PHONE = ViewportSize(width=320, height=640)

Scheme = Literal["light", "dark"]


def find_chromium() -> Path | None:
    """Return Chromium on the path, as Debian's package ``chromium`` installs it."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return Path(found) if found else None


def need_chromium() -> Path:
    """Return Chromium; without it, skip the test, or fail it in CI."""
    chromium = find_chromium()
    if chromium is None:
        reason = "Chromium is not installed: install the package chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return chromium


@contextmanager
def open_browser(
    chromium: Path, base_url: str, permissions: Sequence[str] = ()
) -> Iterator[BrowserContext]:
    """Start a browser with an empty profile."""
    with TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium,
            args=ARGUMENTS,
            headless=True,
            base_url=base_url,
            viewport=DESKTOP,
            permissions=permissions,
        )
        context.set_default_timeout(5_000)
        try:
            yield context
        finally:
            context.close()


class Watched:
    """A page with its requests and errors.

    Attributes
    ----------
    requests : list of str
        Addresses.
    errors : list of str
        Errors of scripts, and errors and warnings in the console, such as violations of the policy.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._listen)

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)
