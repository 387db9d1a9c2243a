"""Test images that stand in the training set too, as near as makes no difference.

Fashion-MNIST has products photographed or rescaled twice, on both sides of the split (Geier 2019,
https://arxiv.org/abs/1906.08255). Here a test image is one if some image of the 60,000 is nearer
than RADIUS: root mean square 16 of 255 grey levels. Looked at, such pairs are one product or two
plain trousers; 98 % of them have equal labels.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

RADIUS = 450.0  # Euclidean, on 784 grey levels of 0 to 255
KNOWN = Path(__file__).with_name("duplicates.json")
CHUNK = 500  # images, against memory


def known(test_images: int = 10_000) -> np.ndarray:
    """Mask (n,) of bool: the near-duplicates among the test images, found once by `find`."""
    mask = np.zeros(test_images, dtype=bool)
    mask[json.loads(KNOWN.read_text())] = True
    return mask


def find(test: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Mask (n,) of bool: test images that lie nearer than RADIUS to some training image.

    Args:
        test, training: uint8 (n, 28, 28) and (m, 28, 28).
    """
    near = [_nearest(test[i : i + CHUNK], training) < RADIUS for i in range(0, len(test), CHUNK)]
    return np.concatenate(near)


def _nearest(few: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Distance (n,) of each of the few to the nearest of the many.

    Exact: products of uint8 over 784 pixels fit into the 53 bits of a float64.
    """
    a = few.reshape(len(few), -1).astype(np.float64)
    nearest = np.full(len(few), np.inf)
    for i in range(0, len(many), 10 * CHUNK):
        b = many[i : i + 10 * CHUNK].reshape(-1, a.shape[1]).astype(np.float64)
        squared = (a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)
        nearest = np.minimum(nearest, squared.min(axis=1))
    return np.sqrt(nearest)
