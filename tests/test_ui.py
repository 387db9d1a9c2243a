"""The MLflow UI as a person sees it: each saved view with its charts, and the report in its run."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ecotrack import metrics
from ecotrack.tracking import Store
from experiments.reports import views
from tests.browser import CHROMIUM, chromium, keep_picture, offline, served, ui
from tests.conftest import Home, need
from tests.page import stores


@dataclass(frozen=True)
class Shelf:
    """A UI that is being served, and the links to the views in it."""

    url: str
    links: dict[str, str]


@pytest.fixture(scope="module")
def shelf(finished: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """The UI of a store with runs of every experiment."""
    need("chromium", CHROMIUM is not None)
    home = Home(tmp_path_factory.mktemp("ui"))
    for name in ("mlflow.db", "optuna.db"):
        shutil.copy(finished.folder / name, home.folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", home.uri)
        store = Store()
        stores.add_trainings(store)
        stores.add_benchmarks(store)
        links = {
            "sorting": views.sorting(store),
            "pi": views.pi(store),
            "fashion-mnist": views.fashion(store),
            "search": printed_link(finished),
            **pages(store),
        }
    with served(home) as url:
        yield Shelf(url, {name: link.partition("/#/")[2] for name, link in links.items()})


def printed_link(finished: Home) -> str:
    printed = (finished.folder / "printed.txt").read_text()
    link = re.search(r"http://127.0.0.1:5000/#/experiments/\S*viewStateShareKey\S*", printed)
    assert link
    return link[0]


def pages(store: Store) -> dict[str, str]:
    """Links to pages that are no views: the report's run, the study's, and the model's."""
    (report,) = store.runs(views.REPORTS, {metrics.KIND_TAG: "report"})
    (study,) = store.runs(stores.SEARCH, {metrics.KIND_TAG: "search"})
    return {
        "report": f"{store.run_link(report.experiment_id, report.run_id)}/artifacts",
        "study": store.run_link(study.experiment_id, study.run_id),
        "model": "/#/models/fashion-mnist",
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    with ui(browser) as opened:
        yield opened


def open_view(page: Any, shelf: Shelf, name: str) -> None:
    page.goto(f"{shelf.url}/#/{shelf.links[name]}")


@pytest.mark.parametrize(
    ("name", "accuracy", "runs", "points"),
    [
        ("search", metrics.VAL_ACCURACY, 4, 4),
        ("fashion-mnist", metrics.EVAL_ACCURACY, 5, 4),  # one failed before it had any figure
    ],
)
def test_accuracy_stands_against_emissions(page: Any, shelf: Shelf, name, accuracy, runs, points):
    from playwright.sync_api import expect

    open_view(page, shelf, name)
    page.locator("g.scatterlayer path.point").first.wait_for(state="attached", timeout=90_000)
    first = page.locator(".js-plotly-plot").filter(has=page.locator("path.point")).first
    assert first.locator("text.xtitle").text_content() == metrics.EMISSIONS_G
    assert first.locator("text.ytitle").text_content() == accuracy
    assert first.locator("path.point").count() == points
    expect(page.get_by_text("matching runs").first).to_contain_text(str(runs))
    parallel = page.locator("svg text").filter(has_text="learning-rate")
    expect(parallel.first).to_be_attached(timeout=30_000)
    keep_picture(page, f"ui-{name}")


def test_sorting_opens_with_time_and_emissions_by_size(page: Any, shelf: Shelf):
    open_view(page, shelf, "sorting")
    page.get_by_text(metrics.SORT_G).first.wait_for(timeout=90_000)
    page.locator(".js-plotly-plot g.scatterlayer path.js-line").first.wait_for(state="attached")
    for metric in (metrics.SORT_NS, metrics.SORT_G):
        assert page.get_by_text(metric, exact=True).count() > 0
    keep_picture(page, "ui-sorting")
    first = page.locator(".js-plotly-plot").first
    assert first.locator("path.js-line").count() >= 3, "a line a sort"
    assert first.locator("text.xtitle").text_content() == "Step"
    ticks = [tick.replace(",", "") for tick in first.locator(".xtick text").all_text_contents()]
    assert {"1000", "10k"} & set(ticks), "elements, powers of ten"


def test_pi_opens_with_bars_by_method(page: Any, shelf: Shelf):
    open_view(page, shelf, "pi")
    page.locator(".js-plotly-plot g.barlayer path").first.wait_for(state="attached", timeout=90_000)
    for metric in (metrics.PI_NS, metrics.PI_NJ):
        assert page.get_by_text(metric, exact=True).count() > 0
    assert page.locator(".js-plotly-plot").first.locator("g.barlayer g.point").count() == 3
    keep_picture(page, "ui-pi")


def test_the_report_works_in_the_artifact_viewer(page: Any, shelf: Shelf):
    open_view(page, shelf, "report")
    page.get_by_text("report.html").first.click(timeout=90_000)
    frame = page.frame_locator("iframe")
    frame.locator("#recommended").wait_for(timeout=60_000)
    assert frame.locator("#recommended").inner_text()
    frame.locator("#need-kind").select_option("knee")
    assert "knee" in frame.locator("#reason").inner_text()
    keep_picture(page, "ui-report")


def test_runs_and_models_have_their_notes(page: Any, shelf: Shelf):
    from playwright.sync_api import expect

    open_view(page, shelf, "study")
    expect(page.get_by_text("The front of study fashion-mnist").first).to_be_visible(timeout=90_000)
    open_view(page, shelf, "model")
    expect(page.get_by_text("chosen from a study's front").first).to_be_visible(timeout=90_000)
    expect(page.get_by_text("right-sized").first).to_be_visible()


def test_every_experiment_tells_what_it_is_about(finished: Home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", finished.uri)
    client = Store().client
    for name in (stores.SEARCH, views.REPORTS):
        assert client.get_experiment_by_name(name).tags["mlflow.note.content"]


def test_a_view_is_a_tag_of_its_experiment(home: Home):
    store = Store()
    link = views.sorting(store)
    tags = store.client.get_experiment_by_name("sorting").tags
    key = link.partition("viewStateShareKey=")[2].partition("&")[0]
    assert json.loads(tags[f"mlflow.sharedViewState.{key}"])["name"] == "Time and emissions by size"


def test_the_front_s_page_opens_without_a_network(finished: Home, browser: Any):
    file, *_ = finished.folder.glob("mlruns/*/*/artifacts/front.html")  # others add their studies
    with offline(browser, file) as page:
        page.locator("canvas, svg.marks").first.wait_for(timeout=20_000)
