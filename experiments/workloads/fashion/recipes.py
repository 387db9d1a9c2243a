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
        "Keras' simple convnet. One seed, 60 epochs, 878 CPU-s, two shared Zen 4 cores: validation"
        " 0.895 after 84 CPU-s, 0.915 after 280, 0.924 after 772, its best.",
        0.0,
        Training(family="keras", epochs=60, batch_size=128, learning_rate=0.001, rate="constant"),
        any_epoch=True,
    ),
    "pooled-2": Recipe(
        "Three seeds, 9.0 to 10.7 CPU-s, two shared Zen 4 cores: validation 0.909 to 0.912.",
        0.88,
        Training(family="pooled", width=32, depth=2, epochs=2),
    ),
    "pooled-3": Recipe(
        "One seed, 14.2 CPU-s, two shared Zen 4 cores: validation 0.913.",
        0.90,
        Training(family="pooled", width=32, depth=2, epochs=3),
    ),
    "pooled-5": Recipe(
        "One seed, 23.9 CPU-s, two shared Zen 4 cores: validation 0.922.",
        0.90,
        Training(family="pooled", width=32, depth=2, epochs=5, label_smoothing=0.1),
    ),
    "skip-12": Recipe(
        "One seed, 305 CPU-s, two shared Zen 4 cores: validation 0.936.",
        0.92,
        Training(
            family="skip", width=32, depth=5, augmentation="flip", epochs=12, label_smoothing=0.1
        ),
    ),
}
