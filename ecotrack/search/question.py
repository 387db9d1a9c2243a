"""What an experiment asks of a study, in one value that workers on other machines can be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecotrack.measurement import Measurement
from ecotrack.search.bill import Bill
from ecotrack.search.judge import Judge
from ecotrack.search.mirror import Mirror, open_study
from ecotrack.search.objectives import Objectives
from ecotrack.search.problem import Problem, Rules
from ecotrack.search.sharing import Share
from ecotrack.search.space import Space
from ecotrack.search.study import Study
from ecotrack.search.trials import Objective
from ecotrack.tracking import Store

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """All that a session of a study has to know.

    Workers import its functions by their names: none may be a lambda, or of `__main__`.

    Attributes:
        experiment: of MLflow, where its runs lie.
        study: its name.
        place: the SQLite file of all studies, or the URL of their database.
        objectives: what for.
        space: what may be tried.
        starts: what is tried first.
        rules: how it is searched.
        features: what is known of a configuration before it is tried, `epochs` among it.
        kin: what a configuration shares with those that learn alike, see `Problem`.
        refused: why a configuration will not be tried, or None.
        prepare: refuses a machine that cannot try any, and imports what is slow to import.
        trying: a process's share of the study -> the objective there.
        finish: what follows the trials on a machine, as far as its judge can afford it.
        reserved_g: what that will still take, grams.
        repeats: with so many new seeds the front and near misses are tried again.
        time_s: no trial starts after so many seconds, over all sessions.
        mixed: whether machines of different kinds may take part.
    """

    experiment: str
    study: str
    place: Path | str
    objectives: Objectives
    space: Space
    starts: Sequence[Params]
    rules: Rules
    features: Callable[[Params], Mapping[str, float | str]]
    kin: Callable[[Params], object]
    refused: Callable[[Params], str | None]
    prepare: Callable[[], None]
    trying: Callable[[Share], Objective]
    finish: Callable[[Share, Judge], None]
    reserved_g: Callable[[Mirror, Study], float]
    repeats: int = 0
    time_s: float | None = None
    mixed: bool = False

    def open(self, store: Store) -> Study:
        """The study, which is begun if it is new."""
        return open_study(self.place, self.study, self.objectives, store)

    def used_up(self, study: Study) -> bool:
        """Whether the budget is: then nothing may cost the study anything."""
        return self.rules.budget_g is not None and study.cost.co2_g >= self.rules.budget_g

    def out_of_time(self, spent: Measurement) -> bool:
        """Whether no trial may start any more, since so much was spent."""
        return self.time_s is not None and spent.wall_s >= self.time_s

    def problem(self, own: Share | None = None) -> Problem:
        """What is searched; a process without a share tries nothing."""
        return Problem(
            self.space,
            self.trying(own) if own else lambda params, trial: (),
            self.features,
            gain=self.objectives.position("accuracy"),
            cost=self.objectives.position("training"),
            kin=self.kin,
            refused=self.refused,
            starts=self.starts,
        )

    def bill(self, own: Share) -> Bill:
        """What all processes have cost, and what the end will."""
        return Bill(
            spent=lambda: own.spent().co2_g,
            reserved=lambda: self.reserved_g(own.mirror, own.study),
            own=lambda: own.so_far().co2_g,
            keep=own.keep if self.rules.budget_g else lambda: None,
        )
