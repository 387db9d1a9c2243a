"""Pictures of a comparison of ways to π; rows are those of the experiment's table."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

COLOURS = alt.Scale(scheme="tableau20")
Rows = Sequence[Mapping[str, Any]]


def by_method(rows: Rows, key: str, axis: str, title: str, known: str) -> alt.LayerChart:
    """Bars of one column by method, with intervals, log scale; rows of one thread."""
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        y=alt.Y("method:N", sort=None, title=None)
    )
    value = alt.X(f"{key}:Q", title=f"{axis} (log scale)").scale(type="log").axis(format="~g")
    floor = min((row[key] for row in rows), default=1) / 3
    bars = base.mark_bar(color="#0072B2").encode(x=value, x2=alt.X2Datum(floor))
    ends = base.mark_rule(strokeWidth=2).encode(
        x=alt.X(f"{key}_low:Q", title=f"{axis} (log scale)"), x2=f"{key}_high:Q"
    )
    numbers = base.mark_text(align="left", dx=4, fontSize=10).encode(
        x=value, text=alt.Text(f"{key}:Q", format=".3~g")
    )
    return (bars + ends + numbers).properties(
        title=alt.Title(title, subtitle=known.split("; ")), width=520
    )


def speed_up(rows: Rows, known: str) -> alt.LayerChart:
    """Speed-up by threads, one line a method, beside the ideal."""
    data = alt.InlineData(values=list(rows))
    counts = sorted({row["threads"] for row in rows})
    threads = alt.X("threads:Q", title="threads").axis(values=counts, format="d")
    lines = (
        alt.Chart(data)
        .mark_line(point=True)
        .encode(
            x=threads,
            y=alt.Y("speed_up:Q", title="times as fast as one thread").scale(zero=False),
            color=alt.Color("method:N", scale=COLOURS, sort=None, title=None),
        )
    )
    ideal = alt.Chart(data).mark_line(strokeDash=[4, 4], color="#999999")
    return (ideal.encode(x="threads:Q", y="threads:Q") + lines).properties(
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
