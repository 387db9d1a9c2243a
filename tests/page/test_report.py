"""The report: what it says of any store, and that its page chooses as `choose` does."""

import json
import math
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecotrack import reading
from ecotrack.amount import Amount
from ecotrack.fronts.choosing import Candidate, Need, NothingFitsError, choose
from ecotrack.meters.grid import countries
from ecotrack.tracking import RunView, Store
from experiments import report
from experiments.choose import searched
from experiments.page.front import payload
from experiments.page.render import render
from tests.browser import SCREENSHOTS, chromium, keep_picture, offline
from tests.conftest import Home
from tests.page import stores

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "</script><img src=x onerror='window.hacked = 1'>",
    "a very long name " * 14,
    '🐌 {{ 7 * 7 }} & "quotes" \'',
    "cnn-8x3",
)


def page_of(store: Store, **asked: Any) -> str:
    def link(run: RunView) -> str:
        return store.run_link(run.experiment_id, run.run_id)

    return render(report.contents(report.Config(**asked), store), link)


def write(folder: Path, page: str) -> Path:
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[tuple[Store, Path]]:
    """A store with everything in it, and its page."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "mlflow.db").write_bytes(migrated.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", Home(folder).uri)
        store = Store()
        stores.add_study(store)
        stores.add_trainings(store)
        stores.add_benchmarks(store)
        yield store, write(folder, page_of(store, within=1.0))


@pytest.fixture
def page(browser: Any, full: tuple[Store, Path]) -> Iterator[Any]:
    with offline(browser, full[1]) as opened:
        ready(opened)
        yield opened


def ready(page: Any) -> None:
    page.wait_for_selector("html[data-ready=true]", timeout=60_000)


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<script")[0]).split())


# What is said.


def test_an_empty_store_says_how_to_begin(home: Home, browser: Any):
    page = page_of(Store())
    assert "This store holds no runs yet." in words(page)
    with offline(browser, write(home.folder, page)) as opened:
        ready(opened)
        assert opened.get_by_text("fills this page").is_visible()


def test_one_run_has_its_row_and_no_study(home: Home, browser: Any):
    store = Store()
    with store.run("own work", "forest", {}, stores.GRID) as record:
        record.log(stores.trained(1))
    page = page_of(store)
    assert "own work 1 0 0 0" in words(page)
    assert "has no evaluated front; run `search` first" in words(page)
    with offline(browser, write(home.folder, page)) as opened:
        ready(opened)
        assert opened.locator("#country option").count() == len(countries()) + 1


def test_two_thousand_runs_are_all_counted_in_a_page_of_less_than_5_mb(home: Home):
    store = Store()
    stores.add_study(store)
    stores.add_trainings(store)
    stores.add_benchmarks(store)
    one = len(store.all_runs())
    stores.multiply(home.folder / "mlflow.db", 2000 // one)
    page = page_of(store)
    runs = one * (1 + 2000 // one)
    assert runs >= 2000
    assert f"{runs:,} runs" in words(page)
    assert len(page.encode()) < 5e6


def test_failed_and_impossible_runs_are_told_and_drawn_nowhere(full: tuple[Store, Path]):
    store, file = full
    told = words(file.read_text())
    assert "1 of 20 runs cannot be right: impossible" in told
    assert "a counter went back" in told
    assert "1 of 20 runs failed or were killed" in told
    found = report.contents(report.Config(), store)
    assert {one.augmentation for each in found.models for one in each} == {"none", "flip"} | {
        "shift"
    }
    assert max(one.accuracy[0] for each in found.models for one in each) < 0.9


def test_a_table_of_another_version_is_left_out(home: Home):
    store = Store()
    stores.add_benchmarks(store)
    with store.run("sorting", "odd", {}, {"ecotrack.kind": "sorting", **stores.GRID}) as record:
        store.client.log_text(record.run_id, json.dumps([1, 2]), "sorting.json")
    found = report.contents(report.Config(), store)
    assert found.sorting is not None
    assert found.sorting.run.name == "sorting"


def test_hostile_names_are_text(home: Home, browser: Any):
    store = Store()
    stores.add_study(store, names=HOSTILE)
    with store.run(HOSTILE[0], HOSTILE[1], {}, stores.GRID) as record:
        record.log(stores.trained(1))
    for width in (360, 1400):
        with offline(browser, write(home.folder, page_of(store)), width) as opened:
            ready(opened)
            assert opened.evaluate("window.hacked") is None
            shown = opened.locator("#run-shown option").all_inner_texts()
            assert [text.strip() for text in shown] == [name.strip() for name in HOSTILE]
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
            assert opened.get_by_text("49", exact=True).count() == 0


# That it chooses as `choose` does.


def candidates(seed: int) -> list[Candidate]:
    """Some fronts and some that are none, with equal ones among them."""
    chance = random.Random(seed)
    found = []
    for number in range(chance.randint(1, 9)):
        accuracy = round(chance.uniform(0.7, 0.95), chance.choice((1, 2, 4)))
        grams = 10 ** chance.uniform(-6, 0)
        found.append(
            Candidate(
                run_id=str(number),
                name=f"model {number}",
                val_accuracy=accuracy,
                training_g=grams if chance.random() < 0.8 else 1e-3,
                accuracy=accuracy,
                accuracy_low=accuracy,
                accuracy_high=accuracy,
                parameters=1,
                latency_ms=1.0,
                inference_g_per_1k=10 ** chance.uniform(-8, -2),
            )
        )
    return found


NEEDS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"kind": "knee", "value": 0}),
    *(({"min_accuracy": v / 100}, {"kind": "least", "value": v}) for v in (50, 80, 88.5, 99)),
    *(({"within": v}, {"kind": "within", "value": v}) for v in (0, 0.5, 1, 7, 100)),
]


def chosen_by_python(found: list[Candidate], need: Need) -> str | None:
    try:
        return choose(found, need).chosen.run_id
    except NothingFitsError:
        return None


def test_the_page_s_rule_is_python_s(page: Any):
    cases, expected = [], []
    for seed in range(60):
        found = candidates(seed)
        for asked, in_page in NEEDS:
            for predictions, scale in ((0.0, 1.0), (1e4, 0.118), (1e9, 2.3)):
                need = Need(5000, predictions=predictions, **asked)
                scaled = [
                    replace(
                        one,
                        training_g=one.training_g * scale,
                        inference_g_per_1k=one.inference_g_per_1k * scale,
                    )
                    for one in found
                ]
                expected.append(chosen_by_python(scaled, need))
                rows = [
                    {
                        "run": one.run_id,
                        "bound": one.bound(need),
                        "training_g": one.training_g,
                        "inference_g_per_1k": one.inference_g_per_1k,
                    }
                    for one in found
                ]
                cases.append([rows, in_page, predictions, scale])
    chosen = page.evaluate(
        """(cases) => cases.map((each) => {
            const { chosen } = window.ecotrack.choose(...each);
            return chosen && chosen.run;
        })""",
        cases,
    )
    assert chosen == expected
    assert len(set(chosen)) > 5
    assert None in chosen


def test_the_page_reads_numbers_as_python_does(page: Any):
    values = [m * 10.0**e for e in range(-17, 13) for m in (1, 1.004, 1.005001, 2.5, 9.994, 9.996)]
    shown = page.evaluate("(all) => all.map((x) => window.ecotrack.quantity(x, 'g'))", values)
    assert shown == [reading.quantity(value, "g") for value in values]
    bands = [[value, value / 1.9, value * 1.9] for value in values]
    shown = page.evaluate(
        "(all) => all.map(([v, l, h]) => window.ecotrack.amount(v, l, h, 'g'))", bands
    )
    assert shown == [reading.amount(Amount(*band), "g") for band in bands]


def need_of(page: Any) -> dict[str, Any]:
    kind, value = page.input_value("#need-kind"), float(page.input_value("#need-value"))
    return {"least": {"min_accuracy": value / 100}, "within": {"within": value}, "knee": {}}[kind]


def says_as_python(page: Any, store: Store) -> str:
    """The run that the page recommends, once it is seen that Python says the same."""
    shown = page.inner_text("#predictions-text").replace(",", "").removesuffix(" predictions")
    predictions = float(shown)
    found = searched(report.Config(), store)
    need = Need(found.need.images, predictions=predictions, **need_of(page))
    g_per_kwh = float(page.input_value("#country"))
    scale = g_per_kwh / payload(found, lambda run: "")["intensity"] if g_per_kwh else 1.0
    front = [
        replace(
            one,
            training_g=one.training_g * scale,
            inference_g_per_1k=one.inference_g_per_1k * scale,
        )
        for one in found.front
    ]
    run = page.get_attribute("#recommended", "data-run")
    assert (run or None) == chosen_by_python(front, need)
    if run:
        chosen = choose(front, need).chosen
        assert page.inner_text("#recommended") == chosen.name
        assert page.inner_text("#life") == reading.quantity(chosen.cost_g(predictions), "g")
        assert page.inner_text("#training") == reading.quantity(chosen.training_g, "g")
        assert page.locator("tr.chosen").get_attribute("data-run") == run
    return run or ""


def test_field_slider_and_country_move_the_recommendation(page: Any, full: tuple[Store, Path]):
    store, _ = full
    chosen = [says_as_python(page, store)]
    page.select_option("#need-kind", "least")
    for percent in ("70", "80", "83", "88", "99.9"):
        page.fill("#need-value", percent)
        chosen.append(says_as_python(page, store))
    assert len(set(chosen)) >= 4
    assert "" in chosen, "nothing reaches 99.9 %"
    page.select_option("#need-kind", "knee")
    knees = set()
    for power in range(0, 13, 3):
        page.evaluate(
            """(power) => {
                const slider = document.getElementById("predictions");
                slider.value = power;
                slider.dispatchEvent(new Event("input"));
            }""",
            power,
        )
        knees.add(says_as_python(page, store))
    assert len(knees) >= 2, "predictions move it"
    before = page.inner_text("#training")
    for name in ("Poland", "Sweden"):
        label = next(
            text
            for text in page.locator("#country option").all_inner_texts()
            if text.startswith(name)
        )
        page.select_option("#country", label=label)
        says_as_python(page, store)
        assert page.inner_text("#training") != before


def test_a_country_prices_every_gram_anew(page: Any):
    def figures() -> list[dict[str, Any]]:
        return page.evaluate(
            """() => [...document.querySelectorAll("data.grams")].map((one) => ({
                g: Number(one.value), wh: Number(one.dataset.wh), text: one.textContent.trim(),
                low: "low" in one.dataset ? Number(one.dataset.low) : null,
                high: "high" in one.dataset ? Number(one.dataset.high) : null,
            }))"""
        )

    intensity = dict(countries())["France"].intensity_g_per_kwh
    recorded = figures()
    assert len(recorded) > 20
    for one in recorded:
        assert one["text"] == told(one, 1.0)
    page.select_option("#country", str(intensity))
    for one in figures():
        if one["g"]:
            assert one["text"] == told(one, one["wh"] * intensity / 1000 / one["g"])


def told(one: dict[str, Any], times: float) -> str:
    ends = [math.inf if one[end] is None else one[end] * times for end in ("low", "high")]
    return reading.amount(Amount(one["g"] * times, *ends), "g")


# How it is used.


def test_the_keyboard_alone_is_enough(page: Any, full: tuple[Store, Path]):
    store, _ = full
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.id || document.activeElement.tagName")
        reached.append(name)
        if name == "predictions":
            for _ in range(25):
                page.keyboard.press("ArrowRight")
        if name == "need-value":
            page.keyboard.press("ArrowUp")
        if name == "copy":
            page.keyboard.press("Enter")
            break
    wanted = ["country", "need-kind", "need-value", "predictions", "run-shown", "run-link", "copy"]
    assert [name for name in reached if name in wanted] == wanted
    assert page.inner_text("#predictions-text") == "320 predictions"
    assert page.input_value("#need-value") == "2"
    says_as_python(page, store)
    assert page.inner_text("#copied")
    row = page.locator("button[data-run]").first
    row.focus()
    page.keyboard.press("Enter")
    assert page.input_value("#run-shown") == row.get_attribute("data-run")
    assert page.input_value("#run-link").endswith(f"/runs/{row.get_attribute('data-run')}")


def test_hover_names_a_model_and_a_click_shows_its_run(page: Any):
    dot = page.locator("#chart-front path[aria-roledescription='point']").first
    dot.scroll_into_view_if_needed()
    dot.hover(force=True)
    tooltip = page.locator("#vg-tooltip-element")
    tooltip.wait_for(state="visible")
    name = tooltip.locator("tr", has_text="model").locator("td.value").inner_text()
    dot.click(force=True)
    shown = page.locator("#run-shown option:checked").inner_text()
    assert shown == name
    assert page.input_value("#run-link").endswith(page.input_value("#run-shown"))


@pytest.mark.parametrize("width", [360, 1400])
def test_it_is_accessible_and_fits_the_window(browser: Any, full: tuple[Store, Path], width: int):
    from axe_playwright_python.sync_playwright import Axe

    with offline(browser, full[1], width) as opened:
        ready(opened)
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        for chart in opened.locator(".chart svg").all():
            box = chart.bounding_box()
            assert box["width"] > 0.6 * min(width, 480)
            assert box["x"] + box["width"] <= width
        found = Axe().run(opened).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
        keep_picture(opened, f"report-{width}")


def test_it_prints_without_controls_and_with_whole_charts(page: Any):
    page.emulate_media(media="print")
    for control in ("nav", ".run", "#copy", "#predictions"):
        assert page.locator(control).first.is_hidden(), control
    names = page.locator("#front tbody th button")
    assert names.count() > 2
    assert all(name.is_visible() for name in names.all())
    assert page.locator("#predictions-text").is_visible()
    # Printing narrows the page without telling its charts, and shrinks all of it if they stand out.
    page.evaluate("document.body.style.width = '182mm'")
    right = page.locator("body").bounding_box()["width"]
    charts = page.locator(".chart svg").all()
    assert len(charts) > 5
    for chart in charts:
        box = chart.bounding_box()
        assert box["x"] + box["width"] <= right + 1
    keep_picture(page, "report-print")
    pdf = page.pdf(format="A4", path=SCREENSHOTS / "report.pdf")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 12


def test_the_entry_point_writes_the_page_and_logs_it(home: Home):
    stores.add_study(Store())
    done = home.python("report", "--json", "true")
    assert done.returncode == 0, done.stderr
    page = Path(json.loads(done.stdout)["page"])
    assert page == home.folder / "build" / "report.html"
    (run,) = Store().runs("report", {"ecotrack.kind": "report"})
    (file,) = home.folder.glob(f"mlruns/report/{run.run_id}/artifacts/report.html")
    assert file.read_text() == page.read_text()
    assert "Models on the front" in words(page.read_text())
