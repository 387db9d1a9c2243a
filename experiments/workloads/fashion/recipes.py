"""Recipes: architecture and training together, each with the evidence that put it here."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.workloads.fashion.augment import Augmentation
from experiments.workloads.fashion.models import Family
from experiments.workloads.fashion.training import Rate


@dataclass(frozen=True, kw_only=True)
class Training:
    """Options of `train`."""

    family: Family
    width: int = 1
    depth: int = 1
    augmentation: Augmentation = "none"
    epochs: int
    batch_size: int = 256
    learning_rate: float = 0.01
    rate: Rate = "one-cycle"
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """A way to train a model.

    Attributes:
        evidence: validation accuracy, seeds, cost and machine.
        aim: the accuracy that it was made for.
        training: how it is done.
        any_epoch: it may stop after any epoch; else only after the last, where its learning rate
            has come down.
    """

    evidence: str
    aim: float
    training: Training
    any_epoch: bool = False


REFERENCE = "r0"
RECIPES = {
    REFERENCE: Recipe(
        "PENDING",
        0.0,
        Training(family="keras", epochs=60, batch_size=128, learning_rate=0.001, rate="constant"),
        any_epoch=True,
    ),
    "mlp": Recipe(
        "PENDING", 0.88, Training(family="mlp", width=16, depth=1, epochs=4, learning_rate=0.003)
    ),
    "pooled-2": Recipe("PENDING", 0.90, Training(family="pooled", width=32, depth=2, epochs=2)),
}
