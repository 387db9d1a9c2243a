"""The model in training: the same layers as the one that is served, computed for less.

Its weights are copied into the served model, which stays plain Keras in float32 and so can be
saved, loaded and run anywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from experiments.workloads.fashion.quiet import keras, layers, tf

NumberFormat = Literal["auto", "float32", "bfloat16"]
CPUINFO = Path("/proc/cpuinfo")
AMX = "amx_bf16"
BFLOAT16_FLAGS = ("avx512_bf16", AMX)


def choose_format(wanted: NumberFormat) -> str:
    """Resolve `auto`: bfloat16 where the CPU multiplies in it, float32 elsewhere."""
    if wanted != "auto":
        return wanted
    return "bfloat16" if any(map(_cpu_has, BFLOAT16_FLAGS)) else "float32"


def of(model: keras.Model, number_format: str) -> keras.Model:
    """A model with the weights of this one, in the same order.

    Sums, weights and their updates stay in float32; `bfloat16` is what is multiplied.
    """
    # Imported here: what derives from Keras' layers imports Keras.
    from experiments.workloads.fashion.cheap_layers import FusedBatchNormalization, StripConv2D

    dtype = "mixed_bfloat16" if number_format == "bfloat16" else "float32"
    kinds: dict[type, Any] = {layers.BatchNormalization: FusedBatchNormalization}
    if number_format == "bfloat16" and _cpu_has(AMX) and not tf.config.get_visible_devices("GPU"):
        kinds[layers.Conv2D] = StripConv2D

    def cheaper(layer: layers.Layer) -> layers.Layer:
        if isinstance(layer, keras.Model):
            return keras.models.clone_model(layer, clone_function=cheaper)
        kind = kinds.get(type(layer), type(layer))
        probabilities = getattr(layer, "activation", None) is keras.activations.softmax
        precise = probabilities or isinstance(layer, layers.InputLayer)
        config = layer.get_config()
        return kind.from_config(config if precise else {**config, "dtype": dtype})

    twin = keras.models.clone_model(model, clone_function=cheaper)
    twin.set_weights(model.get_weights())
    return twin


def _cpu_has(flag: str) -> bool:
    return CPUINFO.exists() and flag in CPUINFO.read_text()
