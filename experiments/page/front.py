"""A study's front as the page's script takes it, so that it chooses as `choose` does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ecotrack import metrics, reading
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
    by_id = {run.run_id: run for run in found.trials}
    intensity = intensity_of(by_id[found.front[0].run_id].metrics)
    return {
        "need": asked(need),
        "predictions": need.predictions,
        "confidence": need.confidence,
        "intensity": intensity,
        "candidates": [candidate(one, found) for one in found.front if fits(one, need)],
        "baseline": found.instead.name,
        "runs": [looked_at(run, link) for run in drawn(found)],
    }


def is_limited(found: Searched) -> bool:
    """Whether some member of the front is beyond the limits of size or latency."""
    return not all(fits(one, found.need) for one in found.front)


def asked(need: Need) -> dict[str, Any]:
    """The need as the page's fields show it."""
    if need.min_accuracy is not None:
        return {"kind": "least", "value": 100 * need.min_accuracy}
    if need.within is not None:
        return {"kind": "within", "value": need.within}
    return {"kind": "knee", "value": None}


def candidate(one: Candidate, found: Searched) -> dict[str, Any]:
    """A member of the front; its bound is the accuracy that one may be sure of."""
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


def looked_at(run: RunView, link: Link) -> dict[str, Any]:
    """A trial as it is shown when it is clicked."""
    seen = run.metrics
    figure = metrics.amount(metrics.EMISSIONS_G, seen)
    return {
        "run": run.run_id,
        "name": run.name,
        "link": link(run),
        "val": reading.percent(seen[metrics.VAL_ACCURACY]),
        "training": price_of(Price(figure, seen.get(metrics.TOTAL_WH, 0.0))),
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
    """Each member's life with its share of the search, and the baseline's without."""
    rows = []
    for one in found.front:
        life = found.life(Choice(one, "", 0.0, [one], None, None))
        rows.append((one.run_id, life.chosen))
        baseline = life.baseline
    rows.append(("baseline", baseline))
    return [
        {"run": run, "model": life.name, "once_g": life.once_g, "each_g": life.each_g}
        for run, life in rows
    ]


def table(found: Searched) -> Sequence[Mapping[str, Any]]:
    """The members of the front, cheapest first."""
    by_id = {run.run_id: run for run in found.trials}
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
            "training": Price(one.training, wh(by_id, one, metrics.TOTAL_WH)),
            "1,000 predictions": Price(
                one.inference_per_1k, wh(by_id, one, metrics.INFERENCE_WH_PER_1K)
            ),
            "one takes": f"{one.latency_ms:.2g} ms",
            "weights": f"{one.parameters:,}",
        }
        for one in found.front
    ]


def wh(runs: Mapping[str, RunView], one: Candidate, name: str) -> float:
    """An energy among a candidate's figures; 0 where it is not told."""
    return runs[one.run_id].metrics.get(name, 0.0) if one.run_id in runs else 0.0
