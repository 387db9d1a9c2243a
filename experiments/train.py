"""What does one model cost, and how good is it?

    mlflow run . -e train --env-manager local --experiment-name fashion-mnist

Trains one Keras model on Fashion-MNIST and measures set-up, training, evaluation and inference
apart. With the defaults, 40 seconds on two cores (Zen 4) bring 0.91 on the test images.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ecotrack import Measurement, Result, figures, measure, metrics, reading, terminal
from ecotrack.cli import UserError, option
from ecotrack.launch import Metered, launch
from ecotrack.litert_file import LiteRTFile
from ecotrack.measure import Meter
from ecotrack.measurement import Dataset
from ecotrack.repeating import BRIEF, repeat
from ecotrack.stats import wilson
from ecotrack.tracking import Store
from experiments.reports import views
from experiments.workloads.fashion import data, models, silence, training
from experiments.workloads.fashion import figures as pictures
from experiments.workloads.fashion.export import EXAMPLES, Precision, litert
from experiments.workloads.fashion.models import Augmentation, Family
from experiments.workloads.fashion.training import Device

EXPERIMENT = "fashion-mnist"
GoesOn = Callable[[float, float], bool]  # (validation accuracy, grams of training so far)


@dataclass(frozen=True)
class Config(Metered):
    """What `train` can be told."""

    family: Family = option("cnn", "kind of model")
    width: int = option(
        16,
        "channels of the first layer (mlp: eight units each; linear: none)",
        at_least=1,
        at_most=512,
    )
    depth: int = option(
        3, "hidden layers, convolutions or blocks (linear: none)", at_least=1, at_most=16
    )
    augmentation: Augmentation = option("none", "what is done to the training images")
    epochs: int = option(5, "times to see all training images", at_least=1, at_most=1000)
    batch_size: int = option(128, "images a step", at_least=1, at_most=10_000)
    learning_rate: float = option(0.005, "peak of the one-cycle schedule", at_least=1e-6, at_most=1)
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


def run(config: Config, meter: Meter, goes_on: GoesOn = lambda accuracy, cost_g: True) -> Result:
    """Build, train, validate; then, for a finished model, test and predict.

    `goes_on` is asked after each epoch, and may end the training there.
    """
    training.start_afresh(config.seed)

    with measure(meter) as setup:
        images = data.load()
        seen = images.training.first(config.images or len(images.training))
        model = models.build(config.family, config.width, config.depth)
        trainee = training.prepare(
            model,
            seen,
            augmentation=config.augmentation,
            epochs=config.epochs,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            seed=config.seed,
        )

    trained, evaluated = Measurement(), Measurement()
    curves: dict[str, list[float]] = {
        metrics.TRAIN_LOSS: [],
        metrics.TRAIN_ACCURACY: [],
        metrics.VAL_LOSS: [],
        metrics.VAL_ACCURACIES: [],
    }
    with terminal.bar(title(config), config.epochs) as progress:
        for epoch in range(config.epochs):
            with measure(meter) as window:
                loss, accuracy = trainee.epoch(epoch)
            trained += window.cost
            with measure(meter) as window:
                validation = training.evaluate(model, images.validation)
            evaluated += window.cost
            curves[metrics.TRAIN_LOSS].append(loss)
            curves[metrics.TRAIN_ACCURACY].append(accuracy)
            curves[metrics.VAL_LOSS].append(validation.loss)
            curves[metrics.VAL_ACCURACIES].append(validation.accuracy)
            progress.advance(f"validates at {reading.percent(validation.accuracy)}")
            if not goes_on(validation.accuracy, trained.co2_g):
                break

    result = Result(
        costs={"training": trained, "setup": setup.cost, "eval": evaluated},
        scores={
            metrics.VAL_ACCURACY: validation.accuracy,
            metrics.PARAMETERS: model.count_params(),
            metrics.FLOPS: models.flops(model),
            metrics.SIZE_BYTES: models.size_bytes(model),
        },
        curves=curves,
        tags={metrics.DEVICE_TAG: training.choose_device(config.device)},
        datasets={"training": dataset("training", seen)},
        model=model,
    )
    return finish(result, images, meter) if config.test else result


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
    known = reading.briefly(sum(costs.values(), Measurement()))
    return replace(
        result,
        costs=costs,
        scores=scores,
        datasets={**result.datasets, "test": dataset("test", images.test)},
        artifacts={
            "confusion.png": figures.png(pictures.confusion(test.confusion)),
            "class_accuracy.png": figures.png(pictures.class_accuracy(test.confusion)),
        },
        summary={
            f"What it cost ({known})": reading.costs(costs),
            "What it achieved": reading.scores(scores),
        },
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


def export(model: Any, precision: Precision, meter: Meter) -> Result:
    """Make a trained Keras model smaller by LiteRT, and measure what came of it as any other.

    It is not trained again: its main cost is that of converting it.
    """
    images = data.load()
    examples = images.training.first(EXAMPLES)
    with measure(meter) as conversion:
        content = litert(model, precision, examples.images)
    with silence():  # the interpreter tells that it is there
        small = LiteRTFile(content)
    with measure(meter) as window:
        validation = training.evaluate(small, images.validation)
    result = Result(
        costs={"export": conversion.cost, "eval": window.cost},
        scores={
            metrics.VAL_ACCURACY: validation.accuracy,
            metrics.PARAMETERS: model.count_params(),
            metrics.SIZE_BYTES: len(content),
        },
        datasets={"calibration": dataset("training", examples)} if precision == "int8" else {},
        model=small,
    )
    return finish(result, images, meter)


def dataset(role: str, split: data.Split) -> Dataset:
    """The record of the images that a run read."""
    return Dataset(f"fashion-mnist-{role}", data.HOMEPAGE, split.images, split.labels)


def title(config: Config) -> str:
    """A name that a person can read: `cnn-16x3 flip 5ep`."""
    augmented = "" if config.augmentation == "none" else f" {config.augmentation}"
    model = models.title(config.family, config.width, config.depth)
    return f"{model}{augmented} {config.epochs}ep"


if __name__ == "__main__":
    launch("train", Config, run, experiment=EXPERIMENT, check=check, name=title, view=views.fashion)
