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
    mirrored: bool = False


@dataclass(frozen=True)
class Recipe:
    """A way to train a model.

    Attributes:
        evidence: validation accuracy, seeds, cost of one and machine.
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
        "Keras' simple convnet. Five seeds, two Zen 4 cores: 60 epochs take 525 CPU-s, 2.21 Wh, and"
        " validate at 0.920 to 0.922.",
        0.0,
        Training(family="keras", epochs=60, batch_size=128, learning_rate=0.001, rate="constant"),
        any_epoch=True,
    ),
    "pooled-2": Recipe(
        "Five seeds, 8.8 CPU-s, 37 mWh, two Zen 4 cores: validation 0.907 to 0.911.",
        0.88,
        Training(family="pooled", width=32, depth=2, epochs=2),
    ),
    "pooled-3": Recipe(
        "Five seeds, 13.1 CPU-s, 56 mWh, two Zen 4 cores: validation 0.911 to 0.916.",
        0.90,
        Training(family="pooled", width=32, depth=2, epochs=3),
    ),
    "pooled-5": Recipe(
        "Five seeds, 21.6 CPU-s, 88 mWh, two Zen 4 cores: validation 0.917 to 0.921.",
        0.90,
        Training(family="pooled", width=32, depth=2, epochs=5, label_smoothing=0.1),
    ),
    "pooled-8": Recipe(
        "Five seeds, 38.2 CPU-s, 156 mWh, two Zen 4 cores: validation 0.918 to 0.924.",
        0.91,
        Training(family="pooled", width=32, depth=2, epochs=8, label_smoothing=0.1),
    ),
    "wide-5": Recipe(
        "Five seeds, 38.7 CPU-s, 156 mWh, two Zen 4 cores: validation 0.922 to 0.925.",
        0.91,
        Training(family="pooled", width=48, depth=2, epochs=5, label_smoothing=0.1),
    ),
    "skip-12": Recipe(
        "Five seeds, 279 CPU-s, 1.15 Wh, two Zen 4 cores: validation 0.931 to 0.935.",
        0.92,
        Training(
            family="skip", width=32, depth=5, augmentation="flip", epochs=12, label_smoothing=0.1
        ),
    ),
    "skip-24": Recipe(
        "Five seeds, 588 CPU-s, 2.37 Wh, two Zen 4 cores: validation 0.937 to 0.941.",
        0.93,
        Training(
            family="skip",
            width=32,
            depth=5,
            augmentation="flip+cutout",
            epochs=24,
            label_smoothing=0.1,
            mirrored=True,
        ),
    ),
}
