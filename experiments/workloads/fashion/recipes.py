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
        harder: test images read less than validation images by this, of two seeds that stand in
            no table (docs/recipes.md).
    """

    evidence: str
    aim: float
    training: Training
    harder: float
    any_epoch: bool = False


REFERENCE = "r0"
RECIPES = {
    REFERENCE: Recipe(
        "Keras' simple convnet. Two seeds, 302 and 319 CPU-s for 30 epochs, two busy EPYC cores"
        " (Zen 4): validation 0.910 and 0.919.",
        0.0,
        Training(family="keras", epochs=60, batch_size=128, learning_rate=0.001, rate="constant"),
        harder=0.006,
        any_epoch=True,
    ),
    "pooled-1": Recipe(
        "Two seeds, 3.0 and 4.0 CPU-s, one thread of an EPYC (Zen 4): validation 0.903 and 0.899.",
        0.88,
        Training(family="pooled", width=32, depth=2, epochs=1, batch_size=128),
        harder=0.008,
    ),
    "pooled-3": Recipe(
        "Two seeds, 9.8 and 11.1 CPU-s, one thread of an EPYC (Zen 4): validation 0.912 and 0.910.",
        0.90,
        Training(family="pooled", width=32, depth=2, epochs=3, batch_size=128),
        harder=0.008,
    ),
    "pooled-6": Recipe(
        "Two seeds, 17 and 23 CPU-s, one thread of an EPYC (Zen 4): validation 0.922 and 0.919.",
        0.91,
        Training(family="pooled", width=32, depth=2, epochs=6, batch_size=128, label_smoothing=0.1),
        harder=0.008,
    ),
    "skip-2": Recipe(
        "Two seeds, 70 and 72 CPU-s, one thread of an EPYC (Zen 4): validation 0.924 and 0.926.",
        0.92,
        Training(family="skip", width=32, depth=2, epochs=2, batch_size=128),
        harder=0.002,
    ),
    "skip-5": Recipe(
        "In four epochs two seeds, 140 and 149 CPU-s, one thread of an EPYC (Zen 4): validation"
        " 0.933 and 0.933.",
        0.93,
        Training(family="skip", width=32, depth=2, epochs=5, batch_size=128, label_smoothing=0.1),
        harder=0.002,
    ),
    "skip-12": Recipe(
        "Five seeds, 811 CPU-s, one thread of an EPYC (Zen 3): validation 0.943 to 0.949.",
        0.94,
        Training(
            family="skip",
            width=32,
            depth=2,
            augmentation="flip",
            epochs=12,
            label_smoothing=0.1,
            mirrored=True,
        ),
        harder=0.002,
    ),
}
