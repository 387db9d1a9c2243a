"""What does one model cost, and how good is it?

    mlflow run . -e train --env-manager local --experiment-name fashion-mnist

Trains one Keras model on Fashion-MNIST and measures set-up, training, evaluation and inference
apart. With the defaults, 22 CPU-seconds on two cores (Zen 4) bring 0.92 on the validation images.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ecotrack import Measurement, Result, figures, measure, metrics, reading, terminal
from ecotrack.cli import UserError, option
from ecotrack.launch import launch
from ecotrack.measure import Meter, clocks
from ecotrack.measurement import Dataset
from ecotrack.metered import Metered
from ecotrack.repeating import BRIEF, repeat
from ecotrack.stats import wilson
from ecotrack.tracking import Store
from experiments.reports import views
from experiments.reports.training import Epoch, augmenting, curves, summary
from experiments.workloads.fashion import data, models, operations, training, twin
from experiments.workloads.fashion import figures as pictures
from experiments.workloads.fashion.augment import Augmentation
from experiments.workloads.fashion.models import Family
from experiments.workloads.fashion.training import Device, Rate
from experiments.workloads.fashion.twin import NumberFormat

EXPERIMENT = "fashion-mnist"
GoesOn = Callable[[float, float], bool]  # (validation accuracy, grams of training so far)
Watch = Callable[[int, Any], object]  # (epoch from 1 on, model as it is then)


@dataclass(frozen=True)
class Config(Metered):
    """What `train` can be told."""

    family: Family = option("pooled", "kind of model")
    width: int = option(
        32,
        "channels of the first layer (mlp: eight units each; linear: none)",
        at_least=1,
        at_most=512,
    )
    depth: int = option(
        2, "hidden layers, convolutions or blocks (linear: none)", at_least=1, at_most=16
    )
    augmentation: Augmentation = option("none", "what is done to the training images")
    epochs: int = option(6, "times to see all training images", at_least=1, at_most=1000)
    batch_size: int = option(128, "images a step", at_least=1, at_most=10_000)
    learning_rate: float = option(0.01, "its peak, or all of it", at_least=1e-6, at_most=1)
    rate: Rate = option("one-cycle", "one-cycle: AdamW, up and down; constant: Keras' Adam")
    label_smoothing: float = option(
        0.1, "share of each label given to all classes", at_least=0, at_most=0.9
    )
    mirrored: bool = option(False, "predict each image and its mirror image, and take the mean")
    number_format: NumberFormat = option(
        "auto", "what training multiplies; auto: bfloat16 where the CPU has it"
    )
    seed: int = option(0, "of weights, order and augmentation", at_least=0, at_most=2**31)
    images: int | None = option(None, "train on so many images only", at_least=100, at_most=55_000)
    test: bool = option(True, "report on the test images; false while you still compare models")
    device: Device = option("auto", "where to compute")


def check(config: Config, store: Store | None = None) -> None:
    """Refuse what cannot be: a device that is not there, data that is not the data."""
    try:
        training.choose_device(config.device)
        data.load()
    except (training.DeviceError, data.DataError) as error:
        raise UserError(str(error)) from error


def run(
    config: Config,
    meter: Meter,
    goes_on: GoesOn = lambda accuracy, cost_g: True,
    watch: Watch = lambda epoch, model: None,
) -> Result:
    """Build, train, validate; then, for a finished model, test and predict.

    `goes_on` is asked after each epoch, and may end the training there; `watch` is told of it.
    """
    training.start_afresh(config.seed)

    with measure(meter) as setup:
        images = data.load()
        seen = images.training.first(config.images or len(images.training))
        model = models.build(config.family, config.width, config.depth)
        trainee = training.prepare(model, seen, schedule(config))
        served = models.mirrored(model) if config.mirrored else model

    epochs: list[Epoch] = []
    with terminal.bar(title(config), config.epochs) as progress:
        for epoch in learn(trainee, served, config.epochs, images.validation, meter):
            epochs.append(epoch)
            trained = sum((done.trained for done in epochs), Measurement())
            watch(len(epochs), model)
            progress.advance(f"validates at {reading.percent(epoch.validation.accuracy)}")
            if not goes_on(epoch.validation.accuracy, trained.co2_g):
                break

    result = Result(
        costs={
            "training": trained,
            "setup": setup.cost,
            "eval": sum((done.evaluated for done in epochs), Measurement()),
        },
        scores={
            metrics.VAL_ACCURACY: epoch.validation.accuracy,
            **augmenting(epochs),
            metrics.PARAMETERS: model.count_params(),
            metrics.FLOPS: operations.flops(served),
            metrics.SIZE_BYTES: models.size_bytes(served),
        },
        curves=curves(epochs),
        tags={
            metrics.DEVICE_TAG: training.choose_device(config.device),
            metrics.FORMAT_TAG: twin.choose_format(config.number_format),
        },
        datasets={"training": dataset("training", seen)},
        model=served,
    )
    if config.test:
        return finish(result, images, meter)
    return replace(result, summary=summary(result.costs, result.scores))


def schedule(config: Config) -> training.Schedule:
    """The part of a config that is about training."""
    return training.Schedule(
        augmentation=config.augmentation,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        rate=config.rate,
        label_smoothing=config.label_smoothing,
        number_format=config.number_format,
        seed=config.seed,
    )


def learn(
    trainee: training.Trainee, served: Any, epochs: int, validation: data.Split, meter: Meter
) -> Iterator[Epoch]:
    """Train, and validate what is served, epoch by epoch."""
    for number in range(epochs):
        with measure(meter) as trained:
            start = clocks()
            images = trainee.augmented(number)
            untouched = images is trainee.training.images
            augmenting_s = 0.0 if untouched else (clocks() - start).cpu_s
            loss, accuracy = trainee.epoch(number, images)
        with measure(meter) as evaluated:
            found = training.evaluate(served, validation)
        yield Epoch(trained.cost, augmenting_s, loss, accuracy, evaluated.cost, found)


def finish(result: Result, images: data.FashionMNIST, meter: Meter) -> Result:
    """Add what is known only of a finished model: the test images and the cost of predicting."""
    with measure(meter) as window:
        test = training.evaluate(result.model, images.test)
    served = serve(result, images.test, meter)
    low, high = wilson(test.correct, test.total)
    scores = {
        **served.scores,
        metrics.EVAL_ACCURACY: test.accuracy,
        metrics.EVAL_ACCURACY_LOW: low,
        metrics.EVAL_ACCURACY_HIGH: high,
    }
    costs = {**served.costs, "test": window.cost}
    return replace(
        result,
        costs=costs,
        scores=scores,
        datasets={**result.datasets, "test": dataset("test", images.test)},
        artifacts={
            "confusion.png": figures.png(pictures.confusion(test.confusion)),
            "class_accuracy.png": figures.png(pictures.class_accuracy(test.confusion)),
        },
        summary=summary(costs, scores),
    )


def serve(result: Result, split: data.Split, meter: Meter) -> Result:
    """Add what predictions cost, a thousand at once and one alone."""
    thousand = repeat(training.predictor(result.model, split.images[:1000]), meter, BRIEF)
    one = repeat(training.predictor(result.model, split.images[:1]), meter, BRIEF)
    scores = {
        **result.scores,
        **metrics.with_band(metrics.INFERENCE_WH_PER_1K, thousand.each.energy_wh),
        metrics.INFERENCE_G_PER_1K: thousand.each.co2_g,
        metrics.INFERENCE_S_PER_1K: thousand.each.wall_s,
        metrics.LATENCY_MS: one.each.wall_s * 1000,
    }
    costs = {**result.costs, "inference": thousand.block + one.block}
    return replace(result, costs=costs, scores=scores)


def dataset(role: str, split: data.Split) -> Dataset:
    """The record of the images that a run read."""
    return Dataset(f"fashion-mnist-{role}", data.HOMEPAGE, split.images, split.labels)


def title(config: Config) -> str:
    """A name that a person can read: `cnn-16x3 flip 5ep`, `pooled-32x2 mirrored 2ep`."""
    augmented = "" if config.augmentation == "none" else f" {config.augmentation}"
    mirrored = " mirrored" if config.mirrored else ""
    model = models.title(config.family, config.width, config.depth)
    return f"{model}{augmented}{mirrored} {config.epochs}ep"


if __name__ == "__main__":
    launch("train", Config, run, experiment=EXPERIMENT, check=check, name=title, view=views.fashion)
