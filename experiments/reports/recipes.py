"""The leaderboard of recipes: where each stops, what it cost by then, and which takes least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from ecotrack import reading
from ecotrack.stats import Ratio, ratio_interval, student, wilson

TEST_IMAGES = 10_000


@dataclass(frozen=True)
class Trained:
    """A finished training: validation accuracy, CPU seconds and Wh so far, by epoch from 1 on."""

    run_id: str
    accuracies: Mapping[int, float]
    cpu_s: Mapping[int, float]
    energy_wh: Mapping[int, float]
    augmenting_wh: float


@dataclass(frozen=True)
class Row:
    """A recipe that stops for a target; one value for each seed.

    Attributes:
        run_ids: of the trainings.
        tested: accuracy on all test images.
        distinct: the same without near-duplicates of training images.
    """

    target: float
    recipe: str
    epoch: int
    run_ids: tuple[str, ...]
    energy_wh: tuple[float, ...]
    augmenting_wh: tuple[float, ...]
    cpu_s: tuple[float, ...]
    tested: tuple[float, ...]
    distinct: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        """Mean over the seeds."""
        return mean(self.tested)

    @property
    def reaches(self) -> bool:
        """Whether the test images confirm it."""
        return self.accuracy >= self.target

    @property
    def bound(self) -> float:
        """Lower bound of the accuracy, 95 % sure.

        Student's over the seeds; of a single one Wilson's, over the images.
        """
        n = len(self.tested)
        if n == 1:
            return wilson(round(self.accuracy * TEST_IMAGES), TEST_IMAGES, 0.90)[0]
        return self.accuracy - student(0.95, n - 1) * stdev(self.tested) / n**0.5

    def energy_ratio(self, reference: Row) -> Ratio:
        """Its energy over the reference's, in pairs of a seed."""
        return ratio_interval(self.energy_wh, reference.energy_wh)

    def cpu_ratio(self, reference: Row) -> Ratio:
        """The same of CPU time."""
        return ratio_interval(self.cpu_s, reference.cpu_s)


def stop(trained: Sequence[Trained], wanted: float, *, any_epoch: bool) -> int | None:
    """The first epoch whose mean validation accuracy is as wanted; None if there is none.

    A recipe whose learning rate falls to zero at its end has only its last epoch to offer.
    """
    last = min(max(each.accuracies) for each in trained)
    for epoch in range(1, last + 1) if any_epoch else [last]:
        if mean(each.accuracies[epoch] for each in trained) >= wanted:
            return epoch
    return None


def table(rows: Sequence[Row], reference: str) -> list[dict[str, str]]:
    """The rows as they are printed, each set against the reference's row of the same target."""
    references = {row.target: row for row in rows if row.recipe == reference}
    return [_cells(row, references.get(row.target)) for row in rows]


def _cells(row: Row, reference: Row | None) -> dict[str, str]:
    compared = reference is not None and reference is not row
    return {
        "target": f"{row.target:g}",
        "recipe": row.recipe,
        "epochs": str(row.epoch),
        "seeds": str(len(row.tested)),
        "test": reading.percent(row.accuracy) + ("" if row.reaches else " missed"),
        "at least (95 %)": reading.percent(row.bound),
        "no duplicates": reading.percent(mean(row.distinct)),
        "CPU time": f"{mean(row.cpu_s):.3g} s",
        "energy": reading.quantity(mean(row.energy_wh), "Wh"),
        "augmentation": reading.quantity(mean(row.augmenting_wh), "Wh"),
        "energy / r0": _times(row.energy_ratio(reference)) if compared and reference else "",
        "CPU time / r0": _times(row.cpu_ratio(reference)) if compared and reference else "",
    }


def _times(found: Ratio) -> str:
    return reading.ratio(found) if found.low else reading.number(found.ratio)
