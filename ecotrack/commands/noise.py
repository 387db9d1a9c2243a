"""How noisy the machine is now: the same work, timed against itself, should not differ."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import numpy as np

from ecotrack import host
from ecotrack.measure import Meter, measure
from ecotrack.meters import gates
from ecotrack.repeating import PRECISION, Plan, interleave
from ecotrack.stats import Ratio, more_repeats, ratio_interval

TURN_S = 0.1
ELEMENTS = 20_000  # sorted in some 0.1 ms, in the cache of one core


@dataclass(frozen=True)
class Noise:
    """A work timed against itself in pairs of turns.

    Attributes:
        ratio: of its time to its own time.
        pairs: how many.
        spread: standard deviation of the turns over their mean.
        others: share of the cores that others had meanwhile.
        warnings: what the turns themselves say against them: unstable, drifting.
    """

    ratio: Ratio
    pairs: int
    spread: float
    others: float
    warnings: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Quiet, or noisy and why."""
        reasons = [*self.warnings]
        if self.ratio.differs:
            reasons.append("differs from itself")
        if self.ratio.half_width > PRECISION:
            reasons.append(f"wider than ±{PRECISION:.0%}")
        if self.others > gates.DISTURBED:
            reasons.append("others at work")
        return f"noisy: {', '.join(reasons)}" if reasons else "quiet"

    @property
    def meaning(self) -> str:
        """How small a difference can be seen, and what it takes to see a smaller one."""
        width = self.ratio.half_width
        if width >= 1:
            return "The machine is too noisy now to tell even twice as much work from this."
        seen = f"Differences below {width:.1%} would now be lost in the noise of so many turns"
        more = more_repeats(self.pairs, width, PRECISION)
        return f"{seen}; {PRECISION:.0%} takes some {more} pairs more." if more else f"{seen}."


def noise(meter: Meter, seconds: float) -> Noise:
    """Time a small sort against itself, for about so many seconds."""
    values = np.random.default_rng(0).integers(1 << 30, size=ELEMENTS)
    works = dict.fromkeys(("once", "again"), lambda: np.sort(values))
    pairs = round(seconds / len(works) / TURN_S)
    plan = Plan(repeats=pairs, block_s=pairs * TURN_S, precision=None)
    with measure(meter) as window:
        once, again = interleave(works, meter, plan).values()
    times_s = [*once.times_s, *again.times_s]
    kinds = {text.split(":")[0] for text in (*once.warnings, *again.warnings)}
    return Noise(
        ratio_interval(again.times_s, once.times_s),
        pairs,
        statistics.stdev(times_s) / statistics.mean(times_s),
        gates.others_share(window.cost, host.all_cores()),
        tuple(sorted(kinds - {"short"})),  # that one is about energy
    )
