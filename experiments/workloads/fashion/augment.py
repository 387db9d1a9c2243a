"""What is done to the training images before an epoch: on uint8, in NumPy, all of them at once.

Random layers inside the model work on float32, image by image, and compute what NumPy only copies.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

Augmentation = Literal["none", "flip", "shift", "flip+shift", "cutout", "flip+cutout"]
AUGMENTATIONS: tuple[Augmentation, ...] = get_args(Augmentation)
MIRRORING = tuple(kind for kind in AUGMENTATIONS if "flip" in kind)

SHIFT = 2  # pixels, each way
CUT_SHARE, CUT_SIDES = 0.5, (4, 12)  # of the images; sides of the rectangle, pixels


def augmented(images: np.ndarray, kind: Augmentation, seed: int, epoch: int) -> np.ndarray:
    """The images as an epoch sees them; without augmentation the very same array.

    Args:
        images: uint8 (n, 28, 28), left as they are.
        kind: mirrored left to right, shifted by up to two pixels, or with an erased rectangle
            (https://arxiv.org/abs/1708.04552); or two of them.
        seed: of all epochs.
        epoch: from 0 on.
    """
    for part in kind.split("+"):
        if part == "flip":
            images = _flipped(images, seed, epoch)
        elif part == "shift":
            images = _shifted(images, np.random.default_rng((seed, epoch, 1)))
        elif part == "cutout":
            images = _cut(images, np.random.default_rng((seed, epoch, 2)))
    return images


def _flipped(images: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """A random half of them in the first epoch, then the other half, and so on.

    Each image is seen as often one way as the other (Jordan 2024, https://arxiv.org/abs/2404.00498).
    """
    first = np.random.default_rng((seed, 0)).random(len(images)) < 0.5
    flipped = images.copy()
    chosen = first if epoch % 2 == 0 else ~first
    flipped[chosen] = images[chosen, :, ::-1]
    return flipped


def _shifted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Down and right by -2 to 2 pixels; what comes in is black."""
    side = images.shape[1]
    padded = np.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))
    down, right = rng.integers(0, 2 * SHIFT + 1, (2, len(images)))
    shifted = np.empty_like(images)
    for y in range(2 * SHIFT + 1):
        for x in range(2 * SHIFT + 1):
            chosen = (down == y) & (right == x)
            shifted[chosen] = padded[chosen, y : y + side, x : x + side]
    return shifted


def _cut(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Black out a rectangle in half of them."""
    n, side = len(images), images.shape[1]
    height, width = rng.integers(CUT_SIDES[0], CUT_SIDES[1] + 1, (2, n, 1))
    top, left = rng.integers(0, side - CUT_SIDES[0] + 1, (2, n, 1))
    pixels = np.arange(side)
    rows = (pixels >= top) & (pixels < top + height) & (rng.random((n, 1)) < CUT_SHARE)
    columns = (pixels >= left) & (pixels < left + width)
    return np.where(rows[:, :, None] & columns[:, None, :], np.uint8(0), images)
