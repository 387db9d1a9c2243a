"""The sorts that people use: Python's own and NumPy's."""

from functools import cache, partial
from timeit import repeat

import numpy as np

from experiments.workloads.sorting.inputs import make
from experiments.workloads.sorting.textbook import on_a_copy

QUICK = 5  # times as fast as scalar code: AVX2 is 7 to 17 times, AVX-512 on Zen 4 at most 4


@on_a_copy
def timsort(a):
    """``sorted`` of Python: merges the runs it finds, n log n steps, n if sorted (Peters 2002)."""
    a.sort()


def np_quicksort(array):
    """``np.sort``: vectorised where the CPU allows, otherwise introsort; n log n steps."""
    return np.sort(array)


def np_stable(array):
    """``np.sort(kind="stable")``: equal elements keep their order; timsort, n log n steps."""
    return np.sort(array, kind="stable")


@cache
def np_sort_is_quick(dtype):
    """Return whether ``np.sort`` of this dtype is QUICK times as fast as the stable sort.

    The stable one has no vector code. NumPy chooses its code path when it is imported and does not
    tell which; so both are timed, once in a process, for some 10 ms.
    """
    sample = make(20_000, dtype, "random", seed=0)
    quick, scalar = (
        min(repeat(partial(sort, sample), number=1, repeat=5)) for sort in (np_quicksort, np_stable)
    )
    return scalar > QUICK * quick
