"""The same textbook sorts on arrays, compiled by Numba: what a compiler does for an algorithm.

Each takes a one-dimensional array of ints or floats (counting and radix sort: ints), leaves it
alone and returns a new sorted array, NaNs last. For sources see ``textbook``.
"""

import numpy as np
from numba import njit, uint64

MOST_COUNTERS = 1 << 24  # counting sort: values from lowest to highest
SMALL = 16  # elements that insertion sort orders faster than quicksort
GAPS = (701, 301, 132, 57, 23, 10, 4, 1)  # Ciura 2001


@njit(cache=True)
def copy_nans_last(values):
    """Return a copy with all NaNs at its end, and a view of the numbers before them."""
    out = values.copy()
    numbers = 0
    for i in range(out.size):
        value = out[i]
        if value == value:  # false for NaN alone
            out[i], out[numbers] = out[numbers], value
            numbers += 1
    return out, out[:numbers]


@njit(cache=True)
def bubble(values):
    """Swap neighbours until none is out of order: n² steps, n if sorted."""
    out, a = copy_nans_last(values)
    unsorted = a.size
    while unsorted > 1:
        last_swap = 0
        for i in range(1, unsorted):
            if a[i] < a[i - 1]:
                a[i - 1], a[i] = a[i], a[i - 1]
                last_swap = i
        unsorted = last_swap
    return out


@njit(cache=True)
def selection(values):
    """Put the lowest of the rest next: n² comparisons always, n swaps."""
    out, a = copy_nans_last(values)
    for i in range(a.size - 1):
        lowest = i
        for j in range(i + 1, a.size):
            if a[j] < a[lowest]:
                lowest = j
        a[i], a[lowest] = a[lowest], a[i]
    return out


@njit(cache=True)
def sink(a):
    """Insertion sort in place."""
    for i in range(1, a.size):
        value, j = a[i], i
        while j > 0 and value < a[j - 1]:
            a[j] = a[j - 1]
            j -= 1
        a[j] = value


@njit(cache=True)
def insertion(values):
    """Sink each element into the sorted part before it: n² steps, n if sorted."""
    out, a = copy_nans_last(values)
    sink(a)
    return out


@njit(cache=True)
def sink_by(a, gap):
    """Insertion sort, in place, of every sequence of elements ``gap`` apart."""
    for i in range(gap, a.size):
        value, j = a[i], i
        while j >= gap and value < a[j - gap]:
            a[j] = a[j - gap]
            j -= gap
        a[j] = value


@njit(cache=True)
def shell(values):
    """Insertion sort over shrinking gaps: about n^1.3 steps."""
    out, a = copy_nans_last(values)
    gap = GAPS[0]
    while 9 * gap < 4 * a.size:
        gap = 9 * gap // 4
    while gap > GAPS[0]:
        sink_by(a, gap)
        gap = 4 * gap // 9
    for small_gap in GAPS:
        sink_by(a, small_gap)
    return out


@njit(cache=True)
def sift_down(a, root, stop):
    """Sink the root of a heap of ``a[:stop]`` below its greater children."""
    value = a[root]
    child = 2 * root + 1
    while child < stop:
        if child + 1 < stop and a[child] < a[child + 1]:
            child += 1
        if not value < a[child]:
            break
        a[root] = a[child]
        root, child = child, 2 * child + 1
    a[root] = value


@njit(cache=True)
def heap(values):
    """Take the highest off a heap again and again: n log n steps."""
    out, a = copy_nans_last(values)
    for root in range(a.size // 2 - 1, -1, -1):
        sift_down(a, root, a.size)
    for last in range(a.size - 1, 0, -1):
        a[0], a[last] = a[last], a[0]
        sift_down(a, 0, last)
    return out


@njit(cache=True)
def merge_runs(left, right, target):
    """Merge two sorted arrays into one of their joint size."""
    i = j = 0
    for k in range(target.size):
        if i == left.size or (j < right.size and right[j] < left[i]):
            target[k] = right[j]
            j += 1
        else:
            target[k] = left[i]
            i += 1


@njit(cache=True)
def merge(values):
    """Merge sorted runs of 1, 2, 4, … elements: n log n steps, n extra memory."""
    out, a = copy_nans_last(values)
    source, target = a, np.empty_like(a)
    width = 1
    while width < a.size:
        for start in range(0, a.size, 2 * width):
            middle, stop = min(start + width, a.size), min(start + 2 * width, a.size)
            merge_runs(source[start:middle], source[middle:stop], target[start:stop])
        source, target = target, source
        width *= 2
    a[:] = source
    return out


@njit(cache=True)
def part(a):
    """Swap about a median of three until ``a[:i] <= pivot <= a[j + 1:]``, j < i; return i and j."""
    x, y, z = a[0], a[a.size // 2], a[-1]
    pivot = max(min(x, y), min(max(x, y), z))
    i, j = 0, a.size - 1
    while i <= j:
        while a[i] < pivot:
            i += 1
        while pivot < a[j]:
            j -= 1
        if i <= j:
            a[i], a[j] = a[j], a[i]
            i, j = i + 1, j - 1
    return i, j


@njit(cache=True)
def quick(values):
    """Part about a median of three, go on with both sides: n log n steps, n² at worst."""
    out, a = copy_nans_last(values)
    waiting = np.empty((64, 2), np.int64)  # the larger part waits: at most log2 n of them
    waiting[0] = 0, a.size
    depth = 1
    while depth > 0:
        depth -= 1
        start, stop = waiting[depth]
        if stop - start <= SMALL:
            sink(a[start:stop])
            continue
        i, j = part(a[start:stop])
        left, right = (start, start + j + 1), (start + i, stop)
        if left[1] - left[0] < right[1] - right[0]:
            left, right = right, left
        waiting[depth], waiting[depth + 1] = left, right
        depth += 2
    return out


@njit(cache=True)
def counting(values):
    """Count each value: n + range steps. Ints only.

    Raises ValueError if more than ``MOST_COUNTERS`` values lie between the lowest and the highest.
    """
    out = values.copy()
    if out.size == 0:
        return out
    lowest = out.min()
    span = uint64(out.max()) - uint64(lowest)
    if span >= uint64(MOST_COUNTERS):
        raise ValueError("counting sort: over 2**24 values between the lowest and the highest")
    counts = np.zeros(np.int64(span) + 1, np.int64)
    for i in range(out.size):
        counts[uint64(out[i]) - uint64(lowest)] += 1
    start = 0
    for offset in range(counts.size):
        out[start : start + counts[offset]] = lowest + offset
        start += counts[offset]
    return out


@njit(cache=True)
def radix(values):
    """Deal into 256 piles by each byte, lowest first: n steps a byte, n extra memory. Ints only."""
    source, target = values.copy(), np.empty_like(values)
    if source.size == 0:
        return source
    lowest = uint64(source.min())
    span, shift = uint64(source.max()) - lowest, uint64(0)
    while shift < uint64(64) and span >> shift > uint64(0):
        place = np.zeros(257, np.int64)
        for i in range(source.size):
            place[((uint64(source[i]) - lowest) >> shift & uint64(255)) + uint64(1)] += 1
        place = np.cumsum(place)
        for i in range(source.size):
            pile = (uint64(source[i]) - lowest) >> shift & uint64(255)
            target[place[pile]] = source[i]
            place[pile] += 1
        source, target = target, source
        shift += uint64(8)
    return source
