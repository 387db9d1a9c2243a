"""Smaller still: a trained Keras model as a LiteRT file, its numbers in fewer bits."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from experiments.workloads.fashion.quiet import keras, silence, tf

Precision = Literal["int8", "float16", "float32"]
EXAMPLES = 200  # images; of 10 to 1,000, four models' accuracy moved by 0.3 points at most


def litert(model: keras.Model, precision: Precision, examples: np.ndarray) -> bytes:
    """The model as a LiteRT file that takes and gives what it does itself.

    Args:
        model: a trained one.
        precision: of its weights. int8 also computes in whole numbers wherever LiteRT can; float16
            computes in float32.
        examples: (n, 28, 28) uint8, training images that show int8 the range of each layer.
    """
    with TemporaryDirectory() as folder, silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter asks for ranges that the examples give
        file = Path(folder) / "model.tflite"
        model.export(file, format="litert", verbose=False, **_settings(precision, examples))
        return file.read_bytes()


def _settings(precision: Precision, examples: np.ndarray) -> dict[str, Any]:
    """What TensorFlow's converter is told."""
    if precision == "float32":
        return {}
    smaller = {"optimizations": [tf.lite.Optimize.DEFAULT]}
    if precision == "float16":
        return {**smaller, "target_spec": {"supported_types": [tf.float16]}}
    return {**smaller, "representative_dataset": lambda: ([image[None]] for image in examples)}
