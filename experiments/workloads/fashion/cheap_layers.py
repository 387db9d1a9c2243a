"""Layers that train for less than Keras' own, and compute the same."""

from __future__ import annotations

from typing import Any

from experiments.workloads.fashion.quiet import layers, tf

AMX_ROW = 32  # pixels multiplied at a time
SMALL = 8  # pixels a side: of larger images the copies cost more than they save


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


class StripConv2D(layers.Conv2D):
    """A convolution whose kernel learns from small images side by side, as if they were one.

    oneDNN multiplies along a row of pixels, by AMX 32 at a time: rows of seven or three waste most.
    """

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """As the layer does it; the gradient alone is found otherwise."""
        if inputs.shape[2] <= SMALL and self.strides == (1, 1) and self.padding == "same":
            return _convolved(inputs, tf.convert_to_tensor(kernel))
        return super().convolution_op(inputs, kernel)


@tf.custom_gradient
def _convolved(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """(n, h, w, c), (k, k, c, d), with zeros around -> (n, h, w, d), and its gradient."""

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        apart = kernel.shape[1] // 2
        of_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=_strips(x, apart),
            filter_sizes=kernel.shape,
            out_backprop=_strips(dy, apart),
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        return tf.nn.conv2d_transpose(dy, kernel, tf.shape(x), 1, "SAME"), of_kernel

    return tf.nn.conv2d(x, kernel, 1, "SAME"), gradient


def _strips(images: tf.Tensor, apart: int) -> tf.Tensor:
    """(n, h, w, c) -> (n / m, h, m (w + apart), c): m side by side, with zeros between them.

    If the number of images is no multiple of m, empty ones fill the last strip.
    """
    _, height, width, channels = images.shape
    many = AMX_ROW // (width + apart)
    missing = -tf.shape(images)[0] % many
    padded = tf.pad(images, [[0, missing], [0, 0], [0, apart], [0, 0]])
    grouped = tf.reshape(padded, (-1, many, height, width + apart, channels))
    abreast = tf.transpose(grouped, (0, 2, 1, 3, 4))
    return tf.reshape(abreast, (-1, height, many * (width + apart), channels))
