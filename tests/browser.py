"""Chromium, driven by Playwright: pages without a network, and pictures of them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, need

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update")
SCREENSHOTS = ROOT / "build" / "screenshots"  # kept by CI


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, or a skipped test."""
    need("chromium", CHROMIUM is not None)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def offline(browser: Any, file: Path, width: int = 1400) -> Iterator[Any]:
    """A page from a file: whatever it asks of a network or says on the console is an error."""
    context = browser.new_context(offline=True, viewport={"width": width, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on(
        "request", lambda asked: wrong.append(asked.url) if asked.url != file.as_uri() else None
    )
    page.goto(file.as_uri())
    yield page
    context.close()
    assert wrong == []


def keep_picture(page: Any, name: str) -> None:
    """A screenshot for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
