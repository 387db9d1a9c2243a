"""What is searched, and how: all that a search is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecotrack.search.samplers import Sampler
from ecotrack.search.space import Space
from ecotrack.search.trials import Objective


@dataclass(frozen=True)
class Problem:
    """What is searched; real training and a replayed table alike.

    Attributes:
        space: what may be tried.
        objective: (configuration, trial) -> one value an objective. Between epochs it asks
            `trial.goes_on`.
        features: what is known of a configuration before it is tried, `epochs` among it: of this
            its cost is foretold.
        gain, cost: positions of accuracy and of training's grams among the objectives, None where
            they are none. Unless these two are all, nothing is stopped or picked by its promise.
        kin: what a configuration shares with those that learn alike, such as its family: only
            their curves tell how far it may still get.
        refused: why a configuration will not be tried, or None.
        starts: configurations to try first.
    """

    space: Space
    objective: Objective
    features: Callable[[Mapping[str, Any]], Mapping[str, float | str]]
    gain: int | None = 0
    cost: int | None = 1
    kin: Callable[[Mapping[str, Any]], object] = lambda params: None
    refused: Callable[[Mapping[str, Any]], str | None] = lambda params: None
    starts: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Rules:
    """How it is searched.

    Attributes:
        trials: configurations to try in all, earlier sessions included, finished or stopped.
        seed: of the suggestions.
        sampler: who suggests.
        thrifty: take the suggestion that promises the most for its grams.
        stopping: give up what cannot win.
        budget_g: what the study may cost in all, grams.
    """

    trials: int
    seed: int = 0
    sampler: Sampler = "tpe"
    thrifty: bool = True
    stopping: bool = True
    budget_g: float | None = None
