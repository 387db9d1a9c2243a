"""A table to replay searches on: every configuration of a grid, trained once on real images.

    python -m bench.tables one --out bench/tables/one.csv.gz [--stop-after-s 240]

Stop it at any moment; the same command goes on. bench/tables/README.md says what the columns are.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np

from bench.table_file import Configuration, Row, agreed, read, write
from ecotrack import host, reading, terminal
from ecotrack.cli import one_line_errors
from ecotrack.measure import Meter, clocks, measure
from ecotrack.measurement import Measurement
from ecotrack.meters.codecarbon import CodeCarbonMeter
from ecotrack.meters.grid import grid
from experiments.workloads.fashion import data, models, operations, training
from experiments.workloads.fashion.models import Family

WINDOW_S = 1.0  # shorter windows see too few of the system's ticks to know the load
EVALUATED_S = 0.3
LEARNING_RATES: dict[Family, float] = {
    "linear": 0.003,
    "mlp": 0.003,
    "cnn": 0.01,
    "separable": 0.01,
    "residual": 0.01,
}
SIZED: tuple[Family, ...] = ("mlp", "cnn", "separable", "residual")  # as they were trained
BATCH_SIZE = 128
LIBRARIES = ("tensorflow", "keras", "codecarbon", "numpy")


@dataclass(frozen=True)
class Part:
    """The images and seeds of a table: no two tables share any."""

    first_image: int
    first_seed: int
    images: int = 5000

    def split(self) -> data.Split:
        """The images to train on."""
        chosen = slice(self.first_image, self.first_image + self.images)
        everything = data.load().training
        return data.Split(everything.images[chosen], everything.labels[chosen])


PARTS = {"one": Part(0, 1000), "two": Part(5000, 2000)}


def full_grid() -> list[Configuration]:
    """All 150 configurations; the linear model has one size."""
    shapes = [("linear", 1, 1), *product(SIZED, (2, 8, 16), (1, 3))]
    every = product(shapes, ("none", "flip"), (1, 3, 8))
    return [
        Configuration(*shape, augmentation, epochs, LEARNING_RATES[shape[0]], BATCH_SIZE)
        for shape, augmentation, epochs in every
    ]


def train(config: Configuration, part: Part, seed: int, meter: Meter) -> list[Row]:
    """Train one configuration; one row an epoch.

    The meter cannot tell one short epoch from another. So all epochs together are one window, and
    each has its share of the energy by its time; a window shorter than a second is filled with
    further epochs, whose weights nobody sees. Evaluations are a window of their own: the weights
    of each epoch are kept until then.
    """
    training.start_afresh(seed)
    split, validation = part.split(), data.load().validation
    with measure(meter) as setup:
        model = models.build(config.family, config.width, config.depth)
        schedule = training.Schedule(
            augmentation=config.augmentation,
            epochs=config.epochs,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            seed=seed,
        )
        trainee = training.prepare(model, split, schedule)
    learnt: list[list[np.ndarray]] = []
    costs = _each(
        trainee.epoch, meter, config.epochs, WINDOW_S, lambda: learnt.append(model.get_weights())
    )
    found: list[training.Evaluation] = []

    def evaluate(epoch: int) -> None:
        model.set_weights(learnt[epoch % config.epochs])
        found.append(training.evaluate(model, validation))

    each_evaluation = _each(evaluate, meter, config.epochs, EVALUATED_S)
    evaluation = sum(each_evaluation, Measurement()) / len(each_evaluation)
    return [
        Row(
            **asdict(config),
            seed=seed,
            images=part.images,
            operations=3 * operations.flops(model) * part.images * config.epochs,
            parameters=model.count_params(),
            epoch=epoch,
            val_accuracy=found[epoch - 1].accuracy,
            val_loss=found[epoch - 1].loss,
            wall_s=cost.wall_s,
            cpu_s=cost.cpu_s,
            energy_j=cost.total_j,
            setup_s=setup.cost.wall_s,
            setup_j=setup.cost.total_j,
            eval_s=evaluation.wall_s,
            eval_j=evaluation.total_j,
        )
        for epoch, cost in enumerate(costs, 1)
    ]


def _each(
    work: Callable[[int], object],
    meter: Meter,
    times: int,
    window_s: float,
    between: Callable[[], object] = lambda: None,
) -> list[Measurement]:
    """The costs of work(0), work(1), … by their share of the time of one window over all.

    The window lasts `window_s` at least, by further calls; `between` is called off the clock.
    """
    taken = []
    start_s = time.perf_counter()
    with measure(meter) as window:
        while len(taken) < times or time.perf_counter() - start_s < window_s:
            before = clocks()
            work(len(taken))
            taken.append(clocks() - before)
            between()
    energy = window.cost / window.cost.wall_s
    return [
        replace(
            cost,
            cpu_j=energy.cpu_j * cost.wall_s,
            ram_j=energy.ram_j * cost.wall_s,
            gpu_j=energy.gpu_j * cost.wall_s,
        )
        for cost in taken[:times]
    ]


def generate(
    part: Part,
    configurations: Sequence[Configuration],
    file: Path,
    meter: Meter,
    stop_after_s: float = float("inf"),
) -> int:
    """Train what the file lacks, in a shuffled order, so that no drift falls on one family.

    Returns:
        How many configurations are still to be trained.

    Raises:
        UserError: the file is damaged, or of another machine, meter or library.
    """
    now = {
        "machine": host.describe(),
        "energy": reading.known(meter.read()),
        "versions": {name: version(name) for name in LIBRARIES},
    }
    about = agreed(file, now)
    rows = read(file) if file.exists() else []
    there = {row.configuration for row in rows}
    order = np.random.default_rng(part.first_seed).permutation(len(configurations))
    missing = [i for i in order if configurations[i] not in there]
    start_s = time.perf_counter()
    if missing:  # what TensorFlow does once in a process is no model's cost
        train(replace(configurations[missing[0]], epochs=1), part, 0, meter)
    with terminal.bar(file.name, len(missing)) as progress:
        for done, i in enumerate(missing):
            if time.perf_counter() - start_s >= stop_after_s:
                return len(missing) - done
            config = configurations[i]
            progress.update(done, f"{config.family}-{config.width}x{config.depth}")
            rows += train(config, part, part.first_seed + int(i), meter)
            write(file, rows, about)
    return 0


def main() -> None:
    """Train what is missing of a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", choices=PARTS, help="which images and seeds")
    parser.add_argument("--out", type=Path, required=True, help="the table, a .csv.gz")
    parser.add_argument("--stop-after-s", type=float, default=float("inf"), help="then go home")
    options = parser.parse_args()
    with one_line_errors("tables"), CodeCarbonMeter(grid("WORLD")) as meter:
        left = generate(PARTS[options.name], full_grid(), options.out, meter, options.stop_after_s)
        terminal.say(f"{options.out}: {len(full_grid()) - left} of {len(full_grid())}")
    raise SystemExit(3 if left else 0)


if __name__ == "__main__":
    main()
