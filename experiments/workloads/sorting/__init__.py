"""Every sort by name: the textbook ones, plain and compiled, the real ones, and our fastest.

Each takes a list or a one-dimensional array, as ``Algorithm.prepare`` makes it, leaves it alone and
returns a new one, sorted like ``np.sort``: NaNs come last, -0.0 and 0.0 are equal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log2

from experiments.workloads.sorting import compiled, native, textbook
from experiments.workloads.sorting.fast import fast_sort
from experiments.workloads.sorting.inputs import DTYPES

INTEGERS = tuple(dtype for dtype in DTYPES if dtype.startswith("int"))
STEPS = {
    "linear": lambda n: n,
    "loglinear": lambda n: n * log2(n + 1),
    "n^1.3": lambda n: n**1.3,
    "quadratic": lambda n: n * n,
}


@dataclass(frozen=True)
class Algorithm:
    """A sort and what a caller must know of it."""

    name: str
    function: Callable
    """Takes a list or array; also ``threads=`` if ``threaded``."""
    growth: str
    """How steps grow with the size on random input: a key of ``STEPS``."""
    dtypes: tuple[str, ...] = DTYPES
    takes_list: bool = False
    is_compiled: bool = False
    """By Numba, when it first meets a dtype."""
    threaded: bool = False
    most_values: int | None = None
    """Values from the lowest to the highest that it can sort at most; None: any number."""

    @property
    def summary(self):
        """One line: what it does and costs."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    def prepare(self, array):
        """Return the array as this algorithm takes it: as a list, or as it is."""
        return array.tolist() if self.takes_list else array

    def steps(self, size):
        """Return a number proportional to the time for ``size`` random elements."""
        return STEPS[self.growth](size)


def _both(name, growth, **traits):
    """Return the plain and the compiled version of a textbook sort."""
    plain, jitted = getattr(textbook, name), getattr(compiled, name)
    return (
        Algorithm(f"python-{name}", plain, growth, takes_list=True, **traits),
        Algorithm(f"numba-{name}", jitted, growth, is_compiled=True, **traits),
    )


ALGORITHMS = {
    algorithm.name: algorithm
    for algorithm in (
        *_both("bubble", "quadratic"),
        *_both("selection", "quadratic"),
        *_both("insertion", "quadratic"),
        *_both("shell", "n^1.3"),
        *_both("heap", "loglinear"),
        *_both("merge", "loglinear"),
        *_both("quick", "loglinear"),
        *_both("counting", "linear", dtypes=INTEGERS, most_values=compiled.MOST_COUNTERS),
        *_both("radix", "linear", dtypes=INTEGERS),
        Algorithm("sorted", native.timsort, "loglinear", takes_list=True),
        Algorithm("np-quicksort", native.np_quicksort, "loglinear"),
        Algorithm("np-stable", native.np_stable, "loglinear"),
        Algorithm("fast", fast_sort, "linear", is_compiled=True, threaded=True),
    )
}
