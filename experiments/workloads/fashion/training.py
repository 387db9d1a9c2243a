"""Training and evaluating a model, seeded and repeatable: same seed and machine, same weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from experiments.workloads.fashion import augment, twin
from experiments.workloads.fashion.augment import Augmentation
from experiments.workloads.fashion.data import Split
from experiments.workloads.fashion.models import CLASSES
from experiments.workloads.fashion.quiet import keras, tf
from experiments.workloads.fashion.twin import NumberFormat

Device = Literal["auto", "cpu", "gpu"]
Rate = Literal["one-cycle", "constant"]
STEPS_PER_EXECUTION = 20  # a small model trains 2.7 times faster than step by step
WARM_UP_SHARE = 0.3
EVALUATION_BATCH = 1000


class Model(Protocol):
    """What can be evaluated: a Keras model, or what was exported from one."""

    def predict_on_batch(self, batch: np.ndarray, /) -> np.ndarray:
        """Probabilities (n, 10) of images (n, 28, 28), uint8."""


class DeviceError(Exception):
    """The device asked for is not there."""


def choose_device(wanted: Device) -> str:
    """Resolve `auto`, and hide the GPUs from TensorFlow where the CPU is wanted.

    Returns:
        `cpu`, or the GPU's name.

    Raises:
        DeviceError: a GPU is wanted and there is none.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if wanted == "gpu" and not gpus:
        raise DeviceError("--device gpu, but TensorFlow sees no GPU here; use auto or cpu")
    if wanted == "cpu" and gpus:
        tf.config.set_visible_devices([], "GPU")
    if wanted == "cpu" or not gpus:
        return "cpu"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu"))


def start_afresh(seed: int) -> None:
    """Forget earlier models and seed Keras, NumPy and Python."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How a model is trained.

    Attributes:
        augmentation: what is done to the images before each epoch.
        epochs: times to see all images.
        batch_size: images a step.
        learning_rate: the peak of the one-cycle schedule, or the constant rate.
        rate: `one-cycle`: AdamW with a rate that rises to its peak in the first 30 % of the steps,
            then falls to zero along a cosine (Smith 2018, https://arxiv.org/abs/1803.09820);
            `constant`: Adam as Keras sets it.
        label_smoothing: share of each label given to all classes (https://arxiv.org/abs/1512.00567).
        number_format: of what is multiplied, see `twin`.
        seed: of order and augmentation.
    """

    augmentation: Augmentation = "none"
    epochs: int
    batch_size: int
    learning_rate: float
    rate: Rate = "one-cycle"
    label_smoothing: float = 0.0
    number_format: NumberFormat = "auto"
    seed: int


@dataclass(frozen=True)
class Trainee:
    """A model in training: `model` is what is served, `trained` its twin that learns."""

    model: keras.Model
    trained: keras.Model
    training: Split
    schedule: Schedule

    def augmented(self, number: int) -> np.ndarray:
        """The images of an epoch, the first being 0."""
        kind, seed = self.schedule.augmentation, self.schedule.seed
        return augment.augmented(self.training.images, kind, seed, number)

    def epoch(self, number: int, images: np.ndarray | None = None) -> tuple[float, float]:
        """Train for one epoch, on its augmented images unless others are given.

        Returns:
            loss and accuracy on what was seen.
        """
        batches = self.batches(number, self.augmented(number) if images is None else images)
        history = self.trained.fit(
            batches, initial_epoch=number, epochs=number + 1, shuffle=False, verbose=0
        ).history
        self.model.set_weights(self.trained.get_weights())
        return history["loss"][0], history["accuracy"][0]

    def batches(self, number: int, images: np.ndarray) -> tf.data.Dataset:
        """The images in the order of an epoch; what fills no batch is left out."""
        size = min(self.schedule.batch_size, len(images))
        steps = len(images) // size
        order = np.random.default_rng((self.schedule.seed, number)).permutation(len(images))
        pixels, labels = tf.constant(images), tf.one_hot(self.training.labels, CLASSES)
        untuned = tf.data.Options()
        untuned.autotune.enabled = (
            False  # nothing to tune, and an epoch waits for the tuning thread
        )
        return (
            tf.data.Dataset.from_tensor_slices(order[: steps * size].reshape(steps, size))
            .map(lambda rows: (tf.gather(pixels, rows), tf.gather(labels, rows)))
            .prefetch(2)
            .with_options(untuned)
        )


def prepare(model: keras.Model, training: Split, schedule: Schedule) -> Trainee:
    """Compile and trace, so that the first epoch costs what every other does."""
    trained = twin.of(model, twin.choose_format(schedule.number_format))
    steps = len(training) // min(schedule.batch_size, len(training))
    trained.compile(
        optimizer=_optimizer(schedule, schedule.epochs * steps),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=schedule.label_smoothing),
        metrics=["accuracy"],
        steps_per_execution=STEPS_PER_EXECUTION,
        jit_compile=False,  # XLA makes convolutions 3 to 5 times slower on a CPU
    )
    trainee = Trainee(model, trained, training, schedule)
    _trace(trainee)
    return trainee


@dataclass(frozen=True)
class Evaluation:
    """How a model did on a split. `confusion`: (10, 10) counts, true class by predicted class."""

    loss: float
    correct: int
    total: int
    confusion: np.ndarray

    @property
    def accuracy(self) -> float:
        """Share of the images named rightly."""
        return self.correct / self.total


def evaluate(model: Model, split: Split) -> Evaluation:
    """Predict every image of the split once."""
    chunks = range(0, len(split), EVALUATION_BATCH)
    probabilities = np.concatenate(
        [model.predict_on_batch(split.images[i : i + EVALUATION_BATCH]) for i in chunks]
    )
    predicted = probabilities.argmax(axis=1)
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (split.labels, predicted), 1)
    of_truth = probabilities[np.arange(len(split)), split.labels]
    return Evaluation(
        loss=float(-np.log(np.clip(of_truth, 1e-7, 1)).mean()),
        correct=int(np.trace(confusion)),
        total=len(split),
        confusion=confusion,
    )


def predictor(model: Model, images: np.ndarray) -> Callable[[], np.ndarray]:
    """A function without arguments that predicts these images once, as a server would."""
    if not isinstance(model, keras.Model):
        return lambda: model.predict_on_batch(images)
    serve = tf.function(model, jit_compile=False, autograph=False)
    fixed = tf.constant(images)
    return lambda: serve(fixed).numpy()


def one_cycle(
    peak: float, steps: int, rising_share: float = WARM_UP_SHARE
) -> keras.optimizers.schedules.LearningRateSchedule:
    """A rate that rises to its peak in this share of the steps, then falls along a cosine."""
    rising = max(1, round(rising_share * steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 25,
        warmup_target=peak,
        warmup_steps=rising,
        decay_steps=max(1, steps - rising),
    )


def _optimizer(schedule: Schedule, steps: int) -> keras.optimizers.Optimizer:
    """That of a training of so many steps."""
    peak = schedule.learning_rate
    if schedule.rate == "constant":
        return keras.optimizers.Adam(peak)
    return keras.optimizers.AdamW(one_cycle(peak, steps), weight_decay=1e-4)


def _trace(trainee: Trainee) -> None:
    """Run some steps so that TensorFlow compiles its graphs, then undo all they did."""
    optimizer = trainee.trained.optimizer
    optimizer.build(trainee.trained.trainable_variables)
    variables = [*trainee.trained.variables, *optimizer.variables]
    before = [variable.numpy() for variable in variables]
    some = trainee.batches(0, trainee.training.images).take(STEPS_PER_EXECUTION + 1)
    trainee.trained.fit(some, shuffle=False, verbose=0)
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
