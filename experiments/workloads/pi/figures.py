"""Pictures of a comparison of ways to π; rows are those of the experiment's table."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Any

import altair as alt

COLOURS = alt.Scale(scheme="tableau20")
Rows = Sequence[Mapping[str, Any]]


def by_method(rows: Rows, key: str, axis: str, title: str, known: str) -> alt.LayerChart:
    """Bars of one column by method, with intervals, log scale; rows of one thread."""
    least = min(row[f"{key}_low"] or row[key] for row in rows) / 3  # an interval may reach 0
    most = max(row[f"{key}_high"] for row in rows) * 10  # room for the numbers
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        y=alt.Y("method:N", sort=None, title=None)
    )
    scale = alt.Scale(type="log", domain=[least, most], nice=False)
    axis_ = alt.Axis(format="~g", values=decades(least, most), title=f"{axis} (log scale)")
    bars = base.mark_bar(color="#0072B2").encode(
        x=alt.X(f"{key}:Q", scale=scale, axis=axis_), x2=alt.X2Datum(least)
    )
    ends = base.mark_rule(strokeWidth=2).encode(
        x=alt.X(f"{key}_low:Q", scale=scale, axis=axis_), x2=f"{key}_high:Q"
    )
    numbers = base.mark_text(align="left", dx=4, fontSize=10).encode(
        x=alt.X(f"{key}_high:Q", scale=scale, axis=axis_),
        text=alt.Text(f"{key}:Q", format=".3~g"),
    )
    return (bars + ends + numbers).properties(
        title=alt.Title(title, subtitle=known.split("; ")), width=520
    )


def decades(low: float, high: float) -> list[float]:
    """The powers of ten from low to high."""
    return [10.0**k for k in range(ceil(log10(low)), floor(log10(high)) + 1)]


def speed_up(rows: Rows, known: str) -> alt.LayerChart:
    """Speed-up by threads, one line a method with its intervals, beside the ideal.

    Methods stand a little beside one another, lest their intervals be one.
    """
    counts = sorted({row["threads"] for row in rows})
    names = list(dict.fromkeys(row["method"] for row in rows))
    apart = 0.02 * (counts[-1] - counts[0] or 1)
    beside = {name: apart * (i - (len(names) - 1) / 2) for i, name in enumerate(names)}
    data = [{**row, "place": row["threads"] + beside[row["method"]]} for row in rows]
    threads = alt.X("place:Q", title="threads").axis(values=counts, format="d")
    title = "times as fast as one thread"
    base = alt.Chart(alt.InlineData(values=data)).encode(
        x=threads.scale(zero=False, nice=False, padding=10),
        color=alt.Color("method:N", scale=COLOURS, sort=None, title=None),
    )
    lines = base.mark_line(point=True).encode(y=alt.Y("speed_up:Q", title=title).scale(zero=False))
    ends = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("speed_up_low:Q", title=title), y2="speed_up_high:Q"
    )
    ideal = alt.Chart(alt.InlineData(values=[{"threads": count} for count in counts]))
    dashed = ideal.mark_line(strokeDash=[4, 4], color="#999999").encode(
        x="threads:Q", y="threads:Q"
    )
    return (dashed + lines + ends).properties(
        title=alt.Title("Speed-up by threads (dashed: ideal)", subtitle=known.split("; ")),
        width=420,
    )


def digits(rows: Rows, known: str) -> alt.Chart:
    """Energy to reach so many correct digits, a line a method: algorithms beat machines."""
    return (
        alt.Chart(alt.InlineData(values=list(rows)))
        .mark_line()
        .encode(
            x=alt.X("digits:Q", title="correct digits, -log10(RMSE / π)"),
            y=alt.Y("joules:Q", title="energy (J, log scale)").scale(type="log").axis(format="~e"),
            color=alt.Color("method:N", scale=COLOURS, sort=None, title=None),
            strokeDash=alt.StrokeDash("kind:N", title="kind of points"),
        )
        .properties(
            title=alt.Title("Energy expected to reach D digits", subtitle=known.split("; ")),
            width=560,
            height=420,
        )
    )
