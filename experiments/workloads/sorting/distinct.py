"""Sort by counting when there are only a few distinct values, however far apart they are."""

import numpy as np
from numba import njit, uint32, uint64

SAMPLE = 1024
FEW = 930  # distinct values in a sample that make counting worth a try: MOST show some 900
MOST = 4096  # distinct values in all to count
VERY_FEW = 8  # values that are faster to compare with, one by one, than to look up
SLOT_BITS = 14  # a hash table that is at most a quarter full
BLOCK = 4096  # elements that stay in the L1 cache while they are compared with each value
GOLDEN = uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Knuth's multiplicative hash


@njit(cache=True, nogil=True)
def count_equal(bits, values, counts):
    """Add to ``counts[k]`` how many ``bits`` equal ``values[k]``; return False if others exist."""
    for start in range(0, bits.size, BLOCK):
        block = bits[start : start + BLOCK]
        found = 0
        for k in range(values.size):
            value, equal = values[k], uint32(0)
            for i in range(block.size):
                equal += uint32(block[i] == value)
            counts[k] += equal
            found += equal
        if found < block.size:
            return False
    return True


@njit(cache=True, nogil=True)
def free_slot(value, values, counts):
    """Return the slot that holds ``value`` or, if none does, the first free one to put it in."""
    slot = (uint64(value) * GOLDEN) >> uint64(64 - SLOT_BITS)
    while values[slot] != value and counts[slot] > 0:
        slot = (slot + uint64(1)) & uint64(values.size - 1)
    return slot


@njit(cache=True, nogil=True)
def tally(bits, values, counts):
    """Count equal ``bits`` in a hash table with linear probing; return False if it gets too full.

    ``values`` and ``counts`` have ``2**SLOT_BITS`` entries; ``counts`` is zero on entry. Unused
    slots hold the first value, which is only ever looked up in its own slot: so one comparison
    settles the common case.
    """
    values[:] = bits[0]
    distinct = 0
    for i in range(bits.size):
        value = bits[i]
        slot = (uint64(value) * GOLDEN) >> uint64(64 - SLOT_BITS)
        if values[slot] != value:
            slot = free_slot(value, values, counts)
            if values[slot] != value:
                values[slot] = value
                distinct += 1
                if distinct > MOST:
                    return False
        counts[slot] += 1
    return True


def few_values(bits):
    """Return the distinct values in a sample of ``bits``, or None when they are not few."""
    values = np.unique(bits[:: max(1, bits.size // SAMPLE)])
    return values if values.size <= FEW else None


def count_values(bits, expected):
    """Return the distinct values of ``bits`` and how often each occurs, or None if there are many.

    ``expected`` are the values that a sample promises.
    """
    if expected.size <= VERY_FEW:
        counts = np.zeros(expected.size, np.int64)
        if count_equal(bits, expected, counts):
            return expected, counts
    values = np.empty(1 << SLOT_BITS, bits.dtype)
    counts = np.zeros(1 << SLOT_BITS, np.int64)
    if not tally(bits, values, counts):
        return None
    return values[counts > 0], counts[counts > 0]


def fill(out, tallies):
    """Write to ``out`` in order what the (bits, counts) of ``tallies`` say; floats sort as floats.

    A value may occur in several tallies.
    """
    values = np.concatenate([values for values, _ in tallies]).view(out.dtype)
    counts = np.concatenate([counts for _, counts in tallies])
    stop = 0
    for i in np.argsort(values):
        start, stop = stop, stop + counts[i]
        out[start:stop] = values[i]
