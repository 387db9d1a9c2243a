"""Exports of a front's members: candidates beside their originals, and what they save.

They enter a choice and no front: nothing was trained for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecotrack import metrics, reading
from ecotrack.amount import columns
from ecotrack.fronts.choosing import Candidate
from ecotrack.search.mirror import PRECISION
from ecotrack.tracking import RunView

PRICE = "No export was trained: the training of its original counts for it, and its conversion."


@dataclass(frozen=True)
class Export:
    """A member of the front, the same model in another precision, and the run that made it."""

    original: Candidate
    candidate: Candidate
    run: RunView

    @property
    def precision(self) -> str:
        """Of its weights."""
        return self.run.params[PRECISION]

    @property
    def points(self) -> float:
        """Of validation accuracy, won or lost."""
        return 100 * (self.candidate.val_accuracy - self.original.val_accuracy)

    @property
    def shares(self) -> tuple[float, float, float]:
        """Size, time of one prediction and emissions of 1,000, each over the original's."""
        return (
            self.candidate.size_bytes / self.original.size_bytes,
            self.candidate.latency_ms / self.original.latency_ms,
            self.candidate.inference_g_per_1k / self.original.inference_g_per_1k,
        )


def exports_of(front: Sequence[Candidate], runs: Sequence[RunView]) -> list[Export]:
    """The evaluated exports of these members, in their order; none that cannot be right."""
    return [
        Export(member, _candidate(member, run), run)
        for member in front
        for run in runs
        if run.tags.get(metrics.EXPORT_OF_TAG) == member.run_id
        and metrics.EVAL_ACCURACY in run.metrics
        and metrics.INVALID_TAG not in run.tags
    ]


def _candidate(original: Candidate, run: RunView) -> Candidate:
    """What rounding took from the first accuracy, it is taken to take from the repeats, too."""
    seen = run.metrics
    lost = max(0.0, original.val_accuracy - seen[metrics.VAL_ACCURACY])
    _, _, conversion = metrics.phase_metrics("export")
    return replace(
        original,
        run_id=run.run_id,
        name=run.name,
        val_accuracy=seen[metrics.VAL_ACCURACY],
        accuracy=seen[metrics.EVAL_ACCURACY],
        accuracy_low=seen[metrics.EVAL_ACCURACY_LOW],
        accuracy_high=seen[metrics.EVAL_ACCURACY_HIGH],
        latency_ms=seen[metrics.LATENCY_MS],
        **columns("training_g", original.training + metrics.amount(conversion, seen)),
        **columns("inference_g_per_1k", metrics.amount(metrics.INFERENCE_G_PER_1K, seen)),
        energy_known=reading.known_from(run.tags),
        repeats=tuple(max(0.0, accuracy - lost) for accuracy in original.repeats),
        size_bytes=int(seen[metrics.SIZE_BYTES]),
        believed=original.val_accuracy,
    )


def rows(exports: Sequence[Export]) -> list[dict[str, Any]]:
    """One row an export: its figures, and as shares of its original's."""
    table = []
    for export in exports:
        one, (size, latency, emissions) = export.candidate, export.shares
        table.append(
            {
                "model": one.name,
                "precision": export.precision,
                "val_accuracy": one.val_accuracy,
                "points": export.points,
                "test_accuracy": one.accuracy,
                "size_bytes": one.size_bytes,
                "size_share": size,
                "latency_ms": one.latency_ms,
                "latency_share": latency,
                "inference_g_per_1k": one.inference_g_per_1k,
                "inference_share": emissions,
                "conversion_g": one.training_g - export.original.training_g,
            }
        )
    return table


def told(table: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The same as people read it."""
    return [
        {
            "model": row["model"],
            "valid.": f"{reading.percent(row['val_accuracy'])} ({row['points']:+.2f})",
            "test": reading.percent(row["test_accuracy"]),
            "file": f"{reading.quantity(row['size_bytes'], 'B')} (× {row['size_share']:.2g})",
            "latency": f"{row['latency_ms']:.2g} ms (× {row['latency_share']:.2g})",
            "1,000 predictions": f"{reading.quantity(row['inference_g_per_1k'], 'g')}"
            f" (× {row['inference_share']:.2g})",
            "conversion": reading.quantity(row["conversion_g"], "g"),
        }
        for row in table
    ]


def sentences(exports: Sequence[Export]) -> list[str]:
    """What each precision cost and brought here, and whether it was worth it."""
    by_precision: dict[str, list[Export]] = {}
    for export in exports:
        by_precision.setdefault(export.precision, []).append(export)
    found = [_sentence(precision, several) for precision, several in by_precision.items()]
    return [*found, PRICE] if found else []


def _sentence(precision: str, exports: Sequence[Export]) -> str:
    points = [export.points for export in exports]
    size, latency, emissions = (
        f"{min(shares):.2g} to {max(shares):.2g} times"
        for shares in zip(*(export.shares for export in exports), strict=True)
    )
    no_gain = sum(max(export.shares) >= 1 for export in exports)
    return (
        f"{precision} against Keras (models: {len(exports)}): {min(points):+.2f} to"
        f" {max(points):+.2f} points of accuracy, {size} the size, {latency} the time of one"
        f" prediction, {emissions} the emissions of a thousand at once; without gain in one of"
        f" these: {no_gain}."
    )
