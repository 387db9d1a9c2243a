"""The window: `measure` what a block costs, `repeat` what is too short to be measured once.

    meter.read()  clocks()                     clocks()  meter.read()
────────●────────────●═══════ your block ═══════●────────────●────────
        └── the meter's own work lies outside the clocks' window ──┘
"""

import math
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import psutil

from ecotrack.measurement import Measurement

BUSY = ("user", "nice", "system", "irq", "softirq", "steal")  # states of a core at work
LOOP_MARGIN = 1.05  # a block that runs a little faster than its calls did is still long enough
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


@dataclass(frozen=True)
class Repeated:
    """A block of equal calls."""

    block: Measurement
    loops: int

    @property
    def each(self) -> Measurement:
        """Cost of one call."""
        return self.block / self.loops


def repeat(
    work: Callable[[], object], meter: Meter, *, block_s: float = SHORTEST_BLOCK_S
) -> Repeated:
    """Cost of one call of `work`, from a block of as many calls as fill `block_s` seconds.

    The first call is a warm-up and the second tells how many calls are needed; neither counts.
    """
    loops = _loops(block_s, _once(work))
    with measure(meter) as window:
        _call(work, loops)
    return Repeated(block=window.cost, loops=loops)


@dataclass(frozen=True)
class Compared:
    """One of several works that were measured in turns.

    Attributes:
        times_s: seconds a call, one for each turn.
        block: a longer block of calls, for the energy.
        loops: calls in that block.
    """

    times_s: tuple[float, ...]
    block: Measurement
    loops: int

    @property
    def each(self) -> Measurement:
        """Cost of one call, from the block."""
        return self.block / self.loops


def interleave(
    works: Mapping[str, Callable[[], object]],
    meter: Meter,
    *,
    repeats: int = 5,
    turn_s: float = 0.05,
    block_s: float = SHORTEST_BLOCK_S,
    tick: Callable[[str], object] = lambda name: None,
) -> dict[str, Compared]:
    """Measure works in turns, so that a machine that slows down slows all of them.

    Each is called twice to warm up and to be timed. Then come `repeats` rounds of turns of at
    least `turn_s`, in ABBA order, and last one block of `block_s` for each work's energy.

    Args:
        works: name -> a call without arguments.
        repeats: rounds.
        turn_s: shortest turn, seconds.
        block_s: length of the energy block, seconds; at least one call.
        tick: told the name before each warm-up, turn and block: repeats + 2 times.
    """
    once_s = {}
    for name, work in works.items():
        tick(name)
        once_s[name] = _once(work)
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(repeats):
        for name in list(works) if number % 2 == 0 else reversed(list(works)):
            tick(name)
            loops = _loops(turn_s, once_s[name])
            start = time.perf_counter()
            _call(works[name], loops)
            times[name].append((time.perf_counter() - start) / loops)
    compared = {}
    for name, work in works.items():
        tick(name)
        loops = _loops(block_s, min(times[name]))
        with measure(meter) as window:
            _call(work, loops)
        compared[name] = Compared(tuple(times[name]), window.cost, loops)
    return compared


def _once(work: Callable[[], object]) -> float:
    """Seconds of the second call; the first one warms up."""
    work()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _loops(block_s: float, once_s: float) -> int:
    return max(1, math.ceil(LOOP_MARGIN * block_s / max(once_s, 1e-9)))


def _call(work: Callable[[], object], loops: int) -> None:
    for _ in range(loops):
        work()


def _clocks() -> Measurement:
    """Wall time; CPU time of this process and its children that have been waited for; the rest's.

    A child that still runs counts with the rest.
    """
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    machine = psutil.cpu_times()
    busy_s = sum(getattr(machine, state, 0.0) for state in BUSY)
    return Measurement(wall_s=time.perf_counter(), cpu_s=cpu_s, other_cpu_s=busy_s - cpu_s)
