"""From what is needed to one point of a front: the cheapest model that does the job."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecotrack import metrics, pareto
from ecotrack.amount import Amount, columns, of_columns
from ecotrack.lifetime import lifetime_g


@dataclass(frozen=True)
class Need:
    """What a model must do. Accuracy is asked of validation images; the test set decides nothing.

    Attributes:
        min_accuracy: at least this, 0 to 1.
        within: at most so many percentage points below the best.
        max_parameters, max_latency_ms: limits, or None.
        predictions: how many the model will make; their emissions count beside training's.
    """

    min_accuracy: float | None = None
    within: float | None = None
    max_parameters: int | None = None
    max_latency_ms: float | None = None
    predictions: float = 0.0


@dataclass(frozen=True)
class Candidate:
    """A finished model, what is known of it, and how its energy is known.

    `_low` and `_high` are the meters' band; None where an earlier version did not tell it.
    """

    run_id: str
    name: str
    val_accuracy: float
    training_g: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    parameters: int
    latency_ms: float
    inference_g_per_1k: float
    training_g_low: float | None = None
    training_g_high: float | None = None
    inference_g_per_1k_low: float | None = None
    inference_g_per_1k_high: float | None = None
    energy_known: str = ""

    @property
    def training(self) -> Amount:
        """Emissions of training with their band, grams."""
        return of_columns("training_g", vars(self))

    @property
    def inference_per_1k(self) -> Amount:
        """Emissions of 1,000 predictions with their band, grams."""
        return of_columns("inference_g_per_1k", vars(self))

    def cost_g(self, predictions: float) -> float:
        """Emissions of training and so many predictions."""
        return lifetime_g(self.training_g, self.inference_g_per_1k, predictions)


@dataclass(frozen=True)
class Choice:
    """The chosen one, why, and its neighbours on the front (None at an end)."""

    chosen: Candidate
    reason: str
    cheaper: Candidate | None
    dearer: Candidate | None


class NothingFitsError(ValueError):
    """No candidate meets the need; the message says how close they come."""


def candidate(
    run_id: str, name: str, seen: Mapping[str, float], known: str = ""
) -> Candidate | None:
    """A run and its metrics as a candidate; None while it is not evaluated on the test images."""
    if metrics.EVAL_ACCURACY not in seen or metrics.VAL_ACCURACY not in seen:
        return None
    return Candidate(
        run_id=run_id,
        name=name,
        val_accuracy=seen[metrics.VAL_ACCURACY],
        accuracy=seen[metrics.EVAL_ACCURACY],
        accuracy_low=seen[metrics.EVAL_ACCURACY_LOW],
        accuracy_high=seen[metrics.EVAL_ACCURACY_HIGH],
        parameters=int(seen[metrics.PARAMETERS]),
        latency_ms=seen[metrics.LATENCY_MS],
        **columns("training_g", metrics.amount(metrics.EMISSIONS_G, seen)),
        **columns("inference_g_per_1k", metrics.amount(metrics.INFERENCE_G_PER_1K, seen)),
        energy_known=known,
    )


def choose(candidates: Sequence[Candidate], need: Need) -> Choice:
    """The cheapest candidate that meets the need; the knee where no accuracy is asked for.

    Raises:
        NothingFitsError: none does.
    """
    small = [c for c in candidates if _fits(c, need)]
    if not small:
        raise NothingFitsError(_why_none_fits(candidates, need))
    front = _front(small, need.predictions)
    best = max(front, key=lambda c: c.val_accuracy)
    if need.min_accuracy is not None:
        floor, asked = need.min_accuracy, f"at least {100 * need.min_accuracy:.2f} %"
    elif need.within is not None:
        floor = best.val_accuracy - need.within / 100
        asked = f"within {need.within:g} points of the best ({100 * best.val_accuracy:.2f} %)"
    else:
        knee = pareto.knee(
            [(math.log10(c.cost_g(need.predictions)), c.val_accuracy) for c in front]
        )
        return _choice(front, knee, "the knee of the front, accuracy against log10 of the grams")
    rounding = 1e-9  # 0.92 - 0.01 must not fail on 0.91
    good = [i for i, c in enumerate(front) if c.val_accuracy >= floor - rounding]
    if not good:
        limited = " within these limits" if len(small) < len(candidates) else ""
        raise NothingFitsError(
            f"no model on the front validates at {100 * floor:.2f} %{limited};"
            f" the nearest is {best.name} with {100 * best.val_accuracy:.2f} %"
        )
    return _choice(front, good[0], f"the cheapest that validates {asked}")


def _fits(candidate: Candidate, need: Need) -> bool:
    parameters = need.max_parameters is None or candidate.parameters <= need.max_parameters
    latency = need.max_latency_ms is None or candidate.latency_ms <= need.max_latency_ms
    return parameters and latency


def _why_none_fits(candidates: Sequence[Candidate], need: Need) -> str:
    if not candidates:
        return "the front has no evaluated model yet"
    smallest = min(candidates, key=lambda c: c.parameters)
    quickest = min(candidates, key=lambda c: c.latency_ms)
    limits = []
    if need.max_parameters is not None:
        limits.append(
            f"{need.max_parameters:,} parameters (the smallest, {smallest.name},"
            f" has {smallest.parameters:,})"
        )
    if need.max_latency_ms is not None:
        limits.append(
            f"{need.max_latency_ms:g} ms (the quickest, {quickest.name},"
            f" takes {quickest.latency_ms:.3g} ms)"
        )
    return f"no model on the front keeps to {' and '.join(limits)}"


def _front(candidates: Sequence[Candidate], predictions: float) -> list[Candidate]:
    """The candidates that none beats in lifetime grams and accuracy, cheapest first."""
    points = np.array([(c.cost_g(predictions), c.val_accuracy) for c in candidates])
    members = [c for c, on_front in zip(candidates, pareto.front(points), strict=True) if on_front]
    return sorted(members, key=lambda c: c.cost_g(predictions))


def _choice(front: Sequence[Candidate], position: int, reason: str) -> Choice:
    return Choice(
        chosen=front[position],
        reason=reason,
        cheaper=front[position - 1] if position > 0 else None,
        dearer=front[position + 1] if position + 1 < len(front) else None,
    )
