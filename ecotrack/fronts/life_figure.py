"""The picture of whole lives: grams against predictions, the cheapest at each, what pays when."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from ecotrack.figures import COLOURS
from ecotrack.fronts.envelope import Life, Stretch

WIDTH, HEIGHT = 640, 420  # pixels
LINE_PX, CHARACTER_PX = 14, 6.2  # of a label
STEPS_A_DECADE = 20
FEWEST, MOST = 1.0, 1e21  # predictions that are drawn: beyond them there is nothing to see
GREY, BAND, BLACK = "#8c8c8c", COLOURS[4], COLOURS[6]
SET_APART = COLOURS[:4]


@dataclass(frozen=True)
class Mark:
    """A point worth a number: its text stands over the picture, a line leads down to it."""

    uses: float
    grams: float
    text: str


@dataclass(frozen=True)
class Scale:
    """A logarithmic axis: from `low` at pixel 0 to `high` at `pixels`."""

    low: float
    high: float
    pixels: float

    def pixel(self, value: float) -> float:
        """Where a value is drawn."""
        return self.pixels * math.log(value / self.low) / math.log(self.high / self.low)

    def value(self, pixel: float) -> float:
        """The value that is drawn there."""
        return self.low * (self.high / self.low) ** (pixel / self.pixels)


def lives(
    members: Sequence[Life],
    stretches: Sequence[Stretch],
    marks: Sequence[Mark],
    *,
    short: Collection[Life],
    baseline: Life,
    title: str,
    subtitle: Sequence[str],
) -> alt.LayerChart:
    """Each life as a line, the lower envelope as a band under them, marks with their numbers.

    Args:
        members: of the front; those never cheapest are drawn grey.
        stretches: the lower envelope.
        marks: break-even points and the like.
        short: members that do not meet the need; dotted.
        baseline: what the search is compared with; dashed.
        title, subtitle: over the picture.
    """
    marks = [mark for mark in marks if FEWEST <= mark.uses <= MOST]
    across = _across(members, [mark.uses for mark in marks])
    texts = in_rows(marks, across)
    up = _up([*members, baseline], across, rows=1 + max((row for _, row in texts), default=-1))
    axes = (
        alt.X("predictions:Q", title="predictions (log scale; k thousand, M million, G billion)")
        .scale(type="log", domain=[across.low, across.high], nice=False)
        .axis(format="~s", values=_ticks(across)),
        alt.Y("grams:Q", title="emissions over the life (g CO2e, log scale; m thousandth)")
        .scale(type="log", domain=[up.low, up.high], nice=False)
        .axis(format="~s", values=_ticks(up)),
    )
    colours = _colours(members, stretches)
    layers = [
        _line(_band(stretches, across), BAND, strokeWidth=9, opacity=0.45),
        *(
            _line(_curve(life, across), colour, strokeDash=[1, 3] if life in short else [])
            for life, colour in colours.items()
        ),
        _line(_curve(baseline, across), BLACK, strokeDash=[6, 4]),
    ]
    layers = [layer.encode(*axes) for layer in layers]
    layers += [*_names({**colours, baseline: BLACK}, across, up), *_marks(texts, across, up)]
    lines = [line for text in subtitle for line in textwrap.wrap(text, 120)]
    return alt.LayerChart(layer=layers).properties(
        title=alt.Title(title, subtitle=lines, anchor="start"), width=WIDTH, height=HEIGHT
    )


def spread(pixels: Sequence[float], gap: float, limit: float) -> list[float]:
    """Positions as near as may be to the wanted ones, in their order, `gap` apart, up to `limit`.

    Where there is no room for all, the first go below 0.
    """
    order = sorted(range(len(pixels)), key=lambda i: pixels[i])
    placed = [0.0] * len(pixels)
    last = -math.inf
    for i in order:
        last = placed[i] = max(pixels[i], last + gap)
    above = limit + gap
    for i in reversed(order):
        above = placed[i] = min(placed[i], above - gap)
    return placed


def _across(members: Sequence[Life], uses: Sequence[float]) -> Scale:
    """Whole decades that hold every mark, and where predictions begin to outweigh the rest."""
    even = [life.once_g / life.each_g for life in members if life.each_g > 0 and life.once_g > 0]
    points = [n for n in (*uses, *even) if FEWEST <= n <= MOST] or [1e3]
    low = 10.0 ** max(0, math.floor(math.log10(min(points))) - 1)
    return Scale(low, 10.0 ** (math.floor(math.log10(max(points))) + 2), WIDTH)


def _up(drawn: Sequence[Life], across: Scale, rows: int) -> Scale:
    """From the least to the most that is drawn, with room for rows of text on top."""
    ends = [life.cost_g(n) for life in drawn for n in (across.low, across.high)]
    positive = [grams for grams in ends if grams > 0] or [1.0]
    low, high = min(positive) / 2, max(positive)
    free = (LINE_PX * rows + 10) / HEIGHT
    return Scale(low, low * (high / low) ** (1 / (1 - free)), HEIGHT)


def _curve(life: Life, across: Scale, start: float = 0.0, end: float = math.inf) -> list[Any]:
    low, high = max(start, across.low), min(end, across.high)
    if high <= low:
        return []
    steps = max(1, round(STEPS_A_DECADE * math.log10(high / low)))
    uses = [low * (high / low) ** (i / steps) for i in range(steps + 1)]
    return [
        {"predictions": n, "grams": grams, "model": life.name}
        for n in uses
        if (grams := life.cost_g(n)) > 0  # nothing at all has no place on a logarithmic axis
    ]


def _band(stretches: Sequence[Stretch], across: Scale) -> list[Any]:
    return [row for stretch in stretches for row in _curve(stretch.life, across, *stretch[1:])]


def _ticks(scale: Scale) -> list[float]:
    """Decades; where there are few, what is between them, too."""
    decades = range(math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high)) + 1)
    steps = (1, 2, 5) if len(decades) < 6 else (1,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    return [tick for tick in ticks if scale.low <= tick <= scale.high]


def _line(rows: list[Any], colour: str, **look: Any) -> alt.Chart:
    look = {"strokeWidth": 1.8, "clip": True, **look}
    return alt.Chart(alt.InlineData(values=rows)).mark_line(color=colour, **look)


def _colours(members: Sequence[Life], stretches: Sequence[Stretch]) -> Mapping[Life, str]:
    """Those that are the cheapest somewhere stand out; they are drawn last."""
    cheapest = list(dict.fromkeys(stretch.life for stretch in stretches))
    own = {life: SET_APART[i % len(SET_APART)] for i, life in enumerate(cheapest)}
    return {**{life: GREY for life in members if life not in own}, **own}


def _names(colours: Mapping[Life, str], across: Scale, up: Scale) -> list[alt.Chart]:
    """Each name at the right end of its line, moved up or down where it would cover another."""
    ends = [HEIGHT - up.pixel(max(up.low, life.cost_g(across.high))) for life in colours]
    places = spread(ends, LINE_PX, HEIGHT)
    charts = []
    for (life, colour), end, place in zip(colours.items(), ends, places, strict=True):
        anchor = alt.Chart(alt.InlineData(values=[{}]))
        charts += [
            anchor.mark_rule(color=colour, opacity=0.6).encode(
                x=alt.value(WIDTH), x2=alt.value(WIDTH + 14), y=alt.value(end), y2=alt.value(place)
            ),
            anchor.mark_text(
                text=life.name, color=colour, align="left", baseline="middle", fontSize=11
            ).encode(x=alt.value(WIDTH + 17), y=alt.value(place)),
        ]
    return charts


def in_rows(marks: Sequence[Mark], across: Scale) -> list[tuple[Mark, int]]:
    """Each mark and the row of its text, 0 at the top: texts of one row do not touch."""
    ends: list[float] = []
    rows = []
    for mark in sorted(marks, key=lambda mark: mark.uses):
        left, right = reach(mark, across)
        row = next((i for i, end in enumerate(ends) if end < left), len(ends))
        ends[row : row + 1] = [right]
        rows.append((mark, row))
    return rows


def reach(mark: Mark, across: Scale) -> tuple[float, float]:
    """The pixels that a mark's text takes: about the mark, and within the picture."""
    half = (CHARACTER_PX * len(mark.text) + 8) / 2
    centre = min(max(across.pixel(mark.uses), half), WIDTH - half)
    return centre - half, centre + half


def _marks(texts: Sequence[tuple[Mark, int]], across: Scale, up: Scale) -> list[alt.Chart]:
    lines, words = [], []
    for mark, row in texts:
        x = alt.value(across.pixel(mark.uses))
        y = alt.value(HEIGHT - up.pixel(max(up.low, mark.grams)))
        text_y = 8 + LINE_PX * row
        anchor = alt.Chart(alt.InlineData(values=[{}]))
        lines += [
            anchor.mark_rule(color=BLACK, strokeDash=[1, 3]).encode(
                x=x, y=alt.value(text_y + LINE_PX / 2), y2=y
            ),
            anchor.mark_circle(color=BLACK, size=45, opacity=1).encode(x=x, y=y),
        ]
        words += [
            anchor.mark_text(text=mark.text, fontSize=11, baseline="middle", **look).encode(
                x=alt.value(sum(reach(mark, across)) / 2), y=alt.value(text_y)
            )
            for look in ({"stroke": "white", "strokeWidth": 4}, {"color": BLACK})
        ]
    return lines + words  # where a line must cross a text, it passes behind it
