"""What follows from the figures, and what does not: sentences, each from an interval.

Nothing is claimed where the interval holds "no difference"; that is said instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ecotrack import metrics, reading
from ecotrack.fronts.choosing import Candidate, Choice
from ecotrack.stats import NO_DIFFERENCE, Ratio, newcombe
from ecotrack.tracking import RunView
from ecotrack.unit_costs import ENDS
from experiments.page.augmented import Trained, points
from experiments.page.benchmarks import Benchmark
from experiments.page.front import drawn
from experiments.reports.choice import Searched

MODELLED = ("modelled", "assumed")
TELLING = ("greener", "not greener")
SEED = (
    "Whether the next training with or without augmentation would say the same: each row is one"
    " training, and another seed moves accuracy by some tenths of a point."
)
LUCK = (
    "How lucky the front's first results were: nothing on it was trained again with another seed"
    " (--repeats-front)."
)
ORDER = (
    "An order by energy or grams of work that differs in kind: CPU power was modelled from load."
    " Such a figure tells a size, within its band; rank by time and by CPU time."
)
WALL = (
    "What the wall socket gave: power supply, disks, fans and screens are not metered. The brackets"
    " hold the meters' doubt, not the grid's: regions and hours differ."
)


class Sentence(NamedTuple):
    """One conclusion, and whether the figures bear it out or leave it open."""

    text: str
    holds: bool


class Said(NamedTuple):
    """What the figures bear out, and what they leave open."""

    holds: list[str]
    open: list[str]


def conclude(
    runs: Sequence[RunView],
    sorting: Benchmark | None,
    pi: Benchmark | None,
    models: Sequence[Sequence[Trained]],
    found: Searched | None,
) -> Said:
    """All there is to say of what the page shows."""
    sentences = [
        *(of_sorting(sorting.rows) if sorting else ()),
        *(of_rungs(pi.rows) if pi else ()),
        *(of_threads(pi.verdicts) if pi else ()),
        *of_augmentation(models),
        *(of_front(found) if found else ()),
        *of_meters(runs),
    ]
    return Said([s.text for s in sentences if s.holds], [s.text for s in sentences if not s.holds])


def of_sorting(rows: Sequence[Mapping[str, Any]]) -> Iterable[Sentence]:
    """The quickest and the slowest at the largest size, against their reference."""
    largest = max((row["size"] for row in rows), default=0)
    there = [row for row in rows if row["size"] == largest and row["against"] is not None]
    known = sorted((r for r in there if r["time_ratio"] is not None), key=lambda r: r["time_ratio"])
    if there and not known:
        yield Sentence("Which sort is quicker: other programs disturbed every turn.", False)
    for row in known[:1] + known[1:][-1:]:
        ratio, who = ratio_of(row), f"{row['algorithm']} {{}} {row['against']}"
        where = f"at {largest:,} elements"
        if ratio.differs:
            takes = who.format(f"takes {reading.ratio(ratio)} times as long as")
            yield Sentence(f"{takes} {where}.", True)
        else:
            ends = f"{reading.number(ratio.low)} to {reading.number(ratio.high)} times as long"
            yield Sentence(f"Whether {who.format('is quicker than')} {where}: {ends}.", False)


def of_rungs(rows: Sequence[Mapping[str, Any]]) -> Iterable[Sentence]:
    """Which rungs on the way to π are quicker than what they are compared with."""
    words: dict[str, list[str]] = {"quicker": [], "slower": [], NO_DIFFERENCE: []}
    for row in rows:
        if row["time_ratio"] is not None:
            ratio = ratio_of(row)
            word = "slower" if ratio.ratio > 1 else "quicker"
            name = f"{row['method']} on {row['threads']}"
            words[word if ratio.differs else NO_DIFFERENCE].append(name)
    for word, names in words.items():
        if names and word != NO_DIFFERENCE:
            told = reading.few(names, 6)
            yield Sentence(f"π: {word} than the rung each is compared with: {told}.", True)
        elif names:
            yield Sentence(
                f"π: whether these differ from the rung each is compared with: {', '.join(names)}.",
                False,
            )


def of_threads(verdicts: Sequence[Mapping[str, Any]]) -> Iterable[Sentence]:
    """Whether parallel is greener, method by method."""
    for row in verdicts:
        if row["parallel is"] in TELLING:
            yield Sentence(
                f"{row['method']} threads: parallel is {row['parallel is']}; energy on one thread"
                f" is {row['gross']} times that on many.",
                True,
            )
    unsure = [row for row in verdicts if row["parallel is"] not in TELLING]
    if unsure:
        names = reading.few((f"{row['method']} ({row['parallel is']})" for row in unsure), 6)
        yield Sentence(f"Whether parallel is greener: {names}.", False)


def of_augmentation(models: Sequence[Sequence[Trained]]) -> Iterable[Sentence]:
    """Each augmentation against none, by the test images."""
    for plain, *others in models:
        for other in others:
            found = other.against(plain)
            told = f"{points(found)} points on the test images"
            if found.differs:
                better = "better" if found.difference > 0 else "worse"
                yield Sentence(
                    f"{plain.model}: this training with {other.augmentation} came out {better}"
                    f" than the one without, {told}.",
                    True,
                )
            else:
                unsure = f"{plain.model}: whether {other.augmentation} changes accuracy; {told}."
                yield Sentence(unsure, False)
    if models:
        yield Sentence(SEED, False)


def of_front(found: Searched) -> Iterable[Sentence]:
    """Whether the dearest model is better than others, and whether the search pays."""
    *others, dearest = found.front
    trials = drawn(found)
    on_front = sum(run.tags.get(metrics.PARETO_TAG) == "true" for run in trials)
    study = found.whole.tags.get(metrics.STUDY_TAG, found.whole.name)
    yield Sentence(f"Study {study}: {on_front} of {len(trials)} trials are on the front.", True)
    for other in dict.fromkeys((*others[:1], *others[-1:])):
        yield better(dearest, other)
    life = found.life(Choice(dearest, "", 0.0, [dearest], None, None))
    yield Sentence(
        f"By these figures the search {life.paying()} if {dearest.name} is used, against"
        f" {life.baseline.name}.",
        True,
    )
    if not any(one.repeats for one in found.front):
        yield Sentence(LUCK, False)


def better(dear: Candidate, cheap: Candidate) -> Sentence:
    """Whether the dearer model is better, by the test images."""
    found = newcombe(tested(dear), tested(cheap))
    told = f"{points(found)} points on the test images"
    times = reading.number(dear.training_g / cheap.training_g) if cheap.training_g > 0 else "∞"
    price = f"took {times} times the emissions of training"
    if found.differs and found.difference > 0:
        return Sentence(f"{dear.name} is better than {cheap.name}, {told}, and {price}.", True)
    return Sentence(
        f"Whether {dear.name} is better than {cheap.name}, though it {price}; {told}.", False
    )


def of_meters(runs: Sequence[RunView]) -> Iterable[Sentence]:
    """What such energy cannot tell."""
    sources = {run.tags.get(f"{metrics.SOURCE_TAG}.cpu", "").partition(":")[0] for run in runs}
    if sources & set(MODELLED):
        yield Sentence(ORDER, False)
    if any(metrics.WALL_TAG in run.tags for run in runs):
        yield Sentence(WALL, False)


def ratio_of(row: Mapping[str, Any]) -> Ratio:
    """A row's time over that of its reference."""
    return Ratio(*(row[f"time_ratio{end}"] for end in ENDS))


def tested(one: Candidate) -> tuple[float, float, float]:
    """Accuracy on the test images, and its interval."""
    return one.accuracy, one.accuracy_low, one.accuracy_high
