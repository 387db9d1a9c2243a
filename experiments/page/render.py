"""The page itself: one file with its charts, its script and its data, that needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ecotrack import figures, metrics, reading
from ecotrack.tracking import RunView
from experiments.page import augmented, charts, front
from experiments.page.augmented import Trained
from experiments.page.benchmarks import Benchmark
from experiments.page.overview import Overview
from experiments.page.price import Price, places
from experiments.page.words import Said
from experiments.reports.choice import Searched

HERE = Path(__file__).parent
TITLES = {
    "measured": "Measured",
    "sorting": "Sorting",
    "pi": "π",
    "augmentation": "Augmentation",
    "front": "Front",
    "payback": "Payback",
    "conclusions": "Conclusions",
}


@dataclass(frozen=True)
class Contents:
    """What the page shows; a part that is None was never run.

    Attributes:
        store: where the runs lie.
        overview: all runs.
        sorting, pi: the newest comparisons.
        models: trained with and without augmentation.
        found: the study, or the sentence why there is none.
        said: conclusions.
    """

    store: str
    overview: Overview
    sorting: Benchmark | None
    pi: Benchmark | None
    models: Sequence[Sequence[Trained]]
    found: Searched | str
    said: Said


def render(contents: Contents, link: front.Link) -> str:
    """The page as HTML; `link` gives the address of a run in the MLflow UI."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False}
    shown = contents.overview
    study = None if isinstance(contents.found, str) else front.payload(contents.found, link)
    words = {
        "overview": shown,
        "energy": reading.amount(shown.bill.energy, "Wh"),
        "machines": len({machine.name for machine in shown.machines}) or "not told",
        "groups": groups(shown),
        "places": places(),
        "sorting": contents.sorting,
        "pi": contents.pi,
        "models": augmented.table(contents.models),
        "said": contents.said,
        "study": study,
        **study_words(contents.found),
        "sections": sections(contents),
        "made": f"{datetime.now(UTC):%d %B %Y, %H:%M} UTC",
        "store": contents.store,
        "data": {"config": charts.CONFIG, "charts": drawn(contents), "study": study},
        "css": Markup((HERE / "page.css").read_text("utf-8")),
        "vega": Markup(figures.script()),
        "script": Markup(
            "".join((HERE / name).read_text("utf-8") for name in ("choosing.js", "page.js"))
        ),
    }
    return environment.get_template("page.html.j2").render(words)


def drawn(contents: Contents) -> dict[str, Any]:
    """All charts by name."""
    found: dict[str, Any] = {}
    for benchmark in (contents.sorting, contents.pi):
        found |= benchmark.charts if benchmark else {}
    if contents.models:
        found["augmentation"] = augmented.chart(contents.models)
    return found | ({} if isinstance(contents.found, str) else front.pictures(contents.found))


def sections(contents: Contents) -> list[tuple[str, str]]:
    """Those that the page has."""
    has = {
        "sorting": contents.sorting is not None,
        "pi": contents.pi is not None,
        "payback": not isinstance(contents.found, str),
    }
    if not contents.overview.runs:
        return []
    return [(name, title) for name, title in TITLES.items() if has.get(name, True)]


def groups(shown: Overview) -> list[Mapping[str, Any]]:
    """One row an experiment."""
    return [
        {
            "experiment": group.experiment,
            "runs": f"{group.runs:,}",
            "failed or killed": f"{group.ended_early:,}",
            "cannot be right": f"{group.invalid:,}",
            "disturbed": f"{group.disturbed:,}",
            "energy": group.energy,
            "emissions": group.price,
        }
        for group in shown.groups
    ]


def study_words(found: Searched | str) -> dict[str, Any]:
    """What the page says of the study besides its charts."""
    if isinstance(found, str):
        return {"no_study": found, "front": [], "trials": 0}
    whole: RunView = found.whole
    energy = metrics.amount(metrics.SEARCH_WH, whole.metrics)
    emissions = metrics.amount(metrics.SEARCH_G, whole.metrics)
    return {
        "study_name": whole.tags.get(metrics.STUDY_TAG, whole.name),
        "front": front.table(found),
        "trials": f"{len(found.trials):,}",
        "limited": front.is_limited(found),
        "search_energy": reading.amount(energy, "Wh"),
        "search_price": Price(emissions, energy.value),
        "search_share": f"{found.search_share:.0%}",
    }
