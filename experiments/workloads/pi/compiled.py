"""The Numba rungs: the same darts, with fewer and fewer instructions a sample.

Numba widens small integers to 64 bits, and int64 with uint64 to float64: hence the casts.
"""

import numpy as np
from numba import njit

from .blocks import BLOCK
from .splitmix import GOLDEN, mix, origin, stream

WORDS = 512  # 64-bit words: a 4 KiB buffer, an eighth of the L1 cache


@njit(cache=True, nogil=True)
def naive(first, count, samples, seed):
    """Compile the Python loop as it stands: machine code, no objects.

    What is left is np.random, a Mersenne Twister with 2.5 KiB of state behind a pointer: so slow
    that NumPy, with its PCG64, still wins. Reseeds Numba's generator of the calling thread.
    """
    np.random.seed(np.uint32(mix(seed) + np.uint64(first // BLOCK)))
    inside = 0
    for _ in range(count):
        x, y = np.random.random(), np.random.random()
        if x * x + y * y < 1.0:
            inside += 1
    return inside


@njit(cache=True, nogil=True)
def xoroshiro(first, count, samples, seed):
    """Inline xoroshiro128+: 16 bytes of state that stay in two registers, six operations a word.

    D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47 (2021).
    """
    s0, s1 = origin(stream(seed, first), 1), origin(stream(seed, first), 2)
    s0, s1 = mix(s0), mix(s1)
    inside = 0
    for _ in range(count):
        x = np.float64((s0 + s1) >> np.uint64(11)) * 2.0**-53
        s1 ^= s0
        s0 = (s0 << np.uint64(24) | s0 >> np.uint64(40)) ^ s1 ^ (s1 << np.uint64(16))
        s1 = s1 << np.uint64(37) | s1 >> np.uint64(27)
        y = np.float64((s0 + s1) >> np.uint64(11)) * 2.0**-53
        s1 ^= s0
        s0 = (s0 << np.uint64(24) | s0 >> np.uint64(40)) ^ s1 ^ (s1 << np.uint64(16))
        s1 = s1 << np.uint64(37) | s1 >> np.uint64(27)
        if x * x + y * y < 1.0:
            inside += 1
    return inside


@njit(cache=True, nogil=True)
def counter(first, count, samples, seed):
    """Hash a counter instead of stepping a state: no sample waits for the one before.

    So LLVM computes eight at a time (SIMD). One word gives both coordinates, 32 bits each.
    """
    start = origin(seed, first)
    inside = 0
    for i in range(count):
        word = mix(start + np.uint64(i) * GOLDEN)
        x = np.float64(word >> np.uint64(32)) * 2.0**-32
        y = np.float64(word & np.uint64(0xFFFFFFFF)) * 2.0**-32
        if x * x + y * y < 1.0:
            inside += 1
    return inside


@njit(cache=True, nogil=True)
def integer(first, count, samples, seed):
    """Compare integers, 31 bits a coordinate: nothing is converted to float.

    x² + y² stays below 2^63, so its bit 62 is the answer.
    """
    start = origin(seed, first)
    outside = np.uint64(0)
    for i in range(count):
        word = mix(start + np.uint64(i) * GOLDEN)
        x = word >> np.uint64(33)
        y = word & np.uint64(0x7FFFFFFF)
        outside += (x * x + y * y) >> np.uint64(62)
    return count - np.int64(outside)


@njit(cache=True, nogil=True)
def pairs(first, count, samples, seed):
    """Cut a word into two samples of two signed 16-bit coordinates: half the hashing.

    The words pass through a buffer in the L1 cache, which is then read as 16-bit pairs: so LLVM
    finds the instruction that squares and adds 32 of them (vpmaddwd).
    """
    start = origin(seed, first >> 1)
    words = np.empty(WORDS, np.uint64)
    halves = words.view(np.int16)
    inside = 0
    for done in range(0, count, 2 * WORDS):
        word = start + np.uint64(done >> 1) * GOLDEN
        for i in range(WORDS):
            words[i] = mix(word + np.uint64(i) * GOLDEN)
        inside += pairs_inside(halves, min(2 * WORDS, count - done))
    return inside


@njit(cache=True, nogil=True)
def pairs_inside(halves, count):
    """Count the first `count` pairs of `halves`, int16 (2 * count or more,), inside the disc.

    Signed on purpose, the full disc of radius 2^15: its lattice puts π 9.0e-7 too low, one sigma
    of 3e12 samples. Unsigned pairs in a quarter circle would put it 6.1e-5 too high, one sigma of
    7e8 samples. The sign bit of x² + y² - 2^30 is the answer.
    """
    inside = np.uint32(0)
    for i in range(count):
        x, y = np.int32(halves[2 * i]), np.int32(halves[2 * i + 1])
        beyond = np.uint32(x * x + y * y - (1 << 30))
        inside = np.uint32(inside + (beyond >> np.uint32(31)))
    return np.int64(inside)
