"""Eight families of Keras models, from a few thousand parameters to a few million.

Each takes raw uint8 images (n, 28, 28) and gives ten probabilities: what is saved is served.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from experiments.workloads.fashion.quiet import keras, layers

Family = Literal["linear", "mlp", "cnn", "pooled", "separable", "residual", "skip", "keras"]
FAMILIES: tuple[Family, ...] = get_args(Family)
SIZED = tuple(f for f in FAMILIES if f not in ("linear", "keras"))  # have a width and a depth
SEARCHED = tuple(f for f in FAMILIES if f != "keras")

IMAGE_SHAPE = (28, 28)
CLASSES = 10
SKIP_POOLS = 2  # blocks of `skip` that begin with a pool: three pixels are left
UNITS_PER_WIDTH = 8  # an MLP of width 16 has layers of 128 units


def build(family: Family, width: int, depth: int) -> keras.Model:
    """An untrained model, (n, 28, 28) uint8 -> (n, 10) probabilities.

    Args:
        family: linear (softmax regression, of one size), mlp, cnn (strided convolutions), pooled
            (a strided one, a pool, the rest), separable
            (depthwise-separable, after MobileNet, https://arxiv.org/abs/1704.04861), residual
            (after ResNet, https://arxiv.org/abs/1512.03385), skip (convolutions at 28 pixels,
            pools, short cuts; after https://arxiv.org/abs/2404.00498) or keras (the simple
            convnet of Keras' examples, of one size:
            https://keras.io/examples/vision/mnist_convnet).
        width: channels of the first convolution (skip has half of them there); the MLP has eight
            units for each.
        depth: hidden layers of the MLP, convolutions or blocks of the others.
    """
    pixels = keras.Input((*IMAGE_SHAPE, 1), name="pixels")
    body = keras.Model(
        pixels, _BODIES[family](pixels, width, depth), name=title(family, width, depth)
    )
    images = keras.Input(IMAGE_SHAPE, dtype="uint8", name="images")
    return keras.Model(images, body(_scaled(images)), name=body.name)


def mirrored(model: keras.Model) -> keras.Model:
    """A model that predicts an image and its mirror image by this one, and takes their mean.

    It shares the weights: train the one, and serve the other for twice the operations. Means over
    what a training was augmented by are Krizhevsky's, 2012 (10.1145/3065386).
    """
    images = keras.Input(IMAGE_SHAPE, dtype="uint8", name="images")
    both = [model(images), model(keras.ops.flip(images, axis=-1))]
    return keras.Model(images, layers.Average()(both), name=f"{model.name}-mirrored")


def title(family: Family, width: int, depth: int) -> str:
    """What people call it: `cnn-16x3`, `linear`."""
    return f"{family}-{width}x{depth}" if family in SIZED else family


def size_bytes(model: keras.Model) -> int:
    """Memory that the weights take."""
    return sum(np.asarray(weight).nbytes for weight in model.get_weights())


def _scaled(images: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Rescaling(1 / 255)(layers.Reshape((*IMAGE_SHAPE, 1))(images))


def _linear(x: keras.KerasTensor, width: int, depth: int) -> keras.KerasTensor:
    return layers.Dense(CLASSES, activation="softmax")(layers.Flatten()(x))


def _mlp(x: keras.KerasTensor, width: int, depth: int) -> keras.KerasTensor:
    x = layers.Flatten()(x)
    for _ in range(depth):
        x = layers.Dense(UNITS_PER_WIDTH * width, activation="relu")(x)
    return layers.Dense(CLASSES, activation="softmax")(x)


def _cnn(x: keras.KerasTensor, width: int, depth: int) -> keras.KerasTensor:
    """28 -> 14 -> 7 pixels by strides, which cost a quarter of convolving and then pooling."""
    for i in range(depth):
        channels, kernel, stride = width * 2 ** min(i, 2), 5 if i == 0 else 3, 2 if i < 2 else 1
        x = _normalised(layers.Conv2D(channels, kernel, stride, "same", use_bias=False)(x))
    return layers.Dense(CLASSES, activation="softmax")(layers.Flatten()(x))


def _pooled(x: keras.KerasTensor, width: int, depth: int) -> keras.KerasTensor:
    """28 -> 14 pixels by a stride, -> 7 by a pool, on which the others are convolutions of 2 x 2.

    A pool before the normalisation leaves it a quarter of the pixels; 2 x 2 takes less than half
    the operations of 3 x 3.
    """
    x = layers.MaxPooling2D()(layers.Conv2D(width, 5, 2, "same", use_bias=False)(x))
    x = _normalised(x)
    for i in range(1, depth):
        channels = width * 2 ** min(i, 2)
        x = _normalised(layers.Conv2D(channels, 2, 1, "same", use_bias=False)(x))
    return layers.Dense(CLASSES, activation="softmax")(layers.Flatten()(x))


def _separable(x: keras.KerasTensor, width: int, depth: int) -> keras.KerasTensor:
    x = _normalised(layers.Conv2D(width, 5, 2, "same", use_bias=False)(x))
    for i in range(depth):
        x = _normalised(layers.DepthwiseConv2D(3, 2 if i == 0 else 1, "same", use_bias=False)(x))
        x = _normalised(layers.Conv2D(width * 2 ** min(i + 1, 3), 1, use_bias=False)(x))
    return _pooled_classes(x)


def _residual(x: keras.KerasTensor, width: int, depth: int) -> keras.KerasTensor:
    x = _normalised(layers.Conv2D(width, 5, 2, "same", use_bias=False)(x))
    for i in range(depth):
        channels, stride = width * 2 ** min(i, 2), 2 if i in (1, 2) else 1
        y = _normalised(layers.Conv2D(channels, 3, stride, "same", use_bias=False)(x))
        y = _batch_norm(layers.Conv2D(channels, 3, 1, "same", use_bias=False)(y))
        if stride > 1:
            x = layers.Conv2D(channels, 1, stride, use_bias=False)(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    return _pooled_classes(x)


def _skip(x: keras.KerasTensor, width: int, depth: int) -> keras.KerasTensor:
    """28 -> 14 -> 7 -> 3 pixels by pools; each block ends in a convolution with a short cut."""
    x = _normalised(_convolution(max(1, width // 2))(x))
    x = _normalised(layers.MaxPooling2D()(_convolution(width)(x)))
    for i in range(depth):
        x = _convolution(width * 2 ** min(i + 1, 2))(x)
        x = _normalised(layers.MaxPooling2D()(x) if i < SKIP_POOLS else x)
        x = layers.Add()([x, _normalised(_convolution(x.shape[-1])(x))])
    return layers.Dense(CLASSES, activation="softmax")(layers.GlobalMaxPooling2D()(x))


def _keras(x: keras.KerasTensor, width: int, depth: int) -> keras.KerasTensor:
    for channels in (32, 64):
        x = layers.MaxPooling2D()(layers.Conv2D(channels, 3, activation="relu")(x))
    return layers.Dense(CLASSES, activation="softmax")(layers.Dropout(0.5)(layers.Flatten()(x)))


_BODIES = {
    "linear": _linear,
    "mlp": _mlp,
    "cnn": _cnn,
    "pooled": _pooled,
    "separable": _separable,
    "residual": _residual,
    "skip": _skip,
    "keras": _keras,
}


def _convolution(channels: int) -> layers.Conv2D:
    return layers.Conv2D(channels, 3, padding="same", use_bias=False)


def _normalised(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.ReLU()(_batch_norm(x))


def _batch_norm(x: keras.KerasTensor) -> keras.KerasTensor:
    # Keras' default momentum of 0.99 averages over more steps than a short training has:
    # a separable model of two epochs then validates at 0.62 instead of 0.87.
    return layers.BatchNormalization(momentum=0.9)(x)


def _pooled_classes(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Dense(CLASSES, activation="softmax")(layers.GlobalAveragePooling2D()(x))
