"""How many operations a prediction takes: counted in a model, or planned without one."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.workloads.fashion.models import CLASSES, SKIP_POOLS, UNITS_PER_WIDTH, Family
from experiments.workloads.fashion.quiet import keras, layers


def flops(model: keras.Model) -> int:
    """Floating-point operations of one prediction: two for each multiply-add.

    Counts dense and convolution layers, which is all but a few percent of the work.
    """
    return sum(2 * _multiply_adds(layer) for layer in _called(model))


def planned_flops(family: Family, width: int, depth: int) -> int:
    """What `flops` says of the model, without building it: a search weighs hundreds."""
    return 2 * _PLANS[family](width, depth)


def _called(model: keras.Model) -> Iterator[layers.Layer]:
    """Its layers, each as often as a prediction calls it."""
    for nodes in model._nodes_by_depth.values():
        for node in nodes:
            inner = isinstance(node.operation, keras.Model)
            yield from _called(node.operation) if inner else [node.operation]


def _multiply_adds(layer: layers.Layer) -> int:
    if isinstance(layer, layers.Dense):
        return int(layer.kernel.shape[0] * layer.kernel.shape[1])
    if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
        _, height, width, _ = layer.output.shape
        return int(height * width * layer.kernel.shape.num_elements())
    return 0


def _linear_plan(width: int, depth: int) -> int:
    return 784 * CLASSES


def _mlp_plan(width: int, depth: int) -> int:
    units = UNITS_PER_WIDTH * width
    return 784 * units + (depth - 1) * units**2 + units * CLASSES


def _cnn_plan(width: int, depth: int) -> int:
    total, side, before = 0, 28, 1
    for i in range(depth):
        channels, kernel = width * 2 ** min(i, 2), 5 if i == 0 else 3
        side = side // 2 if i < 2 else side
        total += side**2 * kernel**2 * before * channels
        before = channels
    return total + side**2 * before * CLASSES


def _pooled_plan(width: int, depth: int) -> int:
    total, before = 14**2 * 5**2 * width, width
    for i in range(1, depth):
        channels = width * 2 ** min(i, 2)
        total += 7**2 * 2**2 * before * channels
        before = channels
    return total + 7**2 * before * CLASSES


def _separable_plan(width: int, depth: int) -> int:
    total, before = 14**2 * 5**2 * width, width
    for i in range(depth):
        channels = width * 2 ** min(i + 1, 3)
        total += 7**2 * (3**2 * before + before * channels)
        before = channels
    return total + before * CLASSES


def _residual_plan(width: int, depth: int) -> int:
    total, side, before = 14**2 * 5**2 * width, 14, width
    for i in range(depth):
        channels, shrinks = width * 2 ** min(i, 2), i in (1, 2)
        side = -(-side // 2) if shrinks else side
        total += side**2 * 3**2 * channels * (before + channels)
        total += side**2 * before * channels if shrinks else 0
        before = channels
    return total + before * CLASSES


def _skip_plan(width: int, depth: int) -> int:
    first, before, side = max(1, width // 2), width, 14
    total = 28**2 * 3**2 * (first + first * width)
    for i in range(depth):
        channels, pooled = width * 2 ** min(i + 1, 2), side // 2 if i < SKIP_POOLS else side
        total += 3**2 * channels * (side**2 * before + pooled**2 * channels)
        side, before = pooled, channels
    return total + before * CLASSES


def _keras_plan(width: int, depth: int) -> int:
    return 26**2 * 3**2 * 32 + 11**2 * 3**2 * 32 * 64 + 5**2 * 64 * CLASSES


_PLANS = {
    "linear": _linear_plan,
    "mlp": _mlp_plan,
    "cnn": _cnn_plan,
    "pooled": _pooled_plan,
    "separable": _separable_plan,
    "residual": _residual_plan,
    "skip": _skip_plan,
    "keras": _keras_plan,
}
