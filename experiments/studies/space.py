"""What a search over Fashion-MNIST models may try, and what is known of a model beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ecotrack.search.space import Choice, Real, Space, When, Whole
from experiments import train
from experiments.workloads.fashion import augment, models, operations
from experiments.workloads.fashion.augment import Augmentation
from experiments.workloads.fashion.data import TRAINING_IMAGES
from experiments.workloads.fashion.models import Family

WIDTHS = (2, 4, 8, 16, 32, 64, 128, 256, 512)


def starts() -> list[dict[str, Any]]:
    """Where every search begins: from the cheapest model that learns to a good one."""
    columns = (
        *("family", "width", "depth", "augmentation", "epochs", "batch_size", "learning_rate"),
        *("label_smoothing", "mirrored"),
    )
    rows = [
        ("linear", None, None, "none", 1, 256, 0.003, 0.0, None),
        ("mlp", 2, 1, "none", 1, 256, 0.01, 0.0, None),
        ("pooled", 32, 2, "none", 2, 128, 0.01, 0.0, None),
        ("mlp", 16, 1, "none", 4, 256, 0.003, 0.0, None),
        ("pooled", 32, 2, "flip", 6, 128, 0.01, 0.0, False),
        ("pooled", 8, 2, "none", 2, 128, 0.01, 0.0, None),
        ("residual", 8, 2, "none", 2, 256, 0.01, 0.0, None),
        ("separable", 8, 2, "none", 2, 256, 0.01, 0.0, None),
    ]
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    return [{name: value for name, value in row.items() if value is not None} for row in named]


def space(
    families: tuple[Family, ...],
    augmentations: tuple[Augmentation, ...],
    max_width: int,
    max_depth: int,
    max_epochs: int,
) -> Space:
    """What a trial may be; the names are those of `train`'s options."""

    def sized(values: Choice | Whole) -> When:
        return When("family", models.SIZED, values)

    return {
        "family": Choice(families),
        "width": sized(Choice(tuple(w for w in WIDTHS if w <= max_width))),
        "depth": sized(Whole(1, max_depth)),
        "augmentation": Choice(augmentations),
        "epochs": Whole(1, max_epochs, log=True),
        "batch_size": Choice((64, 128, 256, 512)),
        "learning_rate": Real(0.001, 0.02, log=True),
        "label_smoothing": Choice((0.0, 0.1)),
        "mirrored": When("augmentation", augment.MIRRORING, Choice((False, True))),
    }


def recipe(base: train.Config, params: Mapping[str, Any], repeat: int = 0) -> train.Config:
    """A trial's parameters as a configuration of `train`; `base` is what all trials share."""
    of_one_size = {} if params.get("family") in models.SIZED else {"width": 1, "depth": 1}
    return replace(base, **{**params, **of_one_size}, seed=base.seed + repeat)


def flops(config: train.Config) -> int:
    """Operations of one prediction."""
    once = operations.planned_flops(config.family, config.width, config.depth)
    return 2 * once if config.mirrored else once


def largest_flops(
    families: tuple[Family, ...],
    augmentations: tuple[Augmentation, ...],
    max_width: int,
    max_depth: int,
) -> int:
    """Operations of the largest prediction in a space."""
    once = max(operations.planned_flops(family, max_width, max_depth) for family in families)
    return 2 * once if {*augmentations} & {*augment.MIRRORING} else once


def tflop(config: train.Config) -> float:
    """10^12 operations of training: forward once and backward twice, for each image and epoch."""
    once = operations.planned_flops(config.family, config.width, config.depth)
    images = config.images or TRAINING_IMAGES
    return 3 * once * images * config.epochs / 1e12


def features(base: train.Config, params: Mapping[str, Any]) -> Mapping[str, float | str]:
    """What the cost of training depends on, and is known before it."""
    config = recipe(base, params)
    return {
        "operations": tflop(config) * 1e12,
        "epochs": config.epochs,
        "images": config.images or TRAINING_IMAGES,
        "batch_size": config.batch_size,
        "family": config.family,
        "augmentation": config.augmentation,
    }


def refused(base: train.Config, max_tflop: float, params: Mapping[str, Any]) -> str | None:
    """Why a configuration is not tried: its training takes too many operations; or None."""
    operations = tflop(recipe(base, params))
    return f"{operations:.3g} TFLOP of training" if operations > max_tflop else None
