"""The window: `measure` what a block costs.

    meter.read()  clocks()                     clocks()  meter.read()
────────●────────────●═══════ your block ═══════●────────────●────────
        └── the meter's own work lies outside the clocks' window ──┘
"""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import psutil

from ecotrack.measurement import Measurement

BUSY = ("user", "nice", "system", "irq", "softirq", "steal")  # states of a core at work


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
        self._clocks_before = clocks()

    def so_far(self) -> Measurement:
        """What the block has cost until now."""
        times = clocks(closing=True) - self._clocks_before
        energy = self._meter.read() - self._energy_before
        return replace(
            energy, wall_s=times.wall_s, cpu_s=times.cpu_s, other_cpu_s=times.other_cpu_s
        )


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


def clocks(*, closing: bool = False) -> Measurement:
    """Wall time; CPU time of this process and its children that have been waited for; the rest's.

    A child that still runs counts with the rest. The wall's clock is read nearest to the block, the
    machine's, which is the slowest to read, farthest from it.
    """
    clock = {"busy": _busy_s, "own": _cpu_s, "wall": time.perf_counter}
    order = reversed(clock) if closing else clock
    seen = {name: clock[name]() for name in order}
    cpu_s = seen["own"]
    return Measurement(wall_s=seen["wall"], cpu_s=cpu_s, other_cpu_s=seen["busy"] - cpu_s)


def _cpu_s() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _busy_s() -> float:
    machine = psutil.cpu_times()
    return sum(getattr(machine, state, 0.0) for state in BUSY)
