"""The fastest rungs: the generator, the test and the counters never leave the vector registers."""

import os

import numpy as np
from numba import njit

from .blocks import total
from .compiled import pairs_inside
from .splitmix import GOLDEN, mix, stream
from .vector import (
    LANES,
    add,
    count_pairs,
    load,
    no_counts,
    rotate_left,
    shift_left,
    store,
    sum_counts,
    xor,
)


@njit(cache=True, nogil=True)
def lanes(first, count, samples, seed):
    """Step 64 xoroshiro128+ generators side by side: nine instructions give sixteen samples.

    The rung before hashes in three multiplications, slow ones, and goes through memory; here a
    word costs six cheap operations and goes straight to the test. Vector IR, see `vector`, says
    what LLVM would not find in a loop. The lanes of a block are seeded by SplitMix64, as the
    authors of xoroshiro128+ advise.
    """
    start = stream(seed, first)
    state = np.empty(2 * LANES, np.uint64)
    for i in range(2 * LANES):
        state[i] = mix(start + np.uint64(i) * GOLDEN)
    s0, s1 = load(state), load(state[LANES:])
    counts = no_counts()
    for _ in range(count // (2 * LANES)):
        counts = count_pairs(counts, add(s0, s1))
        s1 = xor(s1, s0)
        s0 = xor(xor(rotate_left(s0, 24), s1), shift_left(s1, 16))
        s1 = rotate_left(s1, 37)
    store(state, add(s0, s1))
    rest = pairs_inside(state.view(np.int16), count % (2 * LANES))
    return rest - np.int64(sum_counts(counts))


def all_cores(samples: int, seed: int, threads: int | None = None) -> int:
    """Give every core its share of the blocks: twice the cores, half the time, the same count.

    `threads` None means the cores this process may use.
    """
    if threads is None:
        threads = (
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        )
    return total(lanes, samples, seed, threads)
