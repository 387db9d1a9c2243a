"""The rungs without a compiler: pure Python and NumPy."""

import random

import numpy as np

CHUNK = 1 << 14  # samples: two float64 arrays and a mask are 272 KiB, well inside the L2 cache


def python(first: int, count: int, samples: int, seed: int) -> int:
    """Throw darts at the unit square, one at a time, and count those in the quarter circle.

    The starting point: every number is a heap object and every operation is looked up at run time.
    """
    draw = random.Random(f"{seed} {first}").random
    inside = 0
    for _ in range(count):
        x, y = draw(), draw()
        if x * x + y * y < 1.0:
            inside += 1
    return inside


def numpy_one_shot(first: int, count: int, samples: int, seed: int) -> int:
    """Draw a whole block at once: the loops run in C, over plain numbers.

    Each operation streams arrays of 32 MiB through memory, where it waits. Takes 130 MiB a thread.
    """
    x, y = np.random.default_rng([seed, first]).random((2, count))
    return int(np.count_nonzero(x * x + y * y < 1.0))


def numpy_chunked(first: int, count: int, samples: int, seed: int) -> int:
    """Work in chunks that stay in the cache, and write into arrays that exist already.

    The same arithmetic without the trips to memory and without new pages from the system.
    """
    draw = np.random.default_rng([seed, first]).random
    buffers = np.empty((2, CHUNK))
    inside = 0
    for start in range(0, count, CHUNK):
        x, y = buffers[:, : min(CHUNK, count - start)]
        draw(out=x)
        draw(out=y)
        np.multiply(x, x, out=x)
        np.multiply(y, y, out=y)
        np.add(x, y, out=x)
        inside += int(np.count_nonzero(x < 1.0))
    return inside
