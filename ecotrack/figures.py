"""Charts: one Altair definition gives the picture and the page that opens offline."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import vl_convert

from ecotrack.amount import Amount, columns

Chart = alt.Chart | alt.LayerChart | alt.HConcatChart | alt.VConcatChart | alt.FacetChart
# Okabe and Ito's colours, told apart by colour-blind people too (https://jfly.uni-koeln.de/color/).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")


def png(chart: Chart) -> bytes:
    """The chart as a picture, 144 dots an inch."""
    picture = io.BytesIO()
    chart.save(picture, format="png", ppi=144)
    return picture.getvalue()


def html(chart: Chart) -> str:
    """The chart as a page of its own; no network is needed to open it."""
    page = io.StringIO()
    chart.save(page, format="html", inline=True)
    return page.getvalue()


def script() -> str:
    """Vega, Vega-Lite and `vegaEmbed` as one script, for a page of several charts."""
    version = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)


@dataclass(frozen=True)
class Point:
    """A trial in a picture of a front."""

    name: str
    emissions: Amount
    accuracy: float
    on_front: bool
    run_id: str = ""


def front(points: Sequence[Point], title: str, known: str) -> alt.LayerChart:
    """Accuracy against emissions: every trial, and the front as a line through its members.

    Pale bars are the meters' bands, where they are known.

    Args:
        points: the trials, their emissions in grams.
        title: of the picture.
        known: how the energy is known; said under the title, a line for each `; `.
    """
    rows = [
        {
            "model": p.name,
            **columns("grams", p.emissions),
            "accuracy": p.accuracy,
            "trial": "on the front" if p.on_front else "beaten",
            "run": p.run_id,
        }
        for p in points
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("grams:Q", title="emissions of training (g CO2e, log scale; m = 10⁻³)")
        .scale(type="log", nice=False, padding=30)
        .axis(format="~s", labelOverlap=True),
        y=alt.Y("accuracy:Q", title="validation accuracy").scale(zero=False).axis(format=".0%"),
        tooltip=[
            "model:N",
            *(alt.Tooltip(f"{g}:Q", format=".3g") for g in ("grams", "grams_low", "grams_high")),
            "accuracy:Q",
            "run:N",
        ],
    )
    pale = ["pale bars: the bands of the meters, which err alike for all"]
    subtitle = [*known.split("; "), *(pale if any(p.emissions.is_banded for p in points) else [])]
    colour = (
        alt.Color("trial:N", title=None)
        .scale(domain=["on the front", "beaten"], range=[COLOURS[1], COLOURS[7]])
        .legend(orient="top-left")  # where no trial is: nothing beats the front
    )
    members = base.transform_filter(alt.datum.trial == "on the front")
    steps = members.mark_line(interpolate="step-after", color=COLOURS[1], opacity=0.6)
    bands = (
        members.transform_filter("isValid(datum.grams_low)")
        .mark_rule(color=COLOURS[1], opacity=0.25, strokeWidth=9)
        .encode(x="grams_low:Q", x2="grams_high")
    )
    dots = base.mark_circle(size=70).encode(color=colour)
    names = members.mark_text(align="left", dx=7, dy=9, fontSize=10, clip=False)
    labels = names.encode(text="model:N")
    return (
        (bands + steps + dots + labels)
        .properties(title=alt.Title(title, subtitle=subtitle), width=640, height=400)
        .interactive()
    )


def history(values: Mapping[int, float], title: str, y: str) -> alt.Chart:
    """A figure after so many trials."""
    rows = [{"trial": number, "value": value} for number, value in values.items()]
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(point=True, interpolate="step-after", color=COLOURS[0])
        .encode(x=alt.X("trial:Q", title="finished trials"), y=alt.Y("value:Q", title=y))
        .properties(title=title, width=520, height=260)
    )


def importances(shares: Mapping[str, Mapping[str, float]], trials: int) -> alt.Chart:
    """Objective -> parameter -> share of the objective's variance over so many trials, as bars."""
    rows = [
        {"objective": objective, "parameter": parameter.replace("_", "-"), "share": share}
        for objective, of_parameter in shares.items()
        for parameter, share in of_parameter.items()
    ]
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("share:Q", title="importance (share of variance, fANOVA)"),
            y=alt.Y("parameter:N", sort="-x", title=None),
            yOffset="objective:N",
            color=alt.Color("objective:N", title=None).scale(range=list(COLOURS)),
        )
        .properties(
            title=alt.Title(
                "Which parameter matters for what",
                subtitle=f"a random forest's guess from {trials} trials; below 50, a hint",
            ),
            width=420,
        )
    )


def by_host(rows: Sequence[Mapping[str, object]], machines: Sequence[str]) -> alt.FacetChart:
    """What the same work took on each machine, figure by figure, on logarithmic axes.

    Args:
        rows: `work`, `machine`, `figure` and `value`, with `value_low` and `value_high` where the
            meters' band is known.
        machines: their descriptions, in the order of their numbers.
    """
    base = alt.Chart().encode(
        y=alt.Y("machine:N", title=None),
        color=alt.Color("machine:N", legend=None).scale(range=list(COLOURS)),
    )
    x = alt.X("value:Q", title=None).scale(type="log", nice=False, padding=20)
    dots = base.mark_circle(size=90).encode(x=x, tooltip=["work:N", "machine:N", "value:Q"])
    bands = (
        base.transform_filter("isValid(datum.value_low)")
        .mark_rule(opacity=0.3, strokeWidth=9)
        .encode(x="value_low:Q", x2="value_high")
    )
    subtitle = [f"machine {number}: {text}" for number, text in enumerate(machines, start=1)]
    title = alt.Title("The same work on several machines", subtitle=subtitle)
    return (
        alt.layer(bands, dots, data=alt.InlineData(values=list(rows)))
        .properties(width=200, height=70)
        .facet(row=alt.Row("work:N", title=None), column=alt.Column("figure:N", title=None))
        .resolve_scale(x="independent")
        .properties(title=title)
    )
