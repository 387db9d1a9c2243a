"""The fastest rungs: the generator and its test never leave the vector registers."""

import numpy as np
from numba import config, njit

from .blocks import total
from .compiled import pairs_inside
from .splitmix import GOLDEN, mix, stream
from .vector import LANES, load, step_and_count, store


@njit(cache=True, nogil=True)
def lanes(first, count, samples, seed):
    """Step 64 xoroshiro128+ generators side by side: eight vector instructions for 16 samples.

    The rung before hashes in two multiplications, slow ones, and goes through memory; here a word
    costs six cheap operations and goes straight to the test. Vector IR, see `vector`, says what
    LLVM would not find in a loop. SplitMix64 seeds the lanes of every block, as the authors of
    xoroshiro128+ advise. Edit `vector`, and Numba's cache of this file is stale.
    """
    start = stream(seed, first)
    state = np.empty(2 * LANES, np.uint64)
    for i in range(2 * LANES):
        state[i] = mix(start + np.uint64(i) * GOLDEN)
    s0, s1 = load(state), load(state[LANES:])
    inside = 0
    for _ in range(count // (2 * LANES)):
        s0, s1, hits = step_and_count(s0, s1)
        inside += hits
    store(state, s0)
    store(state[LANES:], s1)
    rest = (state[:LANES] + state[LANES:]).view(np.int16)
    return inside + pairs_inside(rest, count % (2 * LANES))


def all_cores(samples: int, seed: int, threads: int | None = None, **options) -> int:
    """Give every core its share of the blocks: twice the cores, half the time, the same count.

    `threads` None means the cores this process may use; `options` are those of `total`.
    """
    threads = config.NUMBA_NUM_THREADS if threads is None else threads
    return int(total(lanes, samples, seed, threads, **options))
