"""What is sorted: seeded arrays of every dtype and distribution."""

import numpy as np

DTYPES = ("int32", "int64", "float32", "float64")
DISTRIBUTIONS = ("random", "sorted", "reversed", "nearly-sorted", "few-unique")
UNIQUE = 100  # values in a few-unique array
SWAPPED = 0.01  # share of the elements of a nearly sorted array that trade places


def make(size, dtype, distribution, seed):
    """Return an array of ``size`` elements, the same for the same arguments.

    - ``random``: integers uniform over the whole range of the dtype; floats standard normal
    - ``sorted``, ``reversed``: these, in order
    - ``nearly-sorted``: sorted, then one element in a hundred trades places with another
    - ``few-unique``: uniform over the numbers 0 to 99

    Raises ValueError for a size below 1 and for an unknown dtype or distribution.
    """
    if size < 1:
        raise ValueError(f"size is {size}: use 1 or more")
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"distribution is {distribution!r}: use one of {', '.join(DISTRIBUTIONS)}")
    if str(dtype) not in DTYPES:
        raise ValueError(f"dtype is {dtype}: use one of {', '.join(DTYPES)}")
    dtype, rng = np.dtype(dtype), np.random.default_rng(seed)
    if distribution == "few-unique":
        return rng.integers(UNIQUE, size=size, dtype=np.uint8).astype(dtype)
    values = _random(size, dtype, rng)
    if distribution == "random":
        return values
    values.sort()
    if distribution == "reversed":
        return values[::-1].copy()
    if distribution == "nearly-sorted":
        left, right = rng.choice(size, (2, int(SWAPPED * size / 2)), replace=False)
        values[left], values[right] = values[right], values[left]
    return values


def _random(size, dtype, rng):
    if dtype.kind == "f":
        return rng.standard_normal(size, dtype=dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, size, dtype=dtype, endpoint=True)
