"""What the models of a front emit over their lives, and whether their search was worth it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import altair as alt

from ecotrack import reading
from ecotrack.fronts import life_figure
from ecotrack.fronts.choosing import Candidate, Choice
from ecotrack.fronts.envelope import Life, Stretch, ahead, envelope
from ecotrack.fronts.life_figure import Mark

KEY = "Band: the cheapest that meets the need; dotted: does not meet it; dashed: without a search."


@dataclass(frozen=True)
class WholeLife:
    """The lives of the front's members, each with its share of the search, beside a baseline.

    Attributes:
        choice: which was chosen, and which meet the need.
        front: all members.
        search_g: the share of the search's own cost that each carries, grams.
        baseline: the life of what would have been trained without a search.
        baseline_accuracy: of it, on the validation images.
        predictions: how many the chosen model will make.
    """

    choice: Choice
    front: Sequence[Candidate]
    search_g: float
    baseline: Life
    baseline_accuracy: float
    predictions: float

    @property
    def chosen(self) -> Life:
        """The life of the chosen model."""
        return self.life(self.choice.chosen)

    @property
    def stretches(self) -> list[Stretch]:
        """Which of those that meet the need is the cheapest, by number of predictions."""
        return envelope([self.life(candidate) for candidate in self.choice.able])

    @property
    def paid(self) -> tuple[float, float]:
        """From how many predictions to how many the search has paid; (inf, inf): never."""
        return ahead(self.chosen, self.baseline)

    def life(self, candidate: Candidate) -> Life:
        """A candidate's life."""
        once_g = self.search_g + candidate.training_g
        return Life(candidate.name, once_g, candidate.inference_g_per_1k / 1000)

    def bills(self) -> list[dict[str, Any]]:
        """One row a model: grams by what they are for, and when it is the cheapest (None: ever)."""
        when = {stretch.life: stretch for stretch in self.stretches}
        rows = []
        for one in self.front:
            stretch = when.get(self.life(one))
            rows.append(
                {
                    **self._bill(self.life(one), self.search_g),
                    "meets_need": one in self.choice.able,
                    "cheapest_from": stretch and stretch.start,
                    "cheapest_to": stretch and _finite(stretch.end),
                }
            )
        unasked = {"meets_need": None, "cheapest_from": None, "cheapest_to": None}
        return [*rows, {**self._bill(self.baseline, 0.0), **unasked}]

    def break_evens(self) -> list[dict[str, Any]]:
        """One row a change of the cheapest, and one for the search (None: never)."""
        bends = pairwise(self.stretches)
        changes = [(late.life.name, early.life.name, late.start) for early, late in bends]
        paid = (f"{self.chosen.name} with its search", self.baseline.name, self.paid[0])
        return [
            {"cheaper": cheaper, "than": than, "after": about(uses), "predictions": _finite(uses)}
            for cheaper, than, uses in (*changes, paid)
        ]

    def paying(self) -> str:
        """Whether, and when, the search has paid for itself: the verb of a sentence."""
        start, end = self.paid
        if math.isinf(start):
            return "never pays for itself"
        if math.isinf(end):
            return "has paid for itself " + (
                f"after {about(start)} predictions" if start else "from the start"
            )
        return f"has paid for itself from the start, but only up to {about(end)} predictions"

    def verdict(self) -> str:
        """Whether, and when, the search has paid for itself; plainly."""
        chosen, other = self.chosen, self.baseline
        twins = chosen.each_g == other.each_g and chosen.once_g == self.search_g + other.once_g
        if twins:
            return (
                f"Against {other.name} the search {self.paying()}: nothing cheaper meets the need,"
                f" and knowing that took {reading.quantity(self.search_g, 'g')}."
            )
        each = [reading.quantity(1000 * life.each_g, "g") for life in (chosen, other)]
        once = [reading.quantity(life.once_g, "g") for life in (chosen, other)]
        accuracies = [
            reading.percent(a) for a in (self.choice.chosen.val_accuracy, self.baseline_accuracy)
        ]
        return (
            f"Against {other.name} the search {self.paying()}: with it {chosen.name} takes"
            f" {once[0]} once and {each[0]} for 1,000 predictions, not {once[1]} and {each[1]}, and"
            f" validates at {accuracies[0]}, not {accuracies[1]}."
        )

    def chart(self, study: str, known: str) -> alt.LayerChart:
        """The picture; `known` says how the energy is known."""
        stretches, (paid, _) = self.stretches, self.paid
        marks = [Mark(s.start, s.life.cost_g(s.start), about(s.start)) for s in stretches[1:]]
        if 0 < paid < math.inf:
            text = f"search paid after {about(paid)}"
            marks.append(Mark(paid, self.chosen.cost_g(paid), text))
        if self.predictions >= 1:
            text = f"chosen for {reading.uses(self.predictions)}"
            marks.append(Mark(self.predictions, self.chosen.cost_g(self.predictions), text))
        return life_figure.lives(
            [self.life(one) for one in self.front],
            stretches,
            marks,
            short={self.life(one) for one in self.front if one not in self.choice.able},
            baseline=self.baseline,
            title=f"Study {study}: carbon of a whole life",
            subtitle=[self.verdict(), KEY, *known.split("; ")],
        )

    def _bill(self, life: Life, search_g: float) -> dict[str, Any]:
        return {
            "model": life.name,
            "search_g": search_g,
            "training_g": life.once_g - search_g,
            "predictions_g": life.each_g * self.predictions,
            "life_g": life.cost_g(self.predictions),
        }


def about(uses: float) -> str:
    """A break-even point, no more exact than it can be known: three digits."""
    return reading.uses(float(f"{uses:.3g}"))


def readable(bills: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The bills as people read them."""
    return [
        {
            "model": bill["model"],
            "search": reading.quantity(bill["search_g"], "g"),
            "training": reading.quantity(bill["training_g"], "g"),
            "predictions": reading.quantity(bill["predictions_g"], "g"),
            "life": reading.quantity(bill["life_g"], "g"),
            "cheapest": _span(bill),
        }
        for bill in bills
    ]


def _span(bill: Mapping[str, Any]) -> str:
    """When a model is the cheapest of those that meet the need."""
    if bill["meets_need"] is None:
        return ""
    if not bill["meets_need"]:
        return "need not met"
    if bill["cheapest_from"] is None:
        return "never"
    start, end = about(bill["cheapest_from"]), bill["cheapest_to"]
    return f"from {start} on" if end is None else f"{start} to {about(end)}"


def _finite(uses: float) -> float | None:
    return uses if math.isfinite(uses) else None  # JSON has no infinity
