"""Searches replayed on a table of trained configurations: a study in seconds, without a gram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from bench.table_file import Row, read, trainings
from ecotrack.fronts import pareto
from ecotrack.search.bill import Bill
from ecotrack.search.problem import Problem
from ecotrack.search.space import Choice, Space, When
from ecotrack.search.trials import PassedOver, Trial

TABLES = Path(__file__).parent / "tables"
NAMES = ("family", "width", "depth", "augmentation", "epochs")
GRAMS_PER_J = 475 / 3.6e6  # the world's electricity in 2019: a scale, no more
LEAST_ACCURACY = 0.1
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Trained:
    """One configuration of the table.

    Attributes:
        curve: validation accuracy after each epoch.
        epochs_g: training's grams of each epoch.
        setup_g, eval_g: grams of building and tracing, and of one evaluation.
        operations: of the whole training.
    """

    curve: tuple[float, ...]
    epochs_g: tuple[float, ...]
    setup_g: float
    eval_g: float
    operations: float
    images: int

    @property
    def point(self) -> tuple[float, float]:
        """(grams of training, accuracy at its end)."""
        return sum(self.epochs_g), self.curve[-1]

    @property
    def whole_g(self) -> float:
        """All that trying it takes."""
        return self.setup_g + sum(self.epochs_g) + self.eval_g * len(self.curve)


class Table:
    """All configurations that were trained, and what they cost."""

    def __init__(self, name: str) -> None:
        found = trainings(read(TABLES / f"{name}.csv.gz"))
        by_key = {key_of(vars(epochs[0])): _trained(epochs) for epochs in found}
        self.trained = {
            key: by_key[key] for key in sorted(by_key, key=lambda key: [*map(str, key)])
        }

    @cached_property
    def points(self) -> np.ndarray:
        """(n, 2) grams and accuracy."""
        return np.array([trained.point for trained in self.trained.values()])

    @cached_property
    def reference(self) -> tuple[float, float]:
        """Accuracy of guessing, and twice the grams of the dearest configuration."""
        return 2 * float(self.points[:, 0].max()), LEAST_ACCURACY

    @cached_property
    def best_known(self) -> dict[bool, float]:
        """Hypervolume of the true front, on a logarithmic axis of grams or not."""
        return {log: volume(self.points, self.reference, log=log) for log in (False, True)}

    @cached_property
    def front(self) -> set[Key]:
        """The configurations of the true front."""
        mask = pareto.front(self.points)
        return {key for key, on in zip(self.trained, mask, strict=True) if on}

    @cached_property
    def space(self) -> Space:
        """What may be tried: what the table holds; sizes only where a family has several."""
        by_family = {
            key[0]: {k[1:3] for k in self.trained if k[0] == key[0]} for key in self.trained
        }
        sized = tuple(family for family, sizes in by_family.items() if len(sizes) > 1)
        columns = zip(*(key for key in self.trained if key[0] in sized), strict=True)
        _, *values = (Choice(tuple(sorted(set(column)))) for column in columns)
        inner = dict(zip(NAMES[1:], values, strict=True))
        sizes = {name: When("family", sized, inner.pop(name)) for name in ("width", "depth")}
        return {"family": Choice(tuple(by_family)), **sizes, **inner}


@dataclass
class Replay:
    """One study on a table, and what it has spent."""

    table: Table
    spent_g: float = 0.0

    @property
    def bill(self) -> Bill:
        """What the search is told."""
        return Bill(lambda: self.spent_g)

    def objective(self, params: Mapping[str, Any], trial: Trial) -> tuple[float, float]:
        """Train as the table says, epoch by epoch."""
        trained = self.table.trained[key_of(params)]
        self.spent_g += trained.setup_g
        for done, grams in enumerate(trained.epochs_g, 1):
            self.spent_g += grams + trained.eval_g
            if not trial.goes_on(trained.curve[done - 1], sum(trained.epochs_g[:done])):
                raise PassedOver(trial.stopped)
        grams, accuracy = trained.point
        trial.keep((accuracy, grams))
        return accuracy, grams

    def problem(self, starts: list[dict[str, Any]]) -> Problem:
        """The table as the search takes it."""
        return Problem(
            self.table.space,
            self.objective,
            self.features,
            kin=itemgetter("family"),
            starts=starts,
        )

    def features(self, params: Mapping[str, Any]) -> Mapping[str, float | str]:
        """What is known before a training."""
        trained = self.table.trained[key_of(params)]
        return {
            "operations": trained.operations,
            "epochs": params["epochs"],
            "images": trained.images,
            "family": params["family"],
            "augmentation": params["augmentation"],
        }


def key_of(params: Mapping[str, Any]) -> Key:
    """A configuration as the table names it: what has one size has size 1."""
    return tuple(params.get(name, 1) for name in NAMES)


def volume(points: Any, reference: tuple[float, float], *, log: bool) -> float:
    """Hypervolume, with grams as they are or as their logarithms to base 10."""
    return pareto.hypervolume(points, reference, log=log)


def _trained(epochs: Sequence[Row]) -> Trained:
    first = epochs[0]
    return Trained(
        curve=tuple(row.val_accuracy for row in epochs),
        epochs_g=tuple(row.energy_j * GRAMS_PER_J for row in epochs),
        setup_g=first.setup_j * GRAMS_PER_J,
        eval_g=first.eval_j * GRAMS_PER_J,
        operations=first.operations,
        images=first.images,
    )
