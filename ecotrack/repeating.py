"""Repeats done right: works called in turns, ABBA, until their figures are as narrow as asked.

warm-up   round 1   round 2   round 3 …            a round goes on to the next one until
 A  B      A  B      B  A      A  B                there are enough and they are narrow
──────────▐█▌▐█▌────▐█▌▐█▌────▐█▌▐█▌───▶           enough, or the time is up
           each turn is a window of its own, of as many calls as fill it
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ecotrack.cli import option
from ecotrack.measure import Meter, measure
from ecotrack.meters import gates
from ecotrack.series import PRECISION, Series, Turn, long_enough_s
from ecotrack.stats import median_interval, ratio_interval

Work = Callable[[], object]

FEW = 5  # turns that share a block: of more, each lasts as long, for it is a window of its own
LOOP_MARGIN = 1.05  # a turn that runs a little faster than the one before is still long enough
SHORTEST_CALL_S = 1e-9


class InvalidError(Exception):
    """The meter says what cannot be; the message tells what."""


@dataclass(frozen=True)
class Plan:
    """How often and how long.

    Attributes:
        repeats: turns of each work, at the least.
        block_s: what so many turns of a work last together at the least, seconds; its energy is
            read at both ends of each. None: as long as the meters want.
        shortest_turn_s: what one turn lasts at the least, seconds. CodeCarbon looks every 50 ms.
        precision: goes on until the 95 % interval is as narrow as that: its half-width over its
            middle, of the ratio of each time to the first work's, or of the time of a single
            work. None: `repeats` turns and no more.
        limit_s: no round beyond `repeats` begins later than so many seconds after the first.

    Raises:
        ValueError: no turn at all.
    """

    repeats: int = FEW
    block_s: float | None = None
    shortest_turn_s: float = 0.1
    precision: float | None = PRECISION
    limit_s: float = 60.0

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ValueError(f"a plan needs at least 1 turn of each work, got {self.repeats}")

    def turn_s(self, meter: Meter) -> float:
        """What a turn is made to last under this meter."""
        if self.block_s is not None:
            return max(self.shortest_turn_s, self.block_s / self.repeats)
        wanted_s = long_enough_s(meter.read())
        return max(self.shortest_turn_s, wanted_s / min(self.repeats, FEW))


LOOK = Plan()
QUICK = Plan(block_s=1.0, limit_s=30.0)
BRIEF = Plan(block_s=1.0, precision=None)  # a second, however wide the interval
CLAIM = Plan(repeats=30, limit_s=300.0)


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """The options of an experiment that measures in turns.

    A block lasts a second, and so is short for modelled power: twenty sorts at four sizes are some
    sixty blocks, and of ten seconds each they would take ten minutes. `thorough` gives each what
    the meters want, which is ten seconds where power is modelled, and one where it is counted.
    """

    repeats: int = option(5, "turns of each, interleaved, at least", at_least=2, at_most=1000)
    claim: bool = option(False, "30 thorough turns at least, to 2%, as a published figure needs")
    precision: float | None = option(
        None,
        "go on until the times are known as well, such as 2%, or the time is up",
        at_least=1e-4,
        at_most=1,
    )
    thorough: bool = option(
        False, "ten seconds of energy for each figure where power is modelled, instead of one"
    )

    @property
    def plan(self) -> Plan:
        """These options as a plan."""
        if self.claim:
            repeats, precision = max(self.repeats, CLAIM.repeats), self.precision or CLAIM.precision
            return replace(CLAIM, repeats=repeats, precision=precision)
        block_s = LOOK.block_s if self.thorough else QUICK.block_s
        return replace(LOOK, repeats=self.repeats, block_s=block_s, precision=self.precision)


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
        tick: told the name after each warm-up and each turn: 1 + `plan.repeats` times or more.

    Raises:
        InvalidError: more rounds than planned held a measurement that cannot be right.
    """
    fastest_s = {}
    for name, work in works.items():
        fastest_s[name] = _once_s(work)
        tick(name)
    turns: dict[str, list[Turn]] = {name: [] for name in works}
    names, set_aside, turn_s = list(works), list[str](), plan.turn_s(meter)
    start = time.perf_counter()
    while works and not _enough(list(turns.values()), plan, time.perf_counter() - start):
        taken = {}
        for name in names:
            taken[name] = _turn(works[name], meter, _loops(turn_s, fastest_s[name]))
            tick(name)
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
    wanted = plan.precision or PRECISION
    return {name: Series(tuple(kept), wanted, tuple(set_aside)) for name, kept in turns.items()}


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
    times_s = [Series(tuple(taken)).times_s for taken in turns]
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
