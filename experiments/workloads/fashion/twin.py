"""The model in training: the same layers as the one that is served, computed for less.

Its weights are copied into the served model, which stays plain Keras in float32 and so can be
saved, loaded and run anywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from experiments.workloads.fashion.quiet import keras, layers, tf

NumberFormat = Literal["auto", "float32", "bfloat16"]
CPUINFO = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")


def choose_format(wanted: NumberFormat) -> str:
    """Resolve `auto`: bfloat16 where the CPU multiplies in it, float32 elsewhere."""
    if wanted != "auto":
        return wanted
    flags = CPUINFO.read_text() if CPUINFO.exists() else ""
    return "bfloat16" if any(flag in flags for flag in BFLOAT16_FLAGS) else "float32"


def of(model: keras.Model, number_format: str) -> keras.Model:
    """A model with the weights of this one, in the same order.

    Sums, weights and their updates stay in float32; `bfloat16` is what is multiplied.
    """
    dtype = "mixed_bfloat16" if number_format == "bfloat16" else "float32"

    def cheaper(layer: layers.Layer) -> layers.Layer:
        if isinstance(layer, keras.Model):
            return keras.models.clone_model(layer, clone_function=cheaper)
        kind = FusedBatchNormalization if _is_batch_norm(layer) else type(layer)
        probabilities = getattr(layer, "activation", None) is keras.activations.softmax
        precise = probabilities or isinstance(layer, layers.InputLayer)
        config = layer.get_config()
        return kind.from_config(config if precise else {**config, "dtype": dtype})

    twin = keras.models.clone_model(model, clone_function=cheaper)
    twin.set_weights(model.get_weights())
    return twin


class FusedBatchNormalization(layers.BatchNormalization):
    """Keras' own takes four times as long: it computes moments and outcome one after another."""

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: None = None) -> tf.Tensor:
        """Normalise by the batch's moments in training, by the moving ones otherwise."""
        if not training:
            return super().call(inputs, training=False)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        for moving, seen in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(self.momentum * moving + (1 - self.momentum) * seen)
        return outputs


def _is_batch_norm(layer: layers.Layer) -> bool:
    return isinstance(layer, layers.BatchNormalization)
