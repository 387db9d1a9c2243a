"""What a training says of itself: its curves, its augmentation, and its costs, phase by phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ecotrack import Measurement, metrics, reading
from experiments.workloads.fashion.training import Evaluation


@dataclass(frozen=True)
class Epoch:
    """What one epoch cost and brought; `augmenting_s` is the part of its CPU time so spent."""

    trained: Measurement
    augmenting_s: float
    loss: float
    accuracy: float
    evaluated: Measurement
    validation: Evaluation


def augmenting(epochs: Sequence[Epoch]) -> dict[str, float]:
    """The part of training that went into augmentation: CPU time, and energy in its proportion.

    A tenth of a second an epoch is too short for the meters.
    """
    cpu_s = sum(epoch.augmenting_s for epoch in epochs)
    trained = sum((epoch.trained for epoch in epochs), Measurement())
    share = cpu_s / trained.cpu_s if trained.cpu_s else 0.0
    return {metrics.AUGMENTING_S: cpu_s, metrics.AUGMENTING_WH: share * trained.total_wh}


def curves(epochs: Sequence[Epoch]) -> dict[str, list[float]]:
    """Losses and accuracies after each epoch, and what training had cost by then."""
    return {
        metrics.TRAIN_LOSS: [epoch.loss for epoch in epochs],
        metrics.TRAIN_ACCURACY: [epoch.accuracy for epoch in epochs],
        metrics.VAL_LOSS: [epoch.validation.loss for epoch in epochs],
        metrics.VAL_ACCURACIES: [epoch.validation.accuracy for epoch in epochs],
        metrics.TRAINED_S: list(accumulate(epoch.trained.cpu_s for epoch in epochs)),
        metrics.TRAINED_WH: list(accumulate(epoch.trained.total_wh for epoch in epochs)),
    }


def summary(
    costs: Mapping[str, Measurement], scores: Mapping[str, float]
) -> dict[str, list[dict[str, str]]]:
    """The tables of a finished model."""
    known = reading.briefly(sum(costs.values(), Measurement()))
    return {
        f"What it cost ({known})": reading.costs(itemised(costs, scores)),
        "What it achieved": reading.scores(scores),
    }


def itemised(
    costs: Mapping[str, Measurement], scores: Mapping[str, float]
) -> Mapping[str, Measurement]:
    """The phases as they are printed: below training the part of it that augmented."""
    cpu_s = scores.get(metrics.AUGMENTING_S)
    if not cpu_s:
        return costs
    whole = costs["training"]
    part = whole / (whole.cpu_s / cpu_s)
    return {"training": whole, "augmentation, in it": part, **costs}
