"""Models with and without augmentation: the newest run of each, pair by pair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecotrack import metrics, reading
from ecotrack.amount import Amount, of_columns
from ecotrack.stats import Difference, newcombe
from ecotrack.tracking import RunView, Store
from experiments.page import charts
from experiments.page.overview import believed
from experiments.page.price import Price

WITHOUT = "none"
REST = ("images", "batch-size", "learning-rate")  # of a recipe, besides what a title tells
MOST_MODELS = 8  # newest first


@dataclass(frozen=True)
class Trained:
    """One training, and what it achieved on the test images."""

    model: str
    augmentation: str
    accuracy: tuple[float, float, float]
    cpu_s: float
    energy: Amount
    emissions: Amount

    def against(self, plain: Trained) -> Difference:
        """How much more accurate than without augmentation, as far as the images tell."""
        return newcombe(self.accuracy, plain.accuracy)


def trained(store: Store, runs: Sequence[RunView]) -> list[list[Trained]]:
    """For each model trained both ways: without augmentation first, then with, the newest of each.

    From the runs of `train`, and from the tables of `augmentation`.
    """
    models: dict[str, dict[str, Trained]] = {}
    for run in runs:
        if not believed(run):
            continue
        for one in found(store, run):
            models.setdefault(one.model, {})[one.augmentation] = one
    both = [each for each in models.values() if WITHOUT in each and len(each) > 1]
    return [
        [each[WITHOUT], *(one for name, one in each.items() if name != WITHOUT)]
        for each in both[-MOST_MODELS:]
    ]


def found(store: Store, run: RunView) -> Iterable[Trained]:
    """The trainings that a run tells of."""
    kind = run.tags.get(metrics.KIND_TAG)
    try:
        if kind == "train" and metrics.EVAL_ACCURACY in run.metrics:
            return [of_run(run)]
        if kind == "augmentation":
            size = f"{run.params['epochs']}ep"
            rows = store.table(run.run_id, "augmentation.json")
            return [of_row(row, f"{row['model']} {size}, {run.short_id}") for row in rows]
    except (LookupError, ValueError, TypeError):
        pass  # of another version
    return []


def of_run(run: RunView) -> Trained:
    """A run of `train`."""
    seen, told = run.metrics, run.params
    model = "-".join((told["family"], f"{told['width']}x{told['depth']}"))
    rest = [f"{name} {told[name]}" for name in REST if told.get(name, "none") != "none"]
    return Trained(
        ", ".join([f"{model} {told['epochs']}ep", *rest]),
        told["augmentation"],
        (
            seen[metrics.EVAL_ACCURACY],
            seen[metrics.EVAL_ACCURACY_LOW],
            seen[metrics.EVAL_ACCURACY_HIGH],
        ),
        seen[metrics.CPU_S],
        metrics.amount(metrics.TOTAL_WH, seen),
        metrics.amount(metrics.EMISSIONS_G, seen),
    )


def of_row(row: Mapping[str, Any], model: str) -> Trained:
    """A row of the table of `augmentation`."""
    return Trained(
        model,
        row["augmentation"],
        (row["accuracy"], row["accuracy_low"], row["accuracy_high"]),
        row["training_cpu_s"],
        of_columns("energy_wh", row),
        of_columns("emissions_g", row),
    )


def chart(models: Sequence[Sequence[Trained]]) -> dict[str, Any]:
    """Accuracies with their intervals."""
    rows = [
        {
            "model": one.model,
            "augmentation": one.augmentation,
            **dict(zip(("accuracy", "accuracy_low", "accuracy_high"), one.accuracy, strict=True)),
        }
        for each in models
        for one in each
    ]
    return charts.augmentation(rows, "Accuracy on the test images with and without augmentation")


def table(models: Sequence[Sequence[Trained]]) -> list[dict[str, Any]]:
    """A row a training; its difference is to the same model without augmentation."""
    return [
        {
            "model": one.model,
            "augmentation": one.augmentation,
            "test (95 %)": "{} ({:.1f}–{:.1f})".format(
                reading.percent(one.accuracy[0]), *(100 * end for end in one.accuracy[1:])
            ),
            "difference, points": "" if one is each[0] else points(one.against(each[0])),
            "CPU time": f"{one.cpu_s:.1f} s",
            "emissions": Price(one.emissions, one.energy.value),
        }
        for each in models
        for one in each
    ]


def points(found: Difference) -> str:
    """A difference of accuracies: `+1.20 (+0.35 to +2.05)`."""
    low, high = 100 * found.low, 100 * found.high
    return f"{100 * found.difference:+.2f} ({low:+.2f} to {high:+.2f})"
