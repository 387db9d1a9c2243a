"""A study's front as the page's script takes it, so that it chooses as `choose` does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ecotrack import metrics, reading
from ecotrack.amount import Amount
from ecotrack.fronts.choosing import Candidate, Choice, Need, fits
from ecotrack.tracking import RunView
from experiments.page import charts
from experiments.page.overview import believed
from experiments.page.price import Price, intensity_of
from experiments.reports.choice import Searched

Link = Callable[[RunView], str]


def payload(found: Searched, link: Link) -> dict[str, Any]:
    """All that the script needs to choose, and to tell of the choice."""
    need = found.need
    known = intensity_of_study(found)
    exports = [(export.run, price(export.candidate.training, known)) for export in found.exports]
    return {
        "need": asked(need),
        "predictions": need.predictions,
        "confidence": need.confidence,
        "intensity": known,
        "candidates": [candidate(one, found) for one in found.candidates if fits(one, need)],
        "baseline": found.instead.name,
        "runs": [
            *(looked_at(run, training_of(run), link) for run in drawn(found)),
            *(looked_at(run, training, link) for run, training in exports),
        ],
    }


def intensity_of_study(found: Searched) -> float | None:
    """Grams a kWh that all of it was reckoned by: a study stays on one grid."""
    by_id = {run.run_id: run for run in found.trials}
    return intensity_of(by_id[found.front[0].run_id].metrics)


def price(grams: Amount, known: float | None) -> Price:
    """Grams of a study that was reckoned by so many a kWh."""
    return Price(grams, 1000 * grams.value / known if known else 0.0)


def is_limited(found: Searched) -> bool:
    """Whether some candidate is beyond the limits of size or latency."""
    return not all(fits(one, found.need) for one in found.candidates)


def asked(need: Need) -> dict[str, Any]:
    """The need as the page's fields show it."""
    if need.min_accuracy is not None:
        return {"kind": "least", "value": 100 * need.min_accuracy}
    if need.within is not None:
        return {"kind": "within", "value": need.within}
    return {"kind": "knee", "value": None}


def candidate(one: Candidate, found: Searched) -> dict[str, Any]:
    """A member of the front, or an export; its bound is the accuracy that one may be sure of."""
    life = found.life(Choice(one, "", 0.0, [one], None, None))
    paid = life.paid[0]
    return {
        "run": one.run_id,
        "name": one.name,
        "bound": one.bound(found.need),
        "training_g": one.training_g,
        "inference_g_per_1k": one.inference_g_per_1k,
        "val": one.val_accuracy,
        "test": reading.percent(one.accuracy),
        "test_low": f"{100 * one.accuracy_low:.1f}",
        "test_high": f"{100 * one.accuracy_high:.1f}",
        "parameters": f"{one.parameters:,}",
        "latency": f"{one.latency_ms:.2g} ms",
        "paying": life.paying(),
        "paid": paid if math.isfinite(paid) else None,
    }


def training_of(run: RunView) -> Price:
    """What a trial's training emitted."""
    seen = run.metrics
    return Price(metrics.amount(metrics.EMISSIONS_G, seen), seen.get(metrics.TOTAL_WH, 0.0))


def looked_at(run: RunView, training: Price, link: Link) -> dict[str, Any]:
    """A trial or an export as it is shown when it is clicked."""
    seen = run.metrics
    return {
        "run": run.run_id,
        "name": run.name,
        "link": link(run),
        "val": reading.percent(seen[metrics.VAL_ACCURACY]),
        "training": price_of(training),
        "augmentation": run.params.get("augmentation", ""),
        "weights": f"{seen.get(metrics.PARAMETERS, 0):,.0f}",
    }


def price_of(price: Price) -> dict[str, float | None]:
    """A price as the script takes it."""
    low, high = (price.grams.low, price.grams.high) if price.grams.is_banded else (None, None)
    return {"g": price.grams.value, "low": low, "high": high, "wh": price.wh}


def drawn(found: Searched) -> list[RunView]:
    """The trials that have a place on a chart with a logarithmic axis."""
    needed = {metrics.EMISSIONS_G, metrics.VAL_ACCURACY}
    return [
        run
        for run in found.trials
        if believed(run) and needed <= set(run.metrics) and run.metrics[metrics.EMISSIONS_G] > 0
    ]


def pictures(found: Searched) -> dict[str, dict[str, Any]]:
    """The front, and the lives of its members."""
    shown = drawn(found)
    grams = [run.metrics[metrics.EMISSIONS_G] for run in shown] or [1.0]
    middle = math.sqrt(min(grams) * max(grams))
    rows = [{**point(run), "side": side(run, middle)} for run in shown]
    return {
        "front": charts.front(rows, "Validation accuracy against emissions of training"),
        "lives": charts.lives(lives(found), "Emissions of a whole life against predictions"),
    }


def side(run: RunView, middle: float) -> str:
    """In which half of a logarithmic chart it stands: names have room towards the middle."""
    return "cheap" if run.metrics[metrics.EMISSIONS_G] < middle else "dear"


def point(run: RunView) -> dict[str, Any]:
    """A trial on the chart."""
    seen = run.metrics
    figure = metrics.amount(metrics.EMISSIONS_G, seen)
    band = {"g_low": figure.low, "g_high": figure.high} if figure.is_banded else {}
    augmentation = run.params.get("augmentation", "none")
    return {
        "run": run.run_id,
        "model": run.name,
        "augmentation": augmentation,
        "images": "plain images" if augmentation == "none" else "augmented",
        "g": figure.value,
        **band,
        "accuracy": seen[metrics.VAL_ACCURACY],
        "trial": "on the front" if run.tags.get(metrics.PARETO_TAG) == "true" else "beaten",
        "intensity": intensity_of(seen),
    }


def lives(found: Searched) -> list[dict[str, Any]]:
    """Each candidate's life with its share of the search, and the baseline's without."""
    rows = []
    for one in found.candidates:
        life = found.life(Choice(one, "", 0.0, [one], None, None))
        rows.append((one.run_id, life.chosen))
        baseline = life.baseline
    rows.append(("baseline", baseline))
    return [
        {"run": run, "model": life.name, "once_g": life.once_g, "each_g": life.each_g}
        for run, life in rows
    ]


def table(found: Searched) -> Sequence[Mapping[str, Any]]:
    """The members of the front, cheapest first, and their exports."""
    known = intensity_of_study(found)
    return [
        {
            "run": one.run_id,
            "model": one.name,
            "valid.": reading.percent(one.val_accuracy),
            f"{100 * found.need.confidence:g} % sure of": reading.percent(one.bound(found.need)),
            "test (95 %)": (
                f"{reading.percent(one.accuracy)}"
                f" ({100 * one.accuracy_low:.1f}–{100 * one.accuracy_high:.1f})"
            ),
            "training": price(one.training, known),
            "1,000 predictions": price(one.inference_per_1k, known),
            "one takes": f"{one.latency_ms:.2g} ms",
            "weights": f"{one.parameters:,}",
            "size": reading.quantity(one.size_bytes, "B"),
        }
        for one in found.candidates
    ]
