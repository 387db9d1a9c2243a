"""The sorts that people use: Python's own and NumPy's."""

import numpy as np

from experiments.workloads.sorting.textbook import on_a_copy


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
