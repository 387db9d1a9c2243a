"""The compiled kernels of the fast sort: ordered keys, survey, partition, sort within the cache.

They work on the bits of the numbers, as ``uint32`` or ``uint64``, so that four dtypes need two
compilations. A ``coding`` of five ``uint64`` says how bits become keys that sort like the numbers
(see ``order``). All kernels release the GIL and allocate no more than a bucket: the threads are
started by ``fast``. They share a file because Numba's cache does not notice a change in a helper
that lives in another one.
"""

import numpy as np
from numba import njit, uint16, uint32, uint64

ZERO, ONE = uint64(0), uint64(1)
DIGIT_BITS = 12  # 4096 counters of 4 bytes: two tables fill an L1 cache and no more
SPARE_BITS = 5  # beyond those that number a bucket's keys: then few keys share all of them
INSERTION_BUDGET = 8  # moves an element before insertion sort gives up


@njit(cache=True, nogil=True)
def order(bits, i, coding):
    """Return the key of ``bits[i]``: keys compare as unsigned integers like the numbers.

    A negative float has all its bits inverted, another only its sign bit (Herf 2001, "Radix
    tricks"). Subtracting ``origin`` modulo the width makes the lowest key 0 and, because NaNs
    with a sign wrap around, moves NaNs of either sign to the end.
    """
    floating, top, sign, origin = coding
    unsigned = bits.dtype.type
    x = bits[i]
    if floating:
        x = unsigned(x ^ (unsigned(ZERO - (x >> top)) | sign))
    return unsigned(x - origin)


@njit(cache=True, nogil=True)
def restore(keys, i, coding):
    """Return the bits whose key is ``keys[i]``: the inverse of ``order``."""
    floating, top, sign, origin = coding
    unsigned = keys.dtype.type
    x = unsigned(keys[i] + origin)
    if floating:
        x = unsigned(x ^ (unsigned((x >> top) - ONE) | sign))
    return x


@njit(cache=True, nogil=True)
def survey(bits, coding):
    """Return lowest key, highest key, number of ascents and of descents between neighbours."""
    lowest = highest = order(bits, 0, coding)
    ascents = descents = 0
    for i in range(1, bits.size):
        before, here = order(bits, i - 1, coding), order(bits, i, coding)
        lowest, highest = min(lowest, here), max(highest, here)
        ascents += before < here
        descents += before > here
    return lowest, highest, ascents, descents


@njit(cache=True, nogil=True)
def histogram(bits, coding, shift, counts):
    """Add to ``counts`` how many keys fall in each bin of width ``2**shift`` from ``base`` on."""
    for i in range(bits.size):
        counts[order(bits, i, coding) >> shift] += uint32(1)


@njit(cache=True, nogil=True)
def group(counts, limit, bucket_of_bin, first_bin):
    """Join neighbouring bins into buckets of at most ``limit`` keys (or one bin); return how many.

    ``bucket_of_bin[bin]`` and ``first_bin[bucket]`` are filled in; ``first_bin`` has one entry for
    each bin and one more.
    """
    bucket, held = 0, 0
    first_bin[0] = 0
    for i in range(counts.size):
        if held > 0 and held + counts[i] > limit:
            bucket, held = bucket + 1, 0
            first_bin[bucket] = i
        bucket_of_bin[i] = uint16(bucket)
        held += counts[i]
    first_bin[bucket + 1] = counts.size
    return bucket + 1


@njit(cache=True, nogil=True)
def scatter(bits, coding, shift, bucket_of_bin, place, keys):
    """Write the key of each number to the next free place of its bucket in ``keys``."""
    for i in range(bits.size):
        key = order(bits, i, coding)
        bucket = bucket_of_bin[key >> shift]
        here = place[bucket]
        place[bucket] = here + ONE
        keys[here] = key


@njit(cache=True, nogil=True)
def move_by_digit(source, target, base, shift, mask, place):
    """One pass of LSD radix sort; ``place`` holds counts and becomes the digits' next places."""
    total = uint32(0)
    for digit in range(place.size):
        count = place[digit]
        place[digit] = total
        total += count
    for i in range(source.size):
        key = source[i]
        digit = ((uint64(key) - base) >> shift) & mask
        here = place[digit]
        place[digit] = here + uint32(1)
        target[here] = key


@njit(cache=True, nogil=True)
def sort_digits(keys, scratch, base, low, high):
    """Sort by bits ``low`` to ``high`` of ``key - base`` with an even number of LSD passes."""
    pairs = (high - low + 2 * DIGIT_BITS - 1) // (2 * DIGIT_BITS)
    for pair in range(pairs):
        shift = low + 2 * pair * DIGIT_BITS
        width = (min(high - shift, 2 * DIGIT_BITS) + 1) // 2
        mask = (ONE << uint64(width)) - ONE
        first, second = uint64(shift), uint64(shift + width)
        counts = np.zeros((2, 1 << width), np.uint32)
        first_counts, second_counts = counts[0], counts[1]
        for i in range(keys.size):
            offset = uint64(keys[i]) - base
            first_counts[(offset >> first) & mask] += uint32(1)
            second_counts[(offset >> second) & mask] += uint32(1)
        move_by_digit(keys, scratch, base, first, mask, first_counts)
        move_by_digit(scratch, keys, base, second, mask, second_counts)


@njit(cache=True, nogil=True)
def finish_by_insertion(keys):
    """Insertion sort of nearly sorted keys; return False if it gave up on too many moves."""
    budget = INSERTION_BUDGET * keys.size
    for i in range(1, keys.size):
        key = keys[i]
        if key < keys[i - 1]:
            j = i
            while j > 0 and keys[j - 1] > key:
                keys[j] = keys[j - 1]
                j -= 1
            keys[j] = key
            budget -= i - j
            if budget < 0:
                return False
    return True


@njit(cache=True, nogil=True)
def sort_bucket(keys, scratch, base, high):
    """Sort ``keys``, all in ``[base, base + 2**high)``, within the cache.

    Two passes over the leading bits, 24 at most, put all but a few keys of a bucket in place, an
    insertion sort moves those. Only when many share these bits are all the others sorted too.
    """
    leading = min(2 * DIGIT_BITS, int(np.log2(keys.size + 1)) + 1 + SPARE_BITS)
    low = max(0, high - leading)
    sort_digits(keys, scratch, base, low, high)
    if low > 0 and not finish_by_insertion(keys):
        sort_digits(keys, scratch, base, 0, high)


@njit(cache=True, nogil=True)
def sort_buckets(keys, starts, bases, highs, oversized, coding):
    """Turn the keys of buckets ``starts[b]:starts[b + 1]`` into sorted bits, in place.

    A bucket with more than ``oversized`` keys becomes bits too, but unsorted.
    """
    largest = 0
    for b in range(bases.size):
        size = starts[b + 1] - starts[b]
        if size <= oversized:
            largest = max(largest, size)
    scratch = np.empty(largest, keys.dtype)
    for b in range(bases.size):
        bucket = keys[starts[b] : starts[b + 1]]
        if bucket.size <= oversized:
            sort_bucket(bucket, scratch[: bucket.size], bases[b], highs[b])
        for i in range(bucket.size):
            bucket[i] = restore(bucket, i, coding)


@njit(cache=True, nogil=True)
def drop_displaced(bits, coding, kept, dropped):
    """Move keys that are in order to ``kept``, the others to ``dropped``; return how many to each.

    Where a key is lower than the last one kept, both are dropped: one of the two is out of place,
    so at most twice as many are dropped as must be. Stops when ``dropped`` is full: then the two
    numbers do not add up to all keys.
    """
    most, last = 0, 0
    for i in range(bits.size):
        key = order(bits, i, coding)
        if most > 0 and key < kept[most - 1]:
            if last + 2 > dropped.size:
                break
            most -= 1
            dropped[last], dropped[last + 1] = kept[most], key
            last += 2
        else:
            kept[most] = key
            most += 1
    return most, last


@njit(cache=True, nogil=True)
def merge_displaced(keys, dropped, scratch, coding):
    """Sort ``dropped`` and merge it into ``keys``, whose first keys are sorted; make them bits.

    ``scratch`` is as large as ``dropped``, whose size is the number of places free in ``keys``.
    """
    sort_digits(dropped, scratch, ZERO, 0, 8 * keys.itemsize)
    i = keys.size - dropped.size
    j = dropped.size
    while j > 0:
        if i > 0 and keys[i - 1] > dropped[j - 1]:
            i -= 1
            keys[i + j] = keys[i]
        else:
            j -= 1
            keys[i + j] = dropped[j]
    for i in range(keys.size):
        keys[i] = restore(keys, i, coding)
