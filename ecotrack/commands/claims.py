"""What two groups of runs allow to say of each figure: a ratio, its interval, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from ecotrack import metrics
from ecotrack.amount import Amount
from ecotrack.reading import amount, few, percent
from ecotrack.stats import NO_DIFFERENCE, Ratio, unpaired_difference, unpaired_ratio
from ecotrack.tracking import RunView

NOT_COMPARED = "not compared"
NO_CLAIM = "no claim"
ONE_RUN = "one run on a side tells no difference from chance; repeat with another seed"
ONE_SEED = "one seed on a side tells no difference from chance; repeat with another"
REPEATED = "a benchmark repeats its work until its time is known; its own tables compare"
EQUAL_LOAD = 1.1  # times as much CPU time for each second as the other group has, at most
COSTS = {
    "wall time": metrics.WALL_S,
    "CPU time": metrics.CPU_S,
    "energy": metrics.TOTAL_WH,
    "emissions": metrics.EMISSIONS_G,
}
SCORES = {"test accuracy": metrics.EVAL_ACCURACY, "validation accuracy": metrics.VAL_ACCURACY}
PARTS = {"cpu": metrics.CPU_WH, "ram": metrics.RAM_WH, "gpu": metrics.GPU_WH}
ENERGY_NEEDS = {  # tag -> what has to be the same in all runs
    metrics.HOST_TAG: "machine",
    **{f"{metrics.SOURCE_TAG}.{part}": f"origin of {part.upper()} energy" for part in PARTS},
}
GRID_NEEDS = {metrics.COUNTRY_TAG: "country", metrics.INTENSITY_TAG: "intensity of the grid"}
NEEDS: Mapping[str, Mapping[str, str]] = {
    metrics.TOTAL_WH: ENERGY_NEEDS,
    metrics.EMISSIONS_G: {**ENERGY_NEEDS, **GRID_NEEDS},
}
Runs = Sequence[RunView]


@dataclass(frozen=True)
class Claim:
    """One figure of both groups: medians, ratio and verdict in words, and why it is no other.

    `numbers` are those behind the words: medians, and the ratio or the difference with its ends.
    """

    figure: str
    first: str = ""
    second: str = ""
    ratio: str = ""
    interval: str = ""
    verdict: str = NOT_COMPARED
    why: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def in_numbers(self) -> dict[str, Any]:
        """The same for a program that reads on; no ratio where none is told."""
        told = self.numbers if self.ratio else {k: self.numbers.get(k) for k in ("first", "second")}
        return {"figure": self.figure, **told, "verdict": self.verdict, "why": self.why}

    @property
    def cells(self) -> dict[str, str]:
        """A line of a table."""
        return {
            "median": self.figure,
            "first": self.first,
            "second": self.second,
            "ratio": self.ratio,
            "95 %": self.interval,
            "verdict": self.verdict,
        }


def claims(first: Runs, second: Runs) -> list[Claim]:
    """All costs, and the scores that every run has."""
    costs = [cost(figure, metric, first, second) for figure, metric in COSTS.items()]
    shared = set.intersection(*(set(run.metrics) for run in (*first, *second)))
    scores = [(figure, metric) for figure, metric in SCORES.items() if metric in shared]
    found = [*costs, *(score(figure, metric, first, second) for figure, metric in scores)]
    names = {**COSTS, **SCORES}
    return [replace(c, numbers=numbers(names[c.figure], first, second)) for c in found]


def numbers(metric: str, first: Runs, second: Runs) -> dict[str, float]:
    """Medians of both groups, and how much the second is of the first, or above it for a score."""
    if any(metric not in run.metrics for run in (*first, *second)):
        return {}
    ours, theirs = values(metric, first), values(metric, second)
    medians = {"first": median(ours), "second": median(theirs)}
    if metric in SCORES.values():
        apart = unpaired_difference(theirs, ours)
        return {**medians, "difference": apart.difference, "low": apart.low, "high": apart.high}
    if min(*ours, *theirs) <= 0:
        return medians
    ratio = unpaired_ratio(theirs, ours)
    return {**medians, "ratio": ratio.ratio, "low": ratio.low, "high": ratio.high}


def reasons(found: Sequence[Claim]) -> Iterator[str]:
    """Each reason once, as a sentence, after the figures that it is for."""
    for why in dict.fromkeys(claim.why for claim in found if claim.why):
        yield f"{', '.join(claim.figure for claim in found if claim.why == why)}: {why}."


def cost(figure: str, metric: str, first: Runs, second: Runs) -> Claim:
    """How many times as much the second group takes, where that may be asked."""
    if lacking := [run for run in (*first, *second) if not run.metrics.get(metric, 0) > 0]:
        return Claim(figure, why=f"none in {few(lacking)}")
    ours, theirs = values(metric, first), values(metric, second)
    unit, _, _ = metrics.TABLE[metric].unit.partition(" ")
    medians = amount(middle(metric, first), unit), amount(middle(metric, second), unit)
    if why := refusal(metric, [*first, *second]):
        return Claim(figure, *medians, why=why)
    ratio = unpaired_ratio(theirs, ours)
    share = f"{ratio.ratio:.3g}"
    if min(len(first), len(second)) < 2:
        return Claim(figure, *medians, share, verdict=NO_CLAIM, why=ONE_RUN)
    interval = f"{ratio.low:.3g} to {ratio.high:.3g}"
    said = by_meter(told(ratio), first, second) if metric in NEEDS else (told(ratio), "")
    return Claim(figure, *medians, share, interval, *said)


def score(figure: str, metric: str, first: Runs, second: Runs) -> Claim:
    """How many points the second group is better; repeats of one seed are one throw of the dice."""
    ours, theirs = values(metric, first), values(metric, second)
    medians = percent(median(ours)), percent(median(theirs))
    found = unpaired_difference(theirs, ours)
    points = f"{100 * found.difference:+.2f} points"
    if min(len(first), len(second)) < 2:
        return Claim(figure, *medians, points, verdict=NO_CLAIM, why=ONE_RUN)
    if min(seeds(first), seeds(second)) < 2:
        return Claim(figure, *medians, points, verdict=NO_CLAIM, why=ONE_SEED)
    interval = f"{100 * found.low:+.2f} to {100 * found.high:+.2f}"
    verdict = "second better" if found.difference > 0 else "second worse"
    return Claim(figure, *medians, points, interval, verdict if found.differs else NO_DIFFERENCE)


def refusal(metric: str, runs: Runs) -> str:
    """Why a cost of these runs cannot be compared; empty if it can."""
    if any({metrics.SORT_NS, metrics.PI_NS} & set(run.metrics) for run in runs):
        return REPEATED
    for tag, what in NEEDS.get(metric, {}).items():
        said = {run.tags.get(tag, "") for run in runs}
        if "" in said:
            return f"not every run tells the {what}"
        if len(said) > 1:
            return f"the {what} differs: {' | '.join(sorted(said))}"
    return ""


def by_meter(said: str, first: Runs, second: Runs) -> tuple[str, str]:
    """What may be said of energy that is known alike in all runs: (verdict, why).

    A wrong factor of a part is wrong in both groups, and cancels in the ratio of that part. The
    ratio of totals lies between those of the parts: what all of them tell holds with any factors.
    How modelled power follows the load does not cancel, unless the loads are equal.
    """
    tags = first[0].tags
    sources = {part: tags[f"{metrics.SOURCE_TAG}.{part}"].split(":")[0] for part in PARTS}
    unsure = {part: how for part, how in sources.items() if how in ("modelled", "assumed")}
    known = ", ".join(f"{part.upper()} {how}" for part, how in unsure.items())
    loads = load(first), load(second)
    if "cpu" in unsure and max(loads) > EQUAL_LOAD * min(loads):
        busy = " and ".join(f"{share:.2f}" for share in loads)
        why = f"CPU time is {busy} of wall time, and at unequal load the model would answer"
        return NO_CLAIM, f"{known}; {why}"
    told_by_parts = [part_tells(said, metric, first, second) for metric in PARTS.values()]
    if unsure and said != NO_DIFFERENCE and not all(told_by_parts):
        return NO_CLAIM, f"{known}; not all parts of the energy tell the same"
    if "cpu" in unsure:
        return f"{said}, modelled", f"{known}; at equal load the model cancels"
    return said, known


def part_tells(said: str, metric: str, first: Runs, second: Runs) -> bool:
    """Whether a part of the energy, if there is any of it, leads to these words too."""
    ours, theirs = values(metric, first), values(metric, second)
    if not any((*ours, *theirs)):
        return True
    return min(*ours, *theirs) > 0 and told(unpaired_ratio(theirs, ours)) == said


def told(ratio: Ratio) -> str:
    """The words that a ratio of costs allows."""
    if not ratio.differs:
        return NO_DIFFERENCE
    return "second more" if ratio.ratio > 1 else "second less"


def load(runs: Runs) -> float:
    """CPU time for each second of wall time: the median of the runs."""
    return median(run.metrics[metrics.CPU_S] / run.metrics[metrics.WALL_S] for run in runs)


def seeds(runs: Runs) -> int:
    """How many times the dice were thrown; runs that tell no seed count each."""
    return len({run.params.get("seed", run.run_id) for run in runs})


def middle(metric: str, runs: Runs) -> Amount:
    """The median of a cost; the ends of its band are those of the ends of all."""
    each = [metrics.amount(metric, run.metrics) for run in runs]
    lows, highs = [one.low for one in each], [one.high for one in each]
    return Amount(median(one.value for one in each), median(lows), median(highs))


def values(metric: str, runs: Runs) -> list[float]:
    """One figure of each run."""
    return [run.metrics[metric] for run in runs]
