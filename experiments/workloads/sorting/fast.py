"""Our fastest sort: one pass into buckets that fit the cache, then radix sort within each."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from experiments.workloads.sorting import distinct, native, radix

SMALL = 40_000  # elements; to here np.sort is faster, even on its slow path
HAND_OVER = {"int32": 400_000, "int64": 100_000, "float32": 400_000, "float64": 150_000}
"""Elements to which it is faster on its quick path."""
SMALLEST_SHARE = 500_000  # elements worth waking a thread for
BUCKETS = 500  # more write streams than this leave the L1 cache: a pass then costs three times
SMALLEST_BUCKET = 1 << 15  # elements; fewer would be no faster to sort
TASKS_PER_THREAD = 8  # to share out buckets evenly, also when another job takes a core
OVERSIZED = 8  # times the intended bucket: worth a partition of its own
MOST_DISPLACED = 16  # one element in so many may be out of place for a merge to be worth a try
BIN_BITS = {"i": 12, "f": 16}  # floats crowd in a few exponents: only fine bins part them
DTYPES = tuple(np.dtype(name) for name in ("int32", "int64", "float32", "float64"))


def fast_sort(array, threads=1):
    """Return a sorted copy of a one-dimensional int32, int64, float32 or float64 array.

    The result equals that of ``np.sort``: NaNs come last, whatever their sign; -0.0 and 0.0 are
    equal, so either may come first. ``array`` is left alone. Threads are used where each has
    ``SMALLEST_SHARE`` elements to sort.

    Up to ``SMALL`` elements ``np.sort`` does it, up to ``HAND_OVER`` if NumPy is on a quick path. A
    few thousand distinct values are counted, sorted and reversed input is copied; where only a few
    elements are out of place, these are sorted and merged with the others, by one thread. The rest
    is moved once into about 500 buckets that hold equal numbers of elements, over the span of the
    values in hand and not of their type (MSD radix sort), and each bucket is sorted in the cache by
    LSD radix sort: McIlroy, Bostic and McIlroy 1993, "Engineering radix sort"; floats after Herf
    2001, "Radix tricks".

    Memory besides the result: for each thread 2 MB of tables and the scratch of one bucket (at most
    262,144 elements or 1.6 % of the input, whichever is more); if values crowd so much that a
    bucket is larger than that, one buffer of its size; an eighth of an input that is nearly sorted;
    a copy of an input that is not contiguous. Nothing is kept between calls.

    Raises TypeError for another dtype, ValueError for another shape or fewer than one thread.
    """
    if array.dtype not in DTYPES:
        raise TypeError(f"fast_sort cannot sort {array.dtype}: use one of {[*map(str, DTYPES)]}")
    if array.ndim != 1:
        raise ValueError(f"fast_sort sorts one dimension, not the {array.ndim} of this array")
    if threads < 1:
        raise ValueError(f"threads is {threads}: use 1 or more")
    if array.size <= SMALL or (
        array.size <= HAND_OVER[array.dtype.name] and native.np_sort_is_quick(array.dtype)
    ):
        return np.sort(array)
    array, out = np.ascontiguousarray(array), np.empty_like(array)
    threads = max(1, min(threads, array.size // SMALLEST_SHARE))
    if threads == 1:
        _sort_into(out, array, None, map, 1)
    else:
        with ThreadPoolExecutor(threads) as pool:
            _sort_into(out, array, None, pool.map, threads)
    return out


def _sort_into(out, array, spare, run, threads):
    """Sort ``array`` into ``out``; ``spare`` is memory for a crowded bucket, if there is some.

    ``run`` is ``map``, or that of a pool of ``threads``.
    """
    bits = array.view(f"u{array.itemsize}")
    coding = _coding(array.dtype)
    edges = np.linspace(0, bits.size, threads + 1).astype(np.int64)
    shares = [bits[a:b] for a, b in pairwise(edges)]
    overlapping = [bits[max(a - 1, 0) : b] for a, b in pairwise(edges)]
    if _sort_by_counting(out, bits, shares, run):
        return
    surveys = run(lambda share: radix.survey(share, coding), overlapping)
    lows, highs, ascents, descents = zip(*surveys, strict=True)
    if not any(descents):
        out[:] = array
    elif not any(ascents):
        out[:] = array[::-1]
    elif not _sort_displaced(out, bits, coding, sum(descents)):
        lowest, highest = int(min(lows)), int(max(highs))
        _sort_by_buckets(out, shares, _from(coding, lowest), highest - lowest, spare, run)


def _sort_by_counting(out, bits, shares, run):
    """Sort into ``out`` if there are few distinct values, else return False."""
    expected = distinct.few_values(bits)
    if expected is None:
        return False
    tallies = list(run(lambda share: distinct.count_values(share, expected), shares))
    if None in tallies:
        return False
    distinct.fill(out, tallies)
    return True


def _sort_displaced(out, bits, coding, descents):
    """Sort into ``out`` if all but a few are in order, by merging these in; else return False.

    Cook and Kim 1980, "Best sorting algorithm for nearly sorted lists".
    """
    most = out.size // MOST_DISPLACED
    if descents > most // 2:
        return False
    keys, dropped = out.view(bits.dtype), np.empty((2, most), bits.dtype)
    kept, displaced = radix.drop_displaced(bits, coding, keys, dropped[0])
    if kept + displaced < out.size:
        return False
    radix.merge_displaced(keys, *dropped[:, :displaced], coding)
    return True


def _sort_by_buckets(out, shares, coding, span, spare, run):
    """Sort the ``shares`` of the input into ``out``; keys reach from 0 to ``span``."""
    keys = out.view(shares[0].dtype)
    shift = max(0, span.bit_length() - BIN_BITS[out.dtype.kind])
    counts = np.zeros((len(shares), (span >> shift) + 1), np.uint32)
    unsigned_shift = keys.dtype.type(shift)
    list(run(lambda s, c: radix.histogram(s, coding, unsigned_shift, c), shares, counts))

    limit = max(out.size // BUCKETS, SMALLEST_BUCKET)
    bucket_of_bin = np.empty(counts.shape[1], np.uint16)
    first_bin = np.empty(counts.shape[1] + 1, np.int64)
    buckets = radix.group(counts.sum(axis=0), limit, bucket_of_bin, first_bin)
    first_bin = first_bin[: buckets + 1]

    sizes = np.add.reduceat(counts, first_bin[:-1], axis=1, dtype=np.int64)
    starts = np.concatenate(([0], np.cumsum(sizes.sum(axis=0))))
    places = (starts[:-1] + np.cumsum(sizes, axis=0) - sizes).astype(np.uint64)

    def move(share, place):
        radix.scatter(share, coding, unsigned_shift, bucket_of_bin, place, keys)

    list(run(move, shares, places))

    bases = first_bin[:-1].astype(np.uint64) << np.uint64(shift)
    highs = shift + np.array([int(bins - 1).bit_length() for bins in np.diff(first_bin)])
    oversized = OVERSIZED * limit

    def sort_task(a, b):
        radix.sort_buckets(keys, starts[a : b + 1], bases[a:b], highs[a:b], oversized, coding)

    tasks = 1 if len(shares) == 1 else TASKS_PER_THREAD * len(shares)
    cuts = np.unique(np.searchsorted(starts, np.linspace(0, out.size, tasks + 1)))
    list(run(sort_task, cuts[:-1], cuts[1:]))

    sizes = np.diff(starts)
    for b in np.flatnonzero(sizes > oversized):
        crowded = out[starts[b] : starts[b + 1]]
        spare = np.empty(sizes.max(), out.dtype) if spare is None else spare
        source = spare[: crowded.size]
        source[:] = crowded
        _sort_into(crowded, source, source, run, len(shares))


def _coding(dtype):
    """Return the constants with which ``radix.order`` makes keys of this dtype, lowest key 0."""
    unsigned = np.dtype(f"u{dtype.itemsize}").type
    top = 8 * dtype.itemsize - 1
    sign = 1 << top
    if dtype.kind == "i":
        return False, unsigned(top), unsigned(sign), unsigned(sign)
    minus_infinity = ~np.array(-np.inf, dtype).view(unsigned)
    return True, unsigned(top), unsigned(sign), unsigned(minus_infinity)


def _from(coding, lowest):
    """Return ``coding`` with its keys counted from ``lowest``."""
    *rest, origin = coding
    width = 8 * origin.itemsize
    return *rest, type(origin)((int(origin) + lowest) % (1 << width))
