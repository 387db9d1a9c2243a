"""The textbook sorts in pure Python: what an algorithm costs before any compiler helps.

Each takes a list of ints or floats (counting and radix sort: ints), leaves it alone and returns a
new sorted list. As with ``np.sort``, NaNs come last. "Knuth" is The Art of Computer Programming,
volume 3, 2nd edition (1998); "CLRS" is Introduction to Algorithms, 4th edition (2022).
"""

from functools import wraps
from math import isnan

MOST_COUNTERS = 1 << 24  # counting sort: values from lowest to highest
SMALL = 16  # elements that insertion sort orders faster than quicksort


def on_a_copy(sort):
    """Let ``sort`` order a copy of the numbers in place, and put the NaNs behind them."""

    @wraps(sort)
    def sorted_copy(values):
        numbers, nans = list(values), []
        if numbers and isinstance(numbers[0], float) and isnan(sum(numbers)):
            nans = [value for value in numbers if isnan(value)]
            numbers = [value for value in numbers if not isnan(value)]
        sort(numbers)
        return numbers + nans

    return sorted_copy


@on_a_copy
def bubble(a):
    """Swap neighbours until none is out of order: n² steps, n if sorted (Knuth 5.2.2)."""
    unsorted = len(a)
    while unsorted > 1:
        last_swap = 0
        for i in range(1, unsorted):
            if a[i] < a[i - 1]:
                a[i - 1], a[i] = a[i], a[i - 1]
                last_swap = i
        unsorted = last_swap


@on_a_copy
def selection(a):
    """Put the lowest of the rest next: n² comparisons always, n swaps (Knuth 5.2.3)."""
    for i in range(len(a) - 1):
        lowest = i
        for j in range(i + 1, len(a)):
            if a[j] < a[lowest]:
                lowest = j
        a[i], a[lowest] = a[lowest], a[i]


@on_a_copy
def insertion(a):
    """Sink each element into the sorted part before it: n² steps, n if sorted (Knuth 5.2.1)."""
    _insertion(a, 0, len(a))


def _insertion(a, start, stop):
    for i in range(start + 1, stop):
        value, j = a[i], i
        while j > start and value < a[j - 1]:
            a[j] = a[j - 1]
            j -= 1
        a[j] = value


@on_a_copy
def shell(a):
    """Insertion sort over shrinking gaps: about n^1.3 steps (Shell 1959, gaps of Ciura 2001)."""
    gaps = [1, 4, 10, 23, 57, 132, 301, 701]
    while gaps[-1] < len(a):
        gaps.append(int(2.25 * gaps[-1]))
    for gap in reversed(gaps):
        for i in range(gap, len(a)):
            value, j = a[i], i
            while j >= gap and value < a[j - gap]:
                a[j] = a[j - gap]
                j -= gap
            a[j] = value


@on_a_copy
def heap(a):
    """Take the highest off a heap again and again: n log n steps (Williams 1964, Floyd 1964)."""
    for root in reversed(range(len(a) // 2)):
        _sift_down(a, root, len(a))
    for last in reversed(range(1, len(a))):
        a[0], a[last] = a[last], a[0]
        _sift_down(a, 0, last)


def _sift_down(a, root, stop):
    value = a[root]
    while (child := 2 * root + 1) < stop:
        if child + 1 < stop and a[child] < a[child + 1]:
            child += 1
        if not value < a[child]:
            break
        a[root] = a[child]
        root = child
    a[root] = value


@on_a_copy
def merge(a):
    """Merge sorted runs of 1, 2, 4, … elements: n log n steps, n extra memory (Knuth 5.2.4)."""
    width = 1
    while width < len(a):
        merged: list = []
        for start in range(0, len(a), 2 * width):
            middle = start + width
            _merge(a[start:middle], a[middle : middle + width], merged)
        a[:] = merged
        width *= 2


def _merge(left, right, out):
    i = j = 0
    while i < len(left) and j < len(right):
        if right[j] < left[i]:
            out.append(right[j])
            j += 1
        else:
            out.append(left[i])
            i += 1
    out += left[i:]
    out += right[j:]


@on_a_copy
def quick(a):
    """Part about a median of three, go on with both sides: n log n steps, n² at worst.

    Hoare 1962; median of three and small parts left to insertion sort after Sedgewick 1978. The
    larger part waits, so that at most log n parts do.
    """
    waiting = [(0, len(a))]
    while waiting:
        start, stop = waiting.pop()
        if stop - start <= SMALL:
            _insertion(a, start, stop)
            continue
        i, j = _part(a, start, stop)
        left, right = (start, j + 1), (i, stop)
        waiting += [left, right] if j + 1 - start > stop - i else [right, left]


def _part(a, start, stop):
    """Swap until ``a[start:i] <= pivot <= a[j + 1:stop]`` with ``j < i``; return i and j."""
    x, y, z = a[start], a[(start + stop) // 2], a[stop - 1]
    pivot = max(min(x, y), min(max(x, y), z))
    i, j = start, stop - 1
    while i <= j:
        while a[i] < pivot:
            i += 1
        while pivot < a[j]:
            j -= 1
        if i <= j:
            a[i], a[j] = a[j], a[i]
            i, j = i + 1, j - 1
    return i, j


@on_a_copy
def counting(a):
    """Count each value: n + range steps (Seward 1954; CLRS 8.2). Ints only.

    Raises ValueError if more than ``MOST_COUNTERS`` values lie between the lowest and the highest.
    """
    if not a:
        return
    lowest, highest = min(a), max(a)
    if highest - lowest >= MOST_COUNTERS:
        raise ValueError(f"counting sort of {lowest} to {highest}: at most {MOST_COUNTERS} values")
    counts = [0] * (highest - lowest + 1)
    for value in a:
        counts[value - lowest] += 1
    start = 0
    for offset, count in enumerate(counts):
        if count:
            a[start : start + count] = [lowest + offset] * count
            start += count


@on_a_copy
def radix(a):
    """Deal into 256 piles by each byte, lowest first: n steps a byte (Knuth 5.2.5). Ints only."""
    if not a:
        return
    lowest, highest = min(a), max(a)
    for shift in range(0, (highest - lowest).bit_length(), 8):
        piles: list[list] = [[] for _ in range(256)]
        for value in a:
            piles[(value - lowest) >> shift & 255].append(value)
        a[:] = [value for pile in piles for value in pile]
