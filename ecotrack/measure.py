"""The window: `measure` what a block costs, `repeat` what is too short to be measured once.

    meter.read()  clocks()                     clocks()  meter.read()
────────●────────────●═══════ your block ═══════●────────────●────────
        └── the meter's own work lies outside the clocks' window ──┘
"""

import math
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from ecotrack.measurement import Measurement

SHORTEST_BLOCK_S = 1.0  # modelled power needs it: /proc/stat ticks every 10 ms, cpu_s does not


class Meter(Protocol):
    """A counter that only goes up."""

    def read(self) -> Measurement:
        """Energy and emissions since some fixed moment; times are left to the window."""


class Window:
    """A block under measurement; `cost` is known once the block is left."""

    cost: Measurement

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._energy_before = meter.read()
        self._clocks_before = _clocks()

    def so_far(self) -> Measurement:
        """What the block has cost until now."""
        times = _clocks() - self._clocks_before
        energy = self._meter.read() - self._energy_before
        return replace(energy, wall_s=times.wall_s, cpu_s=times.cpu_s)


@contextmanager
def measure(meter: Meter) -> Iterator[Window]:
    """Measure a block; windows may nest. A block that raises is measured too.

    >>> with measure(meter) as window:
    ...     work()
    >>> window.cost.total_j
    """
    window = Window(meter)
    try:
        yield window
    finally:
        window.cost = window.so_far()


@dataclass(frozen=True)
class Repeated:
    """One call's share of a block of equal calls."""

    each: Measurement
    block: Measurement
    loops: int


def repeat(
    work: Callable[[], object], meter: Meter, *, block_s: float = SHORTEST_BLOCK_S
) -> Repeated:
    """Cost of one call of `work`, from a block of as many calls as fill `block_s` seconds.

    The first call is a warm-up and the second tells how many calls are needed; neither counts.
    """
    work()
    start = time.perf_counter()
    work()
    once_s = time.perf_counter() - start
    loops = max(1, math.ceil(block_s / max(once_s, 1e-9)))
    with measure(meter) as window:
        for _ in range(loops):
            work()
    return Repeated(each=window.cost / loops, block=window.cost, loops=loops)


def _clocks() -> Measurement:
    """Wall time, and CPU time of this process and of its children that have been waited for."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return Measurement(wall_s=time.perf_counter(), cpu_s=cpu_s)
