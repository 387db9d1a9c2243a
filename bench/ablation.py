"""What does each trick bring to a short training? docs/recipes.md has the outcome.

    python -m bench.ablation --csv build/ablation.csv [--seeds 0,1,2,3,4] [--epochs 3]

Each variant changes one thing of `pooled-32x2` as the recipe `pooled-3` trains it, and takes turns
with all others, seed by seed, on one thread. Accuracy is that of the validation images; CPU time is
that of the epochs. What the file has already is not trained again.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from scipy import stats

from bench.console import terminal
from bench.variants import (
    VARIANTS,
    Optimizer,
    Variant,
    adamw,
    learn_from_the_hardest,
    network,
)
from experiments.workloads.fashion import data, models, training
from experiments.workloads.fashion.quiet import tf
from experiments.workloads.fashion.recipes import RECIPES
from experiments.workloads.fashion.training import Schedule, Trainee

BASE = "pooled-3"
COLUMNS = ("variant", "seed", "epochs", "cpu_s", "validation")


def outcome(variant: Variant, seed: int, epochs: int) -> tuple[float, float]:
    """CPU seconds of a training, and validation accuracy."""
    images, recipe = data.load(), RECIPES[BASE].training
    schedule = Schedule(
        epochs=epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        label_smoothing=recipe.label_smoothing,
        seed=seed,
    )
    schedule = replace(schedule, **variant.schedule)
    training.start_afresh(seed)
    if variant.body is None:
        model = models.build(recipe.family, recipe.width, recipe.depth)
    else:
        model = network(**variant.body)
    if variant.weights:
        variant.weights(model, images.training.images)
    trainee = training.prepare(model, images.training, schedule)
    if variant.hardest:
        learn_from_the_hardest(trainee.trained)
    if variant.optimizer or variant.hardest:
        change_optimizer(trainee, variant.optimizer or adamw())
    watching = [variant.watch()] if variant.watch else []
    begun_s = time.process_time()
    batches = [trainee.batches(n, trainee.augmented(n)) for n in range(epochs)]
    whole = batches[0]
    for more in batches[1:]:
        whole = whole.concatenate(more)
    trainee.trained.fit(whole, shuffle=False, verbose=0, callbacks=watching)
    cpu_s = time.process_time() - begun_s
    model.set_weights(trainee.trained.get_weights())
    return cpu_s, training.evaluate(model, images.validation).accuracy


def change_optimizer(trainee: Trainee, made: Optimizer) -> None:
    """Compile once more, with another optimizer, and trace what it does."""
    schedule, model = trainee.schedule, trainee.trained
    steps = len(trainee.training) // schedule.batch_size
    model.compile(
        optimizer=made(schedule, schedule.epochs * steps),
        loss=model.loss,
        metrics=["accuracy"],
        steps_per_execution=training.STEPS_PER_EXECUTION,
        jit_compile=False,
    )
    training._trace(trainee)


def missing(path: Path, seeds: list[int], epochs: int) -> Iterator[tuple[str, int]]:
    """What a file does not have, in turns: one seed forwards, the next one backwards."""
    done = {(row["variant"], row["seed"]) for row in rows(path) if row["epochs"] == epochs}
    for at, seed in enumerate(seeds):
        for name in list(VARIANTS)[:: -1 if at % 2 else 1]:
            if (name, seed) not in done:
                yield name, seed


def rows(path: Path) -> list[dict[str, Any]]:
    """What a file has."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            {
                **row,
                "seed": int(row["seed"]),
                "epochs": int(row["epochs"]),
                "cpu_s": float(row["cpu_s"]),
                "validation": float(row["validation"]),
            }
            for row in csv.DictReader(file)
        ]


def show(found: list[dict[str, Any]]) -> None:
    """Print each variant's mean, and what sets it apart from the recipe, pair by pair of a seed."""
    by_name: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in VARIANTS}
    for row in found:
        by_name[row["variant"]][row["seed"]] = row
    base = by_name["as it is"]
    table = Table("variant", title=f"{BASE}, and one thing changed; intervals of 95 %")
    for column in ("seeds", "CPU s", "CPU time, times as much", "validation", "points more"):
        table.add_column(column, justify="right")
    for name, several in by_name.items():
        seeds = sorted(several.keys() & base.keys())
        if not seeds:
            continue
        ours, theirs = [[of[seed] for seed in seeds] for of in (several, base)]
        times, rivals = [np.array([row["cpu_s"] for row in each]) for each in (ours, theirs)]
        accuracy, usual = [np.array([row["validation"] for row in each]) for each in (ours, theirs)]
        told = ["", ""]
        if several is not base and len(seeds) > 1:
            ratio = np.exp(mean_interval(np.log(times / rivals)))
            more = mean_interval(100 * (accuracy - usual))
            told = [
                "{:.2f} ({:.2f}–{:.2f})".format(*ratio),
                "{:+.2f} ({:+.2f} to {:+.2f})".format(*more),
            ]
        mean = f"{100 * accuracy.mean():.2f} %"
        table.add_row(name, str(len(seeds)), f"{times.mean():.1f}", told[0], mean, told[1])
    terminal().print(table)


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean of some values with its 95 % interval, Student's."""
    interval = stats.ttest_1samp(values, 0).confidence_interval()
    return float(values.mean()), interval.low, interval.high


def main() -> None:
    """Train what the file lacks, and print what it has."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--csv", type=Path, required=True, help="where each training is kept")
    parser.add_argument("--seeds", default="0,1,2,3,4", help="with commas")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if not options.csv.exists():
        options.csv.write_text(",".join(COLUMNS) + "\n")
    seeds = [int(seed) for seed in options.seeds.split(",")]
    for name, seed in missing(options.csv, seeds, options.epochs):
        cpu_s, accuracy = outcome(VARIANTS[name], seed, options.epochs)
        row = (name, seed, options.epochs, f"{cpu_s:.2f}", f"{accuracy:.4f}")
        with options.csv.open("a", newline="") as file:
            csv.writer(file).writerow(row)
        print(*row, flush=True)
    show([row for row in rows(options.csv) if row["epochs"] == options.epochs])


if __name__ == "__main__":
    main()
