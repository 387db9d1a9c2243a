"""Training and evaluating a model, seeded and repeatable: same seed and machine, same weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import keras
import numpy as np

from experiments.workloads.fashion import tf
from experiments.workloads.fashion.data import Split
from experiments.workloads.fashion.models import Augmentation, with_augmentation

Device = Literal["auto", "cpu", "gpu"]
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


@dataclass(frozen=True)
class Trainee:
    """A model in training: `model` is what is served, `trained` adds augmentation around it."""

    model: keras.Model
    trained: keras.Model
    batches: tf.data.Dataset

    def epoch(self, number: int) -> tuple[float, float]:
        """Train for one epoch, the first being 0; return (loss, accuracy) on what was seen."""
        history = self.trained.fit(
            self.batches, initial_epoch=number, epochs=number + 1, shuffle=False, verbose=0
        ).history
        return history["loss"][0], history["accuracy"][0]


def prepare(
    model: keras.Model,
    training: Split,
    *,
    augmentation: Augmentation,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> Trainee:
    """Compile and trace, so that the first epoch costs what every other does.

    AdamW with a one-cycle learning rate (Smith 2018, https://arxiv.org/abs/1803.09820): up to
    `learning_rate` in the first 30 % of the steps, then down to zero along a cosine.
    """
    batches = _batches(training, batch_size, seed)
    steps = epochs * len(batches)
    rising = max(1, round(WARM_UP_SHARE * steps))
    one_cycle = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=learning_rate / 25,
        warmup_target=learning_rate,
        warmup_steps=rising,
        decay_steps=max(1, steps - rising),
    )
    trained = with_augmentation(model, augmentation)
    trained.compile(
        optimizer=keras.optimizers.AdamW(one_cycle, weight_decay=1e-4),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=STEPS_PER_EXECUTION,
        jit_compile=False,  # XLA makes convolutions 3 to 5 times slower on a CPU
    )
    trainee = Trainee(model, trained, batches)
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


def _batches(split: Split, batch_size: int, seed: int) -> tf.data.Dataset:
    """Shuffled batches; the rest that fills no batch is left out, so every step has one shape."""
    images, labels = tf.constant(split.images), tf.constant(split.labels)
    untuned = tf.data.Options()
    untuned.autotune.enabled = False  # nothing to tune, and an epoch waits for the tuning thread
    return (
        tf.data.Dataset.range(len(split))
        .shuffle(len(split), seed=seed)
        .batch(min(batch_size, len(split)), drop_remainder=True)
        .map(lambda rows: (tf.gather(images, rows), tf.gather(labels, rows)))
        .prefetch(2)
        .with_options(untuned)
    )


def _trace(trainee: Trainee) -> None:
    """Run some steps so that TensorFlow compiles its graphs, then undo all they did."""
    optimizer = trainee.trained.optimizer
    optimizer.build(trainee.trained.trainable_variables)
    variables = [*trainee.trained.variables, *optimizer.variables]
    before = [variable.numpy() for variable in variables]
    trainee.trained.fit(trainee.batches.take(STEPS_PER_EXECUTION + 1), shuffle=False, verbose=0)
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
