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
        "Keras' simple convnet. Five seeds, two EPYC cores (Zen 4): 60 epochs take 523 CPU-s,"
        " 2.12 Wh, and validate at 0.920 to 0.922.",
        0.0,
        Training(family="keras", epochs=60, batch_size=128, learning_rate=0.001, rate="constant"),
        harder=0.006,
        any_epoch=True,
    ),
    "pooled-1": Recipe(
        "Five seeds, 4.2 CPU-s, 18 mWh, two EPYC cores (Zen 4): validation 0.896 to 0.900.",
        0.88,
        Training(family="pooled", width=32, depth=2, epochs=1, batch_size=128),
        harder=0.008,
    ),
    "pooled-3": Recipe(
        "Five seeds, 10.9 CPU-s, 46 mWh, two EPYC cores (Zen 4): validation 0.911 to 0.914.",
        0.90,
        Training(family="pooled", width=32, depth=2, epochs=3, batch_size=128),
        harder=0.008,
    ),
    "pooled-6": Recipe(
        "Five seeds, 22.1 CPU-s, 93 mWh, two EPYC cores (Zen 4): validation 0.916 to 0.922.",
        0.91,
        Training(family="pooled", width=32, depth=2, epochs=6, batch_size=128, label_smoothing=0.1),
        harder=0.008,
    ),
    "skip-2": Recipe(
        "Five seeds, 66 CPU-s, 266 mWh, two EPYC cores (Zen 4): validation 0.921 to 0.925.",
        0.92,
        Training(family="skip", width=32, depth=2, epochs=2, batch_size=128),
        harder=0.002,
    ),
    "skip-5": Recipe(
        "Five seeds, 165 CPU-s, 660 mWh, two EPYC cores (Zen 4): validation 0.937 to 0.940.",
        0.93,
        Training(family="skip", width=32, depth=2, epochs=5, batch_size=128, label_smoothing=0.1),
        harder=0.002,
    ),
    "skip-12": Recipe(
        "Five seeds, 370 CPU-s, 1.48 Wh, two EPYC cores (Zen 4): validation 0.944 to 0.947.",
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
