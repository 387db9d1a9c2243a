"""The turns of one work: its figures, and how far they may be trusted."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace

from ecotrack import host
from ecotrack.measurement import Measurement
from ecotrack.meters import gates
from ecotrack.stats import Interval, Ratio, median_interval, more_repeats, ratio_interval, trend

PRECISION = 0.02  # of a time, where no other is planned
MODELLED_S = 10.0  # a block of modelled power: its load is counted in ticks of 10 ms
COUNTED_S = 1.0  # a block by RAPL, whose counters move every ms
GPU_S = 10.0  # a block by NVML, whose counters move every 100 ms
UNSTABLE_SD, UNSTABLE_EXTREME = 0.10, 0.50  # of the mean: the rules of pyperf
DRIFT = 0.05  # of the median, from the first turn to the last


def long_enough_s(cost: Measurement) -> float:
    """Seconds that a block must last for its meters to tell its energy; 0 of constant power."""
    wanted = {"modelled": MODELLED_S, "measured": COUNTED_S}
    return max(
        wanted.get(cost.cpu_origin.source, 0.0),
        wanted.get(cost.ram_origin.source, 0.0),
        GPU_S if cost.gpu_origin.source == "measured" else 0.0,
    )


@dataclass(frozen=True)
class Turn:
    """A window of equal calls."""

    cost: Measurement
    loops: int

    @property
    def each(self) -> Measurement:
        """Mean cost of one call."""
        return self.cost / self.loops


@dataclass(frozen=True)
class Series:
    """The turns of one work, in the order of time.

    Attributes:
        turns: what counts.
        precision: half the width of the interval of the time over the time, that is wanted.
        set_aside: why rounds were repeated in which a measurement could not be right.
    """

    turns: tuple[Turn, ...]
    precision: float = PRECISION
    set_aside: tuple[str, ...] = ()

    @property
    def times_s(self) -> tuple[float, ...]:
        """Seconds a call, one for each turn."""
        return tuple(turn.cost.wall_s / turn.loops for turn in self.turns)

    @property
    def cpu_times_s(self) -> tuple[float, ...]:
        """CPU seconds a call, one for each turn; exact, by getrusage."""
        return tuple(turn.cost.cpu_s / turn.loops for turn in self.turns)

    @property
    def energies_j(self) -> tuple[float, ...]:
        """Joules a call, one for each turn."""
        return tuple(turn.cost.total_j / turn.loops for turn in self.turns)

    @property
    def time_s(self) -> Interval:
        """Seconds a call."""
        return median_interval(self.times_s)

    @property
    def cpu_time_s(self) -> Interval:
        """CPU seconds a call."""
        return median_interval(self.cpu_times_s)

    @property
    def energy_j(self) -> Interval:
        """Joules a call. How far the meter is off, this interval of the repeats cannot tell."""
        return median_interval(self.energies_j)

    @property
    def net_j(self) -> Interval | None:
        """Joules a call above the idle machine's; None where its power is not known."""
        above = [turn.cost.net_j for turn in self.turns]
        known = [joules for joules in above if joules is not None]
        if len(known) < len(above):
            return None
        return median_interval([j / t.loops for j, t in zip(known, self.turns, strict=True)])

    def with_idle(self, idle_w: float) -> Series:
        """The same turns on a machine that draws so many watts when idle."""
        costs = (replace(turn.cost, idle_j=idle_w * turn.cost.wall_s) for turn in self.turns)
        turns = tuple(Turn(c, t.loops) for c, t in zip(costs, self.turns, strict=True))
        return replace(self, turns=turns)

    @property
    def loops(self) -> int:
        """Calls in all turns together."""
        return sum(turn.loops for turn in self.turns)

    @property
    def block(self) -> Measurement:
        """Cost of all turns together."""
        return sum((turn.cost for turn in self.turns), Measurement())

    @property
    def each(self) -> Measurement:
        """Mean cost of one call."""
        return self.block / self.loops

    @property
    def short(self) -> bool:
        """Whether all turns together are too short for the meters."""
        return self.block.wall_s < long_enough_s(self.block)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why these figures deserve less trust, a sentence each; none of a good series."""
        aside = tuple(f"set aside: {why}" for why in dict.fromkeys(self.set_aside))
        return aside + tuple(filter(None, (self._unstable(), self._drifting(), self._short())))

    @property
    def advice(self) -> str | None:
        """How many more turns would make the time as narrow as wanted; None if it is."""
        if not self.more_turns:
            return None
        now, wanted = self.time_s.half_width, self.precision
        more = f"some {self.more_turns} more turns"
        return f"the time is known to ±{now:.1%}; ±{wanted:.1%} takes {more}"

    @property
    def more_turns(self) -> int:
        """So many."""
        return more_repeats(len(self.turns), self.time_s.half_width, self.precision)

    def _unstable(self) -> str | None:
        if len(self.turns) < 2:
            return None
        mean = statistics.mean(self.times_s)
        spread = statistics.stdev(self.times_s) / mean
        extreme = max(abs(seconds / mean - 1) for seconds in self.times_s)
        if spread > UNSTABLE_SD:
            return f"unstable: the turns' standard deviation is {spread:.0%} of their mean"
        if extreme > UNSTABLE_EXTREME:
            return f"unstable: a turn is {extreme:.0%} off the mean"
        return None

    def _drifting(self) -> str | None:
        change = trend(self.times_s)
        if abs(change) <= DRIFT:
            return None
        return f"drifting: the time changed by {change:+.0%} from the first turn to the last"

    def _short(self) -> str | None:
        if not self.short:
            return None
        wanted, had = long_enough_s(self.block), self.block.wall_s
        return f"short: these meters want {wanted:g} s, and had {had:.2g} s"


def undisturbed(one: Series, other: Series) -> list[tuple[Measurement, Measurement]]:
    """What a call of each cost in the rounds of both in which others left them alone.

    A turn may be too short to tell; then the block tells, and none of its turns is left. Nor is a
    single one, which tells no difference from chance.
    """
    cores = host.all_cores()
    rounds = [
        (ours, theirs)
        for ours, theirs in zip(one.turns, other.turns, strict=True)
        if not (gates.disturbed(ours.cost, cores) or gates.disturbed(theirs.cost, cores))
    ]
    blocks = (
        sum((ours.cost for ours, _ in rounds), Measurement()),
        sum((theirs.cost for _, theirs in rounds), Measurement()),
    )
    if len(rounds) < 2 or any(gates.disturbed(block, cores) for block in blocks):
        return []
    return [(ours.each, theirs.each) for ours, theirs in rounds]


def time_ratio(one: Series, other: Series) -> Ratio | None:
    """How many times as long a call of one takes; None if others disturbed all of it."""
    pairs = undisturbed(one, other)
    if not pairs:
        return None
    return ratio_interval(
        [ours.wall_s for ours, _ in pairs], [theirs.wall_s for _, theirs in pairs]
    )


def cpu_ratio(one: Series, other: Series) -> Ratio:
    """How many times as much CPU time a call of one takes, which is its own on any machine."""
    return ratio_interval(one.cpu_times_s, other.cpu_times_s)
