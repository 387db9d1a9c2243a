"""A choice told: its figures, the picture of whole lives, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ecotrack import figures, metrics, reading
from ecotrack.fronts.certainty import how_sure
from ecotrack.fronts.choosing import Candidate, Choice, Need
from ecotrack.fronts.whole_life import WholeLife

TEST_IMAGES = 10_000


@dataclass(frozen=True)
class Decision:
    """What was chosen, from which front, by which need, and what its life costs."""

    choice: Choice
    front: list[Candidate]
    need: Need
    life: WholeLife
    known: str


def scores(decision: Decision) -> dict[str, float]:
    """The figures of a choice; what never pays has none."""
    chosen, life, need = decision.choice.chosen, decision.life, decision.need
    paid = life.paid[0]
    return {
        metrics.VAL_ACCURACY: chosen.val_accuracy,
        metrics.EVAL_ACCURACY: chosen.accuracy,
        metrics.EMISSIONS_G: chosen.training_g,
        metrics.CHOICE_BOUND: chosen.bound(need),
        metrics.CHOICE_SURE: chosen.sure_of(decision.choice.floor, need),
        metrics.CHOICE_LIFE_G: life.chosen.cost_g(life.predictions),
        **({metrics.SEARCH_PAID: paid} if math.isfinite(paid) else {}),
    }


def pictures(decision: Decision, study: str) -> dict[str, Any]:
    """Carbon against predictions, as a picture, a page and tables."""
    life = decision.life
    chart = life.chart(study, decision.known)
    return {
        "lifetime.png": figures.png(chart),
        "lifetime.html": figures.html(chart),
        "lifetime.json": life.bills(),
        "break_even.json": life.break_evens(),
    }


def certainty(decision: Decision) -> str:
    """How sure it is that the chosen model meets the need, and what the test images say to it."""
    chosen, floor = decision.choice.chosen, decision.choice.floor
    promised = math.floor(1e4 * floor + 1e-6) / 1e4
    by_test = how_sure([chosen.accuracy], TEST_IMAGES, floor)
    return (
        f"It is {reading.sure(chosen.sure_of(floor, decision.need))} that accuracy is at least"
        f" {promised:g}, by the {decision.need.images:,} validation images that chose it, and"
        f" {reading.sure(by_test)} by the {TEST_IMAGES:,} test images, which chose nothing."
    )
