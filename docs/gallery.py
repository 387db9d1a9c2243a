"""The pictures of the pages, made again from the newest runs of the store.

    make gallery

Most are files of runs. The report and the UI are photographed in Chromium.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from ecotrack import metrics, terminal
from ecotrack.cli import UserError, one_line_errors
from ecotrack.tracking import RunView, Store, views
from tests.browser import chromium, offline, served, ui
from tests.conftest import Home

FOLDER = Path(__file__).parent
FILES = {  # picture -> (kind of run, its file)
    "sorting.png": ("sorting", "time.png"),
    "billion.png": ("sorting", "billion.png"),
    "pi.png": ("pi", "time.png"),
    "digits.png": ("pi", "digits.png"),
    "speed-up.png": ("pi", "speed_up.png"),
    "augmentation.png": ("augmentation", "augmentation.png"),
    "confusion.png": ("train", "confusion.png"),
    "front.png": ("search", "front.png"),
    "lifetime.png": ("choose", "lifetime.png"),
}
VIEWS = {  # picture -> (experiment, key of its saved view, what is drawn last)
    "ui-sorting.png": ("sorting", "sorting-by-size", ".js-plotly-plot >> nth=1"),
    "ui.png": ("fashion-mnist-search", "pareto-fashion-mnist", "text:text('learning-rate')"),
}
REPORT = ("report", "report.html")
DRAWN = ".js-plotly-plot .scatterlayer path"  # a chart of the UI that has its data
MARGIN = 16  # pixels beside the report
SHADES = 128  # colours of a picture: a third of its size, and nobody sees it


def pictures(store: Store) -> Iterator[tuple[str, bytes]]:
    """Each picture's name, and its PNG.

    Raises:
        UserError: no run has what a picture is made of.
    """
    runs = [run for run in store.all_runs() if run.status == "FINISHED"]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name, source in FILES.items():
            yield name, newest(store, runs, *source, folder).read_bytes()
        yield "report.png", front_of(browser, newest(store, runs, *REPORT, folder))
        with served(Home(store.folder)) as url, ui(browser, height=900) as page:
            for name, (experiment, key, last) in VIEWS.items():
                page.goto(views.link(url, store.experiment_id(experiment), key))
                for drawn in (DRAWN, last):
                    page.locator(drawn).first.wait_for(state="attached", timeout=90_000)
                yield name, page.screenshot()


def newest(store: Store, runs: list[RunView], kind: str, file: str, folder: str) -> Path:
    """A copy of the file, from the last run of that kind that has it."""
    for run in (run for run in reversed(runs) if run.tags.get(metrics.KIND_TAG) == kind):
        if file in {each.path for each in store.client.list_artifacts(run.run_id)}:
            return Path(store.client.download_artifacts(run.run_id, file, folder))
    raise UserError(f"no finished run of {kind} has a {file}; docs/gallery.md says what to run")


def front_of(browser: Any, report: Path) -> bytes:
    """The report's section of the front, down to its chart."""
    with offline(browser, report, width=1120) as page:
        page.wait_for_selector("html[data-ready=true]", timeout=60_000)
        section, chart = (page.locator(f"#{i}").bounding_box() for i in ("front", "chart-front"))
        height = chart["y"] + chart["height"] - section["y"]
        frame = {"x": section["x"] - MARGIN, "width": section["width"] + 2 * MARGIN}
        clip = {**frame, "y": section["y"] + MARGIN, "height": height}
        return page.screenshot(full_page=True, clip=clip)


def reduced(picture: bytes) -> bytes:
    """The same picture in few colours."""
    small = io.BytesIO()
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(SHADES, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    with one_line_errors("gallery"):
        for name, picture in pictures(Store(only_read=True)):
            (FOLDER / name).write_bytes(reduced(picture))
            terminal.say(f"{FOLDER / name}")
