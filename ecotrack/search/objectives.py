"""What a search is for: any two or three of accuracy, carbon of training, carbon of inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ecotrack import metrics
from ecotrack.fronts import pareto

Goal = Literal["accuracy", "training", "inference"]
LEAST_ACCURACY = 0.1  # of a model that has learned nothing, of ten classes

TITLES: dict[Goal, str] = {
    "accuracy": "validation accuracy",
    "training": "training emissions (g)",
    "inference": "inference emissions (g per 1,000)",
}
METRICS: dict[Goal, str] = {
    "accuracy": metrics.VAL_ACCURACY,
    "training": metrics.EMISSIONS_G,
    "inference": metrics.INFERENCE_G_PER_1K,
}


@dataclass(frozen=True)
class Objectives:
    """Goals in the order of their values; accuracy up, grams down."""

    goals: tuple[Goal, ...]

    @property
    def directions(self) -> dict[str, Literal["minimize", "maximize"]]:
        """Title -> which way is better, as a study keeps them."""
        return {
            TITLES[goal]: "maximize" if goal == "accuracy" else "minimize" for goal in self.goals
        }

    @property
    def costs(self) -> tuple[Goal, ...]:
        """The goals that are grams."""
        return tuple(goal for goal in self.goals if goal != "accuracy")

    def of(self, seen: Mapping[str, float]) -> tuple[float, ...]:
        """The values of a run, from its metrics."""
        return tuple(seen[METRICS[goal]] for goal in self.goals)

    def position(self, goal: Goal) -> int | None:
        """Where a goal's value stands; None if it is not asked for."""
        return self.goals.index(goal) if goal in self.goals else None

    @property
    def ways(self) -> tuple[pareto.Direction, ...]:
        """The same as `pareto` takes them."""
        return tuple("max" if goal == "accuracy" else "min" for goal in self.goals)

    def corner(self, worst_g: Sequence[float]) -> tuple[float, ...]:
        """The worst corner for hypervolume, from the worst grams of each cost."""
        grams = iter(worst_g)
        return tuple(LEAST_ACCURACY if goal == "accuracy" else next(grams) for goal in self.goals)
