"""Chromium, driven by Playwright: pages without a network, the MLflow UI, and pictures of them."""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, Home, need

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update")
SCREENSHOTS = ROOT / "build" / "screenshots"  # kept by CI
# MLflow 3.17 opens its Assistant over a third of the window when it is first seen.
SEEN_BEFORE = "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"


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


@contextmanager
def ui(browser: Any, width: int = 1500, height: int = 1200) -> Iterator[Any]:
    """A window in which the MLflow UI can be opened."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.add_init_script(SEEN_BEFORE)
    yield context.new_page()
    context.close()


@contextmanager
def served(home: Home) -> Iterator[str]:
    """A bare `mlflow ui`, but for its port, while the block lasts; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {k: v for k, v in home.env.items() if k != "MLFLOW_TRACKING_URI"}
    process = subprocess.Popen(
        ["mlflow", "ui", "--port", str(port)],
        cwd=home.folder,
        env={**env, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/health")
        yield url
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def wait_for(url: str) -> None:
    """Until it answers.

    Raises:
        TimeoutError: it does not within two minutes.
    """
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise TimeoutError(url)


def keep_picture(page: Any, name: str) -> None:
    """A screenshot for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
