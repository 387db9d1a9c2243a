"""A study as the store keeps it, and a choice told: its figures, its picture, how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ecotrack import figures, metrics, reading
from ecotrack.fronts.certainty import how_sure
from ecotrack.fronts.choosing import Candidate, Choice, Need, choose
from ecotrack.fronts.envelope import Life
from ecotrack.fronts.whole_life import WholeLife
from ecotrack.search.exports import Export
from ecotrack.search.study_report import known_by
from ecotrack.tracking import RunView

TEST_IMAGES = 10_000


@dataclass(frozen=True)
class Decision:
    """What was chosen, from what, by which need, and what its life costs."""

    choice: Choice
    candidates: list[Candidate]
    need: Need
    life: WholeLife
    known: str


@dataclass(frozen=True)
class Searched:
    """What a study found, and what is asked of it.

    Attributes:
        front: its evaluated members, cheapest first.
        exports: smaller versions of them, which may be chosen, too.
        trials: runs of finished trials, as far as they were read: the front's, if no more.
        whole: the study's own run.
        instead: the trial that would have been trained without a search.
        need: what the model must do.
        search_share: how much of the search's own cost the chosen model carries.
    """

    front: list[Candidate]
    exports: Sequence[Export]
    trials: Sequence[RunView]
    whole: RunView
    instead: RunView
    need: Need
    search_share: float

    @property
    def number(self) -> int | None:
        """How many trials the study had finished when it was last reported; None: it never was."""
        told = self.whole.metrics.get(metrics.SEARCH_TRIALS)
        return None if told is None else int(told)

    @property
    def candidates(self) -> list[Candidate]:
        """All that there is to choose from."""
        return [*self.front, *(export.candidate for export in self.exports)]

    def decide(self) -> Decision:
        """The choice, and all that it rests on.

        Raises:
            NothingFitsError: none meets the need.
        """
        choice, known = choose(self.candidates, self.need), known_by(self.trials)
        return Decision(choice, self.candidates, self.need, self.life(choice), known)

    def life(self, choice: Choice) -> WholeLife:
        """What the members emit over their lives, if this is the choice."""
        # The chosen one's training is in the study's bill, and counted as training.
        own_g = max(0.0, self.whole.metrics[metrics.SEARCH_G] - choice.chosen.training_g)
        return WholeLife(
            choice,
            self.candidates,
            search_g=self.search_share * own_g,
            baseline=life_of(self.instead),
            baseline_accuracy=self.instead.metrics[metrics.VAL_ACCURACY],
            predictions=self.need.predictions,
        )


def life_of(run: RunView) -> Life:
    """The life of a trial's model, had it been trained without a search."""
    each_g = run.metrics[metrics.INFERENCE_G_PER_1K] / 1000
    return Life(f"{run.name} without a search", run.metrics[metrics.EMISSIONS_G], each_g)


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
