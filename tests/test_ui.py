"""The MLflow UI as a person sees it: the study's link opens the scatter of accuracy by carbon."""

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.conftest import Home, need

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update")


@pytest.fixture(scope="module")
def server(finished: Home) -> Iterator[str]:
    """A bare `mlflow ui` beside the store, but for its port."""
    need("chromium", CHROMIUM is not None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {k: v for k, v in finished.env.items() if k != "MLFLOW_TRACKING_URI"}
    process = subprocess.Popen(
        ["mlflow", "ui", "--port", str(port)],
        cwd=finished.folder,
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
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise TimeoutError(url)


def test_the_printed_link_opens_accuracy_against_emissions(finished: Home, server: str):
    from playwright.sync_api import expect, sync_playwright

    printed = (finished.folder / "printed.txt").read_text()
    link = re.search(r"http://127.0.0.1:5000(/#/experiments/\S*viewStateShareKey\S*)", printed)
    assert link
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1500, "height": 1100})
        page.goto(server + link[1])
        chart = page.locator(".js-plotly-plot").filter(
            has=page.locator("g.scatterlayer path.point")
        )
        expect(chart.first).to_be_visible(timeout=60_000)
        first = chart.first
        expect(first.locator("text.xtitle")).to_have_text("carbon/emissions_g")
        expect(first.locator("text.ytitle")).to_have_text("val/accuracy")
        assert first.locator("path.point").count() == 4
        expect(page.get_by_text("Pareto: accuracy x carbon").first).to_be_visible()
        expect(page.get_by_text("matching runs")).to_contain_text("4")
        browser.close()


def test_the_front_s_page_opens_without_a_network(finished: Home):
    from playwright.sync_api import expect, sync_playwright

    need("chromium", CHROMIUM is not None)
    (file,) = finished.folder.glob("mlruns/*/*/artifacts/front.html")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        context = browser.new_context(offline=True)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(file.as_uri())
        expect(page.locator("canvas, svg.marks").first).to_be_visible(timeout=20_000)
        assert errors == []
        browser.close()
