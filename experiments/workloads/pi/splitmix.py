"""SplitMix64, a generator without state: the i-th random word is a hash of i.

G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014;
constants of S. Vigna's public-domain splitmix64.c. Numba's cache watches a kernel's own file only:
after an edit here, delete the `__pycache__` beside it.
"""

import numpy as np
from numba import njit

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: the counter visits every word


@njit(cache=True, nogil=True)
def mix(word):
    """Hash 64 bits into 64 bits, one to one: every bit of the input flips half of the output's."""
    word = np.uint64(word)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@njit(cache=True, nogil=True)
def origin(seed, index):
    """Return the counter, 64 bits, at which the stream of this seed reaches word `index`."""
    return mix(np.uint64(seed) + GOLDEN) + np.uint64(index) * GOLDEN


@njit(cache=True, nogil=True)
def stream(seed, first):
    """Return 64 bits that seed the block starting at sample `first`."""
    return mix(mix(origin(seed, first)) ^ np.uint64(first))
