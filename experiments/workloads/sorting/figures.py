"""Pictures of a comparison of sorts; rows are those of the experiment's table."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

COLOURS = alt.Scale(scheme="tableau20")


def by_size(
    rows: Sequence[Mapping[str, Any]], key: str, axis: str, title: str, known: str
) -> alt.LayerChart:
    """One line an algorithm, log-log, with its interval; `key` names a column of the rows.

    The legend tells the growth exponent k of time ~ size^k.
    """
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        x=alt.X("size:Q", title="elements (log scale)").scale(type="log").axis(format="~s"),
        color=alt.Color("legend:N", title="algorithm, size^k", scale=COLOURS, sort=None),
    )
    value = alt.Y(f"{key}:Q", title=axis).scale(type="log").axis(format="~e")
    lines = base.mark_line(point=True).encode(
        y=value, tooltip=["algorithm:N", "size:Q", f"{key}:Q"]
    )
    intervals = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y(f"{key}_low:Q", title=axis), y2=f"{key}_high:Q"
    )
    return (intervals + lines).properties(
        title=alt.Title(title, subtitle=known.split("; ")), width=560, height=420
    )


def billion(rows: Sequence[Mapping[str, Any]], known: str) -> alt.LayerChart:
    """Grams to sort a billion elements, one bar an algorithm, in the order of the rows.

    Each row tells what that order is `by`.
    """
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        y=alt.Y("algorithm:N", sort=None, title=None)
    )
    dearest = max((row["grams"] for row in rows), default=1)
    cheapest = min((row["grams"] for row in rows), default=1)
    grams = alt.X("grams:Q", title="g CO2e for 10⁹ elements (log scale)").scale(
        type="log", domain=[cheapest / 3, dearest * 30]
    )
    bars = base.mark_bar(color="#0072B2").encode(
        x=grams.axis(format="~e"), x2=alt.X2Datum(cheapest / 3)
    )
    numbers = base.mark_text(align="left", dx=3, fontSize=10).encode(
        x=grams, text=alt.Text("grams:Q", format=".2~e")
    )
    return (bars + numbers).properties(
        title=alt.Title(
            "Grams to sort a billion elements, extrapolated by growth",
            subtitle=[f"in the order of {rows[0]['by']}", *known.split("; ")],
        ),
        width=520,
    )
