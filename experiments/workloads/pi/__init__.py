"""π by chance and by better means: a ladder from 100 ns a sample to 0.07.

A dart thrower draws points of a square and counts those inside the disc; an integral sums heights
1 / (1 + x²). Either way π ≈ 4 * total / samples. `METHODS` lists the ladder, slowest first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import fsum, hypot, pi, sqrt
from typing import Literal

from . import compiled, gpu, plain, quasi, registers
from .blocks import total


def darts_rmse(samples: float) -> float:
    """Return the standard error of 4 * hits / samples: sqrt(π (4 - π) / samples), the binomial."""
    return sqrt(pi * (4 - pi) / samples)


def pairs_rmse(samples: float) -> float:
    """Return the darts' error, bounded by the lattice of signed 16-bit coordinates: 9.0e-7 off π.

    Counted exactly; a dart thrower needs 3e12 samples to notice.
    """
    return hypot(darts_rmse(samples), 9.0e-7)


def r2_rmse(samples: float) -> float:
    """Return 1.7 / samples^(3/4), fitted to 64 random shifts at 2^10 … 2^26 samples.

    The order is that of every good two-dimensional point set on a smooth edge.
    """
    return hypot(1.7 * samples**-0.75, 1e-8)  # 31-bit coordinates end there


def stratified_rmse(samples: float) -> float:
    """Return sqrt((π + 4/3) / 12 / samples³): a slice's variance is f'² / 12 samples², exact as f'.

    f(x) = 4 / (1 + x²), and the integral of f'² over 0 … 1 is π + 4/3.
    """
    return hypot(sqrt((pi + 4 / 3) / 12) * samples**-1.5, ROUNDING)


def midpoint_rmse(samples: float) -> float:
    """Return 1 / (12 samples²), the first term of the Euler-Maclaurin formula for 4 / (1 + x²)."""
    return hypot(1 / 12 / samples**2, ROUNDING)


ROUNDING = 2e-15  # what a sum of 2^20 float64 heights loses, measured; it bounds both integrals


@dataclass(frozen=True)
class Method:
    """One rung: how it is run, what it needs and how far from π it is expected to land.

    function: (samples, seed, threads, **options) -> total, threads may be left out
    takes_threads: whether more than one thread makes it faster
    expected_rmse: root mean square error of the estimate over seeds, from the number of samples
    """

    name: str
    function: Callable[..., int | float]
    kind: Literal["pseudo", "quasi", "deterministic"] = "pseudo"
    takes_threads: bool = True
    needs_cuda: bool = False
    expected_rmse: Callable[[float], float] = darts_rmse

    def total(self, samples: int, seed: int, threads: int | None = None, **options) -> int | float:
        """Return the points inside (int, darts) or the summed heights (float); 0 for no samples.

        The same seed gives the same bits for any number of threads. None: the function's default.
        Options go to the function: `progress` on the CPU, `grid` on a GPU. The first call of a
        compiled rung compiles it. Raises ValueError for what it cannot run.
        """
        return self.function(samples, seed, *([] if threads is None else [threads]), **options)

    def estimate(self, samples: int, seed: int, threads: int | None = None, **options) -> float:
        """Return the estimate of π. Raises ValueError for fewer samples than one."""
        if samples < 1:
            raise ValueError(f"an estimate needs at least 1 sample, got {samples}")
        return 4 * self.total(samples, seed, threads, **options) / samples


METHODS = {
    method.name: method
    for method in (
        Method("python", partial(total, plain.python), takes_threads=False),
        Method("numpy-one-shot", partial(total, plain.numpy_one_shot)),
        Method("numpy-chunked", partial(total, plain.numpy_chunked)),
        Method("numba-naive", partial(total, compiled.naive)),
        Method("numba-xoroshiro", partial(total, compiled.xoroshiro)),
        Method("numba-counter", partial(total, compiled.counter)),
        Method("numba-integer", partial(total, compiled.integer)),
        Method("numba-pairs", partial(total, compiled.pairs), expected_rmse=pairs_rmse),
        Method("numba-lanes", partial(total, registers.lanes), expected_rmse=pairs_rmse),
        Method("all-cores", registers.all_cores, expected_rmse=pairs_rmse),
        Method("cuda-textbook", gpu.textbook, takes_threads=False, needs_cuda=True),
        Method(
            "cuda-counter",
            gpu.counter,
            takes_threads=False,
            needs_cuda=True,
            expected_rmse=pairs_rmse,
        ),
        Method("quasi-r2", partial(total, quasi.r2), "quasi", expected_rmse=r2_rmse),
        Method(
            "stratified", partial(total, quasi.stratified, add=fsum), expected_rmse=stratified_rmse
        ),
        Method(
            "midpoint",
            partial(total, quasi.midpoint, add=fsum),
            "deterministic",
            expected_rmse=midpoint_rmse,
        ),
    )
}
