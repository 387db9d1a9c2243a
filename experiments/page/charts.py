"""The page's charts: as wide as the window, priced anew by the parameter `price`.

`price` is the grid's intensity in g/kWh; 0 leaves grams as they were recorded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ecotrack.figures import COLOURS

Rows = Sequence[Mapping[str, Any]]
BLUE, ORANGE, BLACK = COLOURS[0], COLOURS[1], COLOURS[6]
GREY = "#6b6b6b"  # 5.3 : 1 on white
ENDS = ("", "_low", "_high")
CONFIG = {
    "font": "system-ui, sans-serif",
    "background": "transparent",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "#333",
        "titleColor": "#333",
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "gridColor": "#e6e6e6",
        "domainColor": "#999",
        "tickColor": "#999",
        "labelLimit": 130,
    },
    "legend": {
        "orient": "top",
        "columns": 2,
        "labelFontSize": 12,
        "labelColor": "#333",
        "title": None,
        "layout": {"top": {"direction": "vertical", "anchor": "start"}},
    },
}
PRICE = alt.param(name="price", value=0)
FIT = alt.AutoSizeParams(type="fit-x", contains="padding")


def by_size(rows: Rows, key: str, axis: str, what: str) -> dict[str, Any]:
    """A line a sort from small arrays to large, its interval with it; one colour for its kind."""
    at = alt.selection_point(
        name="pointed", on="pointerover", clear="pointerout", fields=["algorithm"], empty=False
    )
    base = priced(rows, key).encode(
        x=alt.X("size:Q", title="elements (log scale)")
        .scale(type="log")
        .axis(format="~s", values=decades([row["size"] for row in rows])),
        y=log_y("shown:Q", axis),
        detail="algorithm:N",
        color=colour("kind", ["Python", "Numba", "NumPy and built in", "our fastest"]),
        tooltip=["algorithm:N", tip("size", ",d"), tip("shown", ".3s", axis)],
    )
    strength = alt.condition(at, alt.value(1), alt.value(0.55))
    lines = base.mark_line().encode(
        opacity=strength, strokeWidth=alt.condition(at, alt.value(4), alt.value(1.6))
    )
    dots = base.mark_circle(size=70).encode(opacity=strength).add_params(at)
    intervals = base.mark_rule(strokeWidth=2).encode(
        y=log_y("shown_low:Q", axis), y2="shown_high:Q", opacity=strength
    )
    return spec(lines + intervals + dots, 340, what)


def by_method(rows: Rows, key: str, axis: str, what: str) -> dict[str, Any]:
    """A dot a method with its interval, in the order of the rows; log scale."""
    base = priced(rows, key).encode(
        y=alt.Y("method:N", sort=None, title=None).axis(grid=True),
        color=colour("kind", ["pseudo", "quasi", "deterministic"]),
        tooltip=["method:N", tip("shown", ".3s", axis)],
    )
    x = alt.X("shown:Q", title=f"{axis} (log scale)").scale(type="log", nice=True)
    x = x.axis(format="~s", labelOverlap=True, tickCount=5)
    dots = base.mark_circle(size=90, opacity=1).encode(x=x)
    ends = base.mark_rule(strokeWidth=3, opacity=0.5).encode(
        x=alt.X("shown_low:Q", title=f"{axis} (log scale)"), x2="shown_high:Q"
    )
    return spec(ends + dots, 24 * len(rows), what)


def digits(rows: Rows, what: str) -> dict[str, Any]:
    """Energy for so many correct digits, a line a method."""
    chart = (
        alt.Chart(alt.InlineData(values=list(rows)))
        .mark_line(strokeWidth=1.8)
        .encode(
            x=alt.X("digits:Q", title="correct digits of π"),
            y=log_y("joules:Q", "energy (J, log scale)"),
            detail="method:N",
            color=colour("kind", ["pseudo", "quasi", "deterministic"]),
            tooltip=["method:N", "digits:Q", tip("joules", ".3s", "J")],
        )
    )
    return spec(chart, 340, what)


def augmentation(rows: Rows, what: str) -> dict[str, Any]:
    """Accuracy with its interval, a row an augmentation, beside one another for each model."""
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        y=alt.Y("augmentation:N", sort=None, title=None).axis(grid=True),
        yOffset=alt.YOffset("model:N"),
        color=alt.Color("model:N").scale(range=list(COLOURS)).legend(columns=1, labelLimit=260),
        tooltip=[
            "model:N",
            "augmentation:N",
            tip("accuracy", ".2%"),
            tip("accuracy_low", ".2%"),
            tip("accuracy_high", ".2%"),
        ],
    )
    title = "accuracy on the test images, 95 % interval"
    x = alt.X("accuracy:Q", title=title).scale(zero=False).axis(format=".0%", tickCount=5)
    ends = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("accuracy_low:Q", title=title).scale(zero=False), x2="accuracy_high:Q"
    )
    dots = base.mark_circle(size=80, opacity=1).encode(x=x)
    return spec(ends + dots, 22 * len(rows) + 20, what)


def front(rows: Rows, what: str) -> dict[str, Any]:
    """Accuracy against the emissions of training; `chosen` and `looked_at` are ids of runs."""
    axis = "emissions of training (g CO2e, log scale; m = 10⁻³)"
    base = priced(rows, "g").encode(
        x=alt.X("shown:Q", title=axis)
        .scale(type="log", nice=False, padding=24)
        .axis(format="~s", labelOverlap=True, tickCount=6),
        y=alt.Y("accuracy:Q", title="validation accuracy")
        .scale(zero=False, padding=14)
        .axis(format=".0%", tickCount=6),
    )
    tips = ["model:N", "augmentation:N", tip("shown", ".3s", "g CO2e"), tip("accuracy", ".2%")]
    members = base.transform_filter("datum.trial == 'on the front'")
    steps = members.mark_line(interpolate="step-after", color=ORANGE, opacity=0.6)
    bands = (
        members.transform_filter("isValid(datum.shown_low)")
        .mark_rule(color=ORANGE, opacity=0.18, strokeWidth=9)
        .encode(x=alt.X("shown_low:Q", title=axis), x2="shown_high:Q")
    )
    dots = base.mark_point(filled=True, size=75, opacity=0.9, cursor="pointer").encode(
        color=colour("trial", ["on the front", "beaten"], [ORANGE, GREY]),
        shape=alt.Shape("images:N", title=None).scale(
            domain=["plain images", "augmented"], range=["circle", "triangle-up"]
        ),
        tooltip=tips,
    )
    chosen = base.transform_filter("datum.run == chosen")
    look: dict[str, Any] = {"aria": False, "fontSize": 13, "fontWeight": "bold", "limit": 230}
    left, right = (chosen.transform_filter(f"datum.side == '{s}'") for s in ("cheap", "dear"))
    name_right = left.mark_text(align="left", dx=17, **look).encode(text="model:N")
    name_left = right.mark_text(align="right", dx=-17, **look).encode(text="model:N")
    ring = chosen.mark_point(aria=False, shape="circle", size=420, color=BLACK, strokeWidth=2.5)
    seen = base.transform_filter("datum.run == looked_at")
    square = seen.mark_point(aria=False, shape="square", size=420, color=BLUE, strokeWidth=2)
    layers = bands + steps + dots + square + ring + name_right + name_left
    return spec(layers, 400, what, chosen="", looked_at="")


def lives(rows: Rows, what: str) -> dict[str, Any]:
    """Grams over a life against predictions, a line a model, from energies in proportion.

    `able` are the ids of the runs that meet the need, `chosen` is one of them, `predictions` and
    `paid` are marked where they are 1 or more, and `scale` multiplies all grams.
    """
    base = (
        alt.Chart(alt.InlineData(values=list(rows)))
        .transform_calculate(exponent="sequence(0, 12.05, 0.1)")
        .transform_flatten(["exponent"])
        .transform_calculate(
            predictions="pow(10, datum.exponent)",
            grams="scale * (datum.once_g + datum.each_g * pow(10, datum.exponent))",
            look="datum.run == 'baseline' ? 'without a search' : datum.run == chosen ? 'chosen' :"
            " indexof(able, datum.run) >= 0 ? 'meets the need' : 'does not meet it'",
        )
        .transform_filter("datum.grams > 0")
    )
    looks = ["chosen", "meets the need", "does not meet it", "without a search"]
    lines = base.mark_line(clip=True).encode(
        x=alt.X("predictions:Q", title="predictions (log scale)")
        .scale(type="log", domain=[1, 1e12], nice=False)
        .axis(format="~s", values=[1, 1e3, 1e6, 1e9, 1e12]),
        y=log_y("grams:Q", "emissions of a life (g CO2e, log scale)"),
        detail="run:N",
        color=colour("look", looks, [ORANGE, BLUE, "#8c8c8c", BLACK]),
        strokeDash=alt.StrokeDash("look:N", title=None).scale(
            domain=looks, range=[[1, 0], [1, 0], [2, 3], [7, 4]]
        ),
        strokeWidth=alt.condition("datum.look == 'chosen'", alt.value(4), alt.value(1.8)),
        tooltip=["model:N", tip("predictions", ".3s"), tip("grams", ".3s", "g CO2e")],
    )
    return spec(
        mark_at("predictions", "predictions asked for", 14)
        + mark_at("paid", "the search has paid", 32)
        + lines,
        380,
        what,
        chosen="",
        able=[],
        scale=1,
        predictions=0,
        paid=0,
    )


def mark_at(signal: str, text: str, y: int) -> alt.LayerChart:
    """A rule at as many predictions as a signal says, with its name on top."""
    base = (
        alt.Chart(alt.InlineData(values=[{}]))
        .transform_calculate(at=signal)
        .transform_filter("datum.at >= 1")
        .encode(x=alt.X("at:Q", title="predictions (log scale)"))
    )
    side = f"{signal} > 1e6 ? 'right' : 'left'"
    words = base.mark_text(
        text=text,
        y=y,
        fontSize=12,
        color="#333",
        aria=False,
        align=alt.ExprRef(side),
        dx=alt.ExprRef(f"{signal} > 1e6 ? -5 : 5"),
    )
    return base.mark_rule(color="#333", strokeDash=[3, 3], aria=False) + words


def decades(values: Sequence[float]) -> list[float]:
    """The powers of ten about positive values."""
    known = [math.log10(value) for value in values if value > 0] or [0.0]
    return [10.0**k for k in range(math.floor(min(known)), math.ceil(max(known)) + 1)]


def priced(rows: Rows, key: str) -> alt.Chart:
    """Rows with `key` and its ends as `shown`, grams priced anew by each row's `intensity`."""
    again = "(price > 0 && isValid(datum.intensity) ? price / datum.intensity : 1)"
    factor = again if key.startswith("g") else "1"
    shown = {
        f"shown{end}": f"datum['{key}{end}'] > 0 ? datum['{key}{end}'] * {factor} : null"
        for end in ENDS
    }
    return alt.Chart(alt.InlineData(values=list(rows))).transform_calculate(**shown)


def log_y(field: str, title: str) -> alt.Y:
    """A logarithmic axis."""
    return alt.Y(field, title=title).scale(type="log").axis(format="~s", tickCount=6)


def tip(field: str, format: str, title: str = "") -> alt.Tooltip:
    """A number in a tooltip."""
    return alt.Tooltip(f"{field}:Q", format=format, title=title or field.replace("_", " "))


def colour(field: str, domain: Sequence[str], range: Sequence[str] = COLOURS[:4]) -> alt.Color:
    """Colours by name, the same whichever names occur."""
    return alt.Color(f"{field}:N", title=None).scale(domain=domain, range=range[: len(domain)])


def spec(
    chart: alt.LayerChart | alt.Chart, height: Any, what: str, **signals: Any
) -> dict[str, Any]:
    """The chart as Vega-Lite, with what the page's script sets; `what` is read out."""
    params = [PRICE, *(alt.param(name=name, value=value) for name, value in signals.items())]
    full = chart.properties(width="container", height=height, autosize=FIT, description=what)
    return full.add_params(*params).to_dict()
