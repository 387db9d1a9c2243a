"""From what is needed to one point of a front: the cheapest model that surely does the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecotrack import metrics
from ecotrack.amount import Amount, columns, of_columns
from ecotrack.fronts import pareto
from ecotrack.fronts.certainty import accuracy_bound, how_sure
from ecotrack.fronts.lifetime import lifetime_g


@dataclass(frozen=True)
class Need:
    """What a model must do, and how sure that must be.

    Accuracy is asked of validation images, and by its lower confidence bound; the test set decides
    nothing.

    Attributes:
        images: on how many accuracy was counted.
        confidence: of the bound, one-sided, 0 to 1.
        min_accuracy: at least this, 0 to 1.
        within: at most so many percentage points below the best.
        max_parameters, max_latency_ms, max_size_kb: limits, or None.
        predictions: how many the model will make; their emissions count beside training's. What
            the search cost is the same for every model, and moves none past another.
    """

    images: int
    confidence: float = 0.95
    min_accuracy: float | None = None
    within: float | None = None
    max_parameters: int | None = None
    max_latency_ms: float | None = None
    max_size_kb: float | None = None
    predictions: float = 0.0


@dataclass(frozen=True)
class Candidate:
    """A finished model, what is known of it, and how its energy is known.

    `_low` and `_high` are the meters' band; None where an earlier version did not tell it.
    `repeats` are accuracies with other seeds. `believed` is the most that is believed of its first
    one: an export may seem better than its original by chance, and is not. Its training is its
    original's and its conversion.
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
    repeats: tuple[float, ...] = ()
    size_bytes: int = 0
    believed: float = 1.0

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

    def bound(self, need: Need) -> float:
        """The accuracy that one may be sure of."""
        return accuracy_bound(self._accuracies, need.images, need.confidence)

    def sure_of(self, accuracy: float, need: Need) -> float:
        """How sure one may be, 0 to 1, that it is at least as accurate."""
        return how_sure(self._accuracies, need.images, accuracy)

    @property
    def _accuracies(self) -> tuple[float, ...]:
        return min(self.val_accuracy, self.believed), *self.repeats


@dataclass(frozen=True)
class Choice:
    """The chosen one, why, and its neighbours on the front (None at an end).

    Attributes:
        floor: the accuracy that was needed; where none was asked for, the chosen one's bound.
        able: all that meet the need, however many predictions they will make.
    """

    chosen: Candidate
    reason: str
    floor: float
    able: Sequence[Candidate]
    cheaper: Candidate | None
    dearer: Candidate | None


class NothingFitsError(ValueError):
    """No candidate meets the need; the message says how close they come."""


def candidate(
    run_id: str,
    name: str,
    seen: Mapping[str, float],
    repeats: Sequence[float] = (),
    known: str = "",
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
        repeats=tuple(repeats),
        size_bytes=int(seen[metrics.SIZE_BYTES]),
    )


def choose(candidates: Sequence[Candidate], need: Need) -> Choice:
    """The cheapest candidate that meets the need; the knee where no accuracy is asked for.

    Raises:
        NothingFitsError: none does.
    """
    small = [c for c in candidates if fits(c, need)]
    if not small:
        raise NothingFitsError(_why_none_fits(candidates, need))
    bounds = {c: c.bound(need) for c in small}
    front = _front(bounds, need.predictions)
    best = max(front, key=bounds.__getitem__)
    if need.min_accuracy is not None:
        floor = need.min_accuracy
        reason = f"the cheapest that validates at least {100 * floor:.2f} %"
    elif need.within is not None:
        floor = bounds[best] - need.within / 100
        reason = (
            f"the cheapest whose lower bound is within {need.within:g}"
            f" point{'' if need.within == 1 else 's'} of the best's"
            f" ({100 * bounds[best]:.2f} %)"
        )
    else:
        knee = pareto.knee([(c.cost_g(need.predictions), bounds[c]) for c in front], log=True)
        reason = "the knee of the front, accuracy against log10 of the grams"
        return _choice(front, knee, reason, bounds[front[knee]], small)
    rounding = 1e-9  # 0.92 - 0.01 must not fail on 0.91
    able = [c for c in small if bounds[c] >= floor - rounding]
    if not able:
        limited = " within these limits" if len(small) < len(candidates) else ""
        raise NothingFitsError(
            f"no model on the front is {100 * need.confidence:g} % sure to validate at"
            f" {100 * floor:.2f} %{limited}; the nearest is {best.name}, sure of"
            f" {100 * bounds[best]:.2f} %"
        )
    return _choice(front, next(i for i, c in enumerate(front) if c in able), reason, floor, able)


def fits(candidate: Candidate, need: Need) -> bool:
    """Whether a model keeps to the limits of size and latency."""
    parameters = need.max_parameters is None or candidate.parameters <= need.max_parameters
    latency = need.max_latency_ms is None or candidate.latency_ms <= need.max_latency_ms
    size = need.max_size_kb is None or candidate.size_bytes <= 1000 * need.max_size_kb
    return parameters and latency and size


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
    if need.max_size_kb is not None:
        lightest = min(candidates, key=lambda c: c.size_bytes)
        limits.append(
            f"{need.max_size_kb:g} kB (the lightest, {lightest.name},"
            f" has {lightest.size_bytes / 1000:.3g} kB)"
        )
    return f"no model on the front keeps to {' and '.join(limits)}"


def _front(bounds: Mapping[Candidate, float], predictions: float) -> list[Candidate]:
    """The candidates that none beats in lifetime grams and sure accuracy, cheapest first."""
    points = np.array([(c.cost_g(predictions), bound) for c, bound in bounds.items()])
    members = [c for c, on_front in zip(bounds, pareto.front(points), strict=True) if on_front]
    return sorted(members, key=lambda c: c.cost_g(predictions))


def _choice(
    front: Sequence[Candidate],
    position: int,
    reason: str,
    floor: float,
    able: Sequence[Candidate],
) -> Choice:
    return Choice(
        chosen=front[position],
        reason=reason,
        floor=floor,
        able=able,
        cheaper=front[position - 1] if position > 0 else None,
        dearer=front[position + 1] if position + 1 < len(front) else None,
    )
