"""Repeats done right: works called in turns, ABBA, until their figures are as narrow as asked.

warm-up   round 1   round 2   round 3 …            a round goes on to the next one until
 A  B      A  B      B  A      A  B                there are enough and they are narrow
──────────▐█▌▐█▌────▐█▌▐█▌────▐█▌▐█▌───▶           enough, or the time is up
           each turn is a window of its own, of as many calls as fill it
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ecotrack import gates
from ecotrack.cli import option
from ecotrack.measure import Meter, measure
from ecotrack.measurement import Measurement
from ecotrack.stats import Interval, median_interval, more_repeats, ratio_interval, trend

Work = Callable[[], object]

PRECISION = 0.02
LOOP_MARGIN = 1.05  # a turn that runs a little faster than the one before is still long enough
SHORTEST_CALL_S = 1e-9
LONG_ENOUGH_S = 10.0  # for modelled power: the load it rests on is counted in ticks of 10 ms
UNSTABLE_SD, UNSTABLE_EXTREME = 0.10, 0.50  # of the mean: the rules of pyperf
DRIFT = 0.05  # of the median, from the first turn to the last


class InvalidError(Exception):
    """The meter says what cannot be; the message tells what."""


@dataclass(frozen=True)
class Plan:
    """How often and how long.

    Attributes:
        repeats: turns of each work, at the least.
        block_s: what so many turns of a work last together at the least, seconds; its energy is
            read at both ends of each.
        shortest_turn_s: what one turn lasts at the least, seconds. CodeCarbon looks every 50 ms.
        precision: goes on until the 95 % interval is as narrow as that: its half-width over its
            middle, of the ratio of each time to the first work's, or of the time of a single
            work. None: `repeats` turns and no more.
        limit_s: no round beyond `repeats` begins later than so many seconds after the first.

    Raises:
        ValueError: no turn at all.
    """

    repeats: int = 5
    block_s: float = LONG_ENOUGH_S
    shortest_turn_s: float = 0.1
    precision: float | None = PRECISION
    limit_s: float = 60.0

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ValueError(f"a plan needs at least 1 turn of each work, got {self.repeats}")

    @property
    def turn_s(self) -> float:
        """What a turn is made to last."""
        return max(self.shortest_turn_s, self.block_s / self.repeats)


LOOK = Plan()
QUICK = Plan(block_s=1.0, limit_s=30.0)
BRIEF = Plan(block_s=1.0, precision=None)  # a second, however wide the interval
CLAIM = Plan(repeats=30, block_s=6 * LONG_ENOUGH_S, limit_s=300.0)


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """The options of an experiment that measures in turns."""

    repeats: int = option(5, "turns of each, interleaved, at least", at_least=2, at_most=1000)
    claim: bool = option(False, "30 turns at least, as a published figure needs")
    precision: float | None = option(
        None,
        "go on until the times are known as well, such as 2%, or the time is up",
        at_least=1e-4,
        at_most=1,
    )
    thorough: bool = option(False, "ten seconds of energy for each figure instead of one")

    @property
    def plan(self) -> Plan:
        """These options as a plan."""
        return Plan(
            repeats=max(self.repeats, CLAIM.repeats) if self.claim else self.repeats,
            block_s=LONG_ENOUGH_S if self.thorough else QUICK.block_s,
            precision=self.precision,
            limit_s=CLAIM.limit_s if self.claim else LOOK.limit_s,
        )


@dataclass(frozen=True)
class Turn:
    """A window of equal calls."""

    cost: Measurement
    loops: int


@dataclass(frozen=True)
class Series:
    """The turns of one work, in the order of time.

    Attributes:
        turns: what counts.
        plan: how often and how long.
        set_aside: why rounds were repeated in which a measurement could not be right.
    """

    turns: tuple[Turn, ...]
    plan: Plan
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
    def warnings(self) -> tuple[str, ...]:
        """Why these figures deserve less trust, a sentence each; none of a good series."""
        aside = tuple(f"set aside: {why}" for why in dict.fromkeys(self.set_aside))
        return aside + tuple(filter(None, (self._unstable(), self._drifting(), self._short())))

    @property
    def advice(self) -> str | None:
        """How many more turns would make the time as narrow as planned; None if it is."""
        wanted = self.plan.precision or PRECISION
        now = self.time_s.half_width
        more = more_repeats(len(self.turns), now, wanted)
        if not more:
            return None
        return f"the time is known to ±{now:.1%}; ±{wanted:.1%} takes some {more} more turns"

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
        block = self.block
        if block.cpu_origin.source != "modelled" or block.wall_s >= LONG_ENOUGH_S:
            return None
        return f"short: modelled power wants {LONG_ENOUGH_S:g} s, and had {block.wall_s:.2g} s"


def repeat(work: Work, meter: Meter, plan: Plan = LOOK) -> Series:
    """Measure one work: see `interleave`.

    >>> repeat(work, meter).energy_j
    """
    return interleave({"": work}, meter, plan)[""]


def interleave(
    works: Mapping[str, Work],
    meter: Meter,
    plan: Plan = LOOK,
    *,
    tick: Callable[[str], object] = lambda name: None,
) -> dict[str, Series]:
    """Measure works in turns, so that a machine that slows down slows all of them.

    Each is called twice, to warm up and to be timed, which counts nowhere. Then come rounds of a
    turn for each, in ABBA order. Ratios: `ratio_interval(a.times_s, b.times_s)`.

    Args:
        works: name -> a call without arguments; the first one is what the others compare with.
        meter: whatever has a `read()`.
        plan: how often and how long.
        tick: told the name before each warm-up and each turn: 1 + `plan.repeats` times or more.

    Raises:
        InvalidError: more rounds than planned held a measurement that cannot be right.
    """
    fastest_s = {}
    for name, work in works.items():
        tick(name)
        fastest_s[name] = _once_s(work)
    turns: dict[str, list[Turn]] = {name: [] for name in works}
    names, set_aside = list(works), list[str]()
    start = time.perf_counter()
    while works and not _enough(list(turns.values()), plan, time.perf_counter() - start):
        taken = {}
        for name in names:
            tick(name)
            taken[name] = _turn(works[name], meter, _loops(plan.turn_s, fastest_s[name]))
        names.reverse()
        flaws = [why for turn in taken.values() if (why := gates.flaw(turn.cost))]
        if flaws:
            set_aside += flaws
            if len(set_aside) > plan.repeats:
                raise InvalidError(
                    f"too many measurements cannot be right, the last one: {flaws[-1]}"
                )
            continue
        for name, turn in taken.items():
            fastest_s[name] = min(fastest_s[name], turn.cost.wall_s / turn.loops)
            turns[name].append(turn)
    return {name: Series(tuple(kept), plan, tuple(set_aside)) for name, kept in turns.items()}


def narrow(times_s: Sequence[Sequence[float]], precision: float) -> bool:
    """Whether the ratios to the first times, or the only times, are known as well as that.

    Pairs share the machine's pace, so that ratios grow narrow long before times do.
    """
    first, *others = times_s
    if not others:
        return median_interval(first).half_width <= precision
    return all(ratio_interval(other, first).half_width <= precision for other in others)


def _enough(turns: Sequence[Sequence[Turn]], plan: Plan, elapsed_s: float) -> bool:
    if len(turns[0]) < plan.repeats:
        return False
    if plan.precision is None or elapsed_s >= plan.limit_s:
        return True
    times_s = [Series(tuple(taken), plan).times_s for taken in turns]
    return narrow(times_s, plan.precision)


def _once_s(work: Work) -> float:
    """Seconds of the second call; the first one warms up."""
    work()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _loops(turn_s: float, call_s: float) -> int:
    return max(1, math.ceil(LOOP_MARGIN * turn_s / max(call_s, SHORTEST_CALL_S)))


def _turn(work: Work, meter: Meter, loops: int) -> Turn:
    with measure(meter) as window:
        for _ in range(loops):
            work()
    return Turn(window.cost, loops)
