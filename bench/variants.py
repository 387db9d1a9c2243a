"""What bench.ablation does otherwise than `pooled-32x2` as the recipe `pooled-3` trains it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from experiments.workloads.fashion import models
from experiments.workloads.fashion.quiet import keras, layers, tf
from experiments.workloads.fashion.training import Schedule, one_cycle

PATCHES = 20_000  # from which a whitening is found
SLOW_STEP = 0.5  # of lookahead, after each call of Keras' (20 steps)

Optimizer = Callable[[Schedule, int], keras.optimizers.Optimizer]
Weights = Callable[[keras.Model, np.ndarray], None]


@dataclass(frozen=True)
class Variant:
    """One thing done otherwise; None where the recipe's way is kept.

    Attributes:
        schedule: what of the training.
        body: what of the network, see `network`.
        optimizer: made for a schedule and its number of steps.
        weights: changes those of a new model, shown the training images.
        watch: looks on as it learns.
        hardest: learns from the harder half of each batch.
    """

    schedule: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    optimizer: Optimizer | None = None
    weights: Weights | None = None
    watch: Callable[[], keras.callbacks.Callback] | None = None
    hardest: bool = False


def network(
    *,
    width: int = 32,
    stem: tuple[int, int, int] = (5, 2, 2),
    activation: str = "relu",
    pool_last: bool = False,
    second: int = 2,
    separable: bool = False,
    dropout: float = 0.0,
    top: type[layers.Layer] = layers.Flatten,
    whitened: bool = False,
) -> keras.Model:
    """`pooled` with two convolutions, as `models` builds it, or with one thing changed.

    Args:
        width: channels of the first convolution; the second has twice as many.
        stem: sides of the first kernel, its stride and the pool that follows (1: none).
        activation: after each normalisation.
        pool_last: the pool comes after normalisation and activation.
        second: sides of the second kernel.
        separable: the second convolution is a depthwise (3 x 3) and a pointwise one.
        dropout: share of what the last layer sees.
        top: what makes a vector of the last image.
        whitened: the first kernel is not trained.
    """
    kernel, stride, pool = stem

    def active(x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.Activation(activation)(layers.BatchNormalization(momentum=0.9)(x))

    def pooled(x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.MaxPooling2D(pool)(x) if pool > 1 else x

    images = keras.Input(models.IMAGE_SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 255)(layers.Reshape((*models.IMAGE_SHAPE, 1))(images))
    first = layers.Conv2D(width, kernel, stride, "same", use_bias=False, trainable=not whitened)
    x = pooled(active(first(x))) if pool_last else active(pooled(first(x)))
    if separable:
        x = layers.DepthwiseConv2D(3, 1, "same", use_bias=False)(x)
    x = active(layers.Conv2D(2 * width, 1 if separable else second, 1, "same", use_bias=False)(x))
    x = top()(x)
    x = layers.Dropout(dropout)(x) if dropout else x
    return keras.Model(images, layers.Dense(models.CLASSES, activation="softmax")(x))


@keras.saving.register_keras_serializable("ecotrack")
class Triangle(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises and falls in straight lines."""

    def __init__(self, peak: float, rising: int, steps: int) -> None:
        self.peak, self.rising, self.steps = peak, rising, steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The rate of a step."""
        at = tf.cast(step, tf.float32)
        up, down = at / self.rising, (self.steps - at) / (self.steps - self.rising)
        return self.peak * tf.maximum(tf.minimum(up, down), 0.0)

    def get_config(self) -> dict[str, float]:
        """What makes it."""
        return {"peak": self.peak, "rising": self.rising, "steps": self.steps}


def adamw(
    shape: Callable[[float, int], Any] = one_cycle, *, decay: float = 1e-4, **more: Any
) -> Optimizer:
    """AdamW with another rate, decay or mean of the weights. Decay leaves normalisations alone."""

    def made(schedule: Schedule, steps: int) -> keras.optimizers.Optimizer:
        rate = shape(schedule.learning_rate, steps)
        optimizer = keras.optimizers.AdamW(rate, weight_decay=decay, **more)
        if decay > 1e-4:
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer

    return made


def nesterov(schedule: Schedule, steps: int) -> keras.optimizers.Optimizer:
    """Stochastic gradient descent with Nesterov's momentum."""
    rate = one_cycle(schedule.learning_rate, steps)
    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=5e-4)


def muon(schedule: Schedule, steps: int) -> keras.optimizers.Optimizer:
    """Muon (https://kellerjordan.github.io/posts/muon)."""
    return keras.optimizers.Muon(one_cycle(schedule.learning_rate, steps), weight_decay=1e-4)


class Lookahead(keras.callbacks.Callback):
    """Slow weights follow half-way each twenty steps (https://arxiv.org/abs/1907.08610)."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin where the fast ones do."""
        self._slow = [value.numpy() for value in self.model.trainable_variables]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Meet."""
        for at, variable in enumerate(self.model.trainable_variables):
            self._slow[at] += SLOW_STEP * (variable.numpy() - self._slow[at])
            variable.assign(self._slow[at])


def dirac(model: keras.Model, images: np.ndarray) -> None:
    """The second convolution begins by passing its channels on, twice (airbench)."""
    kernel = convolutions(model)[1].kernel
    values = kernel.numpy()
    side, _, ins, outs = values.shape
    middle = (side - 1) // 2
    values[:, :, :, :] = 0
    for out in range(outs):
        values[middle, middle, out % ins, out] = 1
    kernel.assign(values)


def whitening(model: keras.Model, images: np.ndarray) -> None:
    """The first kernel gives uncorrelated values of equal variance, and their negatives (airbench).

    Eigenvectors of the covariance of patches, over the roots of their eigenvalues.
    """
    kernel = convolutions(model)[0].kernel
    side, _, _, outs = kernel.shape
    rng = np.random.default_rng(0)
    rows = rng.integers(len(images), size=PATCHES)
    tops = rng.integers(models.IMAGE_SHAPE[0] - side + 1, size=(2, PATCHES))
    patches = np.stack(
        [images[i, y : y + side, x : x + side] for i, y, x in zip(rows, *tops, strict=True)]
    )
    flat = patches.reshape(PATCHES, -1) / 255
    variances, directions = np.linalg.eigh(np.cov(flat, rowvar=False))
    chosen = np.arange(len(variances))[::-1][: outs // 2]
    filters = directions[:, chosen] / np.sqrt(variances[chosen] + 5e-4)
    kernel.assign(np.concatenate([filters, -filters], axis=1).reshape(side, side, 1, outs))


def convolutions(model: keras.Model) -> list[layers.Conv2D]:
    """Those of a model, in their order."""
    inner = next((layer for layer in model.layers if isinstance(layer, keras.Model)), model)
    return [layer for layer in inner.layers if type(layer) is layers.Conv2D]


def learn_from_the_hardest(model: keras.Model) -> None:
    """Train on the half of each batch whose loss is highest (https://arxiv.org/abs/1910.00762)."""
    whole = model.train_step

    def step(batch: tuple[tf.Tensor, tf.Tensor]) -> Any:
        images, labels = batch
        loss = keras.losses.categorical_crossentropy(labels, model(images, training=False))
        half = tf.math.top_k(loss, tf.shape(loss)[0] // 2).indices
        return whole((tf.gather(images, half), tf.gather(labels, half)))

    model.train_step = step


VARIANTS = {
    "as it is": Variant(),
    "peak 0.005": Variant({"learning_rate": 0.005}),
    "peak 0.02": Variant({"learning_rate": 0.02}),
    "batches of 64": Variant({"batch_size": 64}),
    "batches of 256": Variant({"batch_size": 256}),
    "label smoothing 0.1": Variant({"label_smoothing": 0.1}),
    "15 % of the steps on the way up": Variant(
        optimizer=adamw(lambda peak, steps: one_cycle(peak, steps, 0.15))
    ),
    "half of the steps on the way up": Variant(
        optimizer=adamw(lambda peak, steps: one_cycle(peak, steps, 0.5))
    ),
    "straight lines instead of a cosine": Variant(
        optimizer=adamw(lambda peak, steps: Triangle(peak, round(0.3 * steps), steps))
    ),
    "decay 0.05 of kernels": Variant(optimizer=adamw(decay=0.05)),
    "Nesterov, peak 0.1": Variant({"learning_rate": 0.1}, optimizer=nesterov),
    "Muon": Variant(optimizer=muon),
    "EMA of the weights, 0.98": Variant(optimizer=adamw(use_ema=True, ema_momentum=0.98)),
    "lookahead, each 20 steps": Variant(watch=Lookahead),
    "alternating flips": Variant({"augmentation": "flip"}),
    "shifts": Variant({"augmentation": "shift"}),
    "cutout": Variant({"augmentation": "cutout"}),
    "the harder half of each batch": Variant(hardest=True),
    "dirac initialisation": Variant(weights=dirac),
    "whitened first kernel": Variant(weights=whitening),
    "whitened first kernel, not trained": Variant(body={"whitened": True}, weights=whitening),
    "pool after normalisation and ReLU": Variant(body={"pool_last": True}),
    "second kernel of 3 x 3": Variant(body={"second": 3}),
    "GELU": Variant(body={"activation": "gelu"}),
    "dropout 0.2 before the last layer": Variant(body={"dropout": 0.2}),
    "global maximum instead of 7 x 7": Variant(body={"top": layers.GlobalMaxPooling2D}),
    "depthwise and pointwise second": Variant(body={"separable": True}),
    "patches of 4 x 4 first, no pool": Variant(body={"stem": (4, 4, 1)}),
    "16 channels": Variant(body={"width": 16}),
    "48 channels": Variant(body={"width": 48}),
}
