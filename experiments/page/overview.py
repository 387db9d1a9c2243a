"""What was run on which machine, how it ended, what it cost, and how well that is known."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ecotrack import metrics
from ecotrack.commands.bill import Bill, bills, own_runs
from ecotrack.reading import PARTS, amount, few
from ecotrack.tracking import RunView
from experiments.page.price import Price

NOT_TOLD = "not told"
MOST_MACHINES = 12  # that are listed


@dataclass(frozen=True)
class Group:
    """The runs of one experiment."""

    experiment: str
    runs: int
    ended_early: int
    invalid: int
    disturbed: int
    energy: str
    price: Price


@dataclass(frozen=True)
class Machine:
    """A machine, how the energy of its runs is known by part, and how many they are."""

    name: str
    runs: int
    parts: Mapping[str, str]


@dataclass(frozen=True)
class Overview:
    """All runs of a store.

    Attributes:
        runs: how many there are; what only launched another run is none.
        bill: what they cost in all, nothing counted twice.
        since, until: the days of the first and the last, in UTC; empty of none.
        groups: one an experiment.
        machines: those with most runs first.
        more_machines: how many are not listed.
        doubts: what is to be said against the figures, in sentences.
    """

    runs: int
    bill: Bill
    since: str
    until: str
    groups: Sequence[Group]
    machines: Sequence[Machine]
    more_machines: int
    doubts: Sequence[str]

    @property
    def price(self) -> Price:
        """Emissions of it all."""
        return price_of(self.bill)


def overview(runs: Sequence[RunView], experiments: Mapping[str, str]) -> Overview:
    """Look over all runs; `experiments` are id -> name."""
    mine = own_runs(runs)
    billed: dict[str, Bill] = defaultdict(Bill)
    for run, bill in bills(mine):
        billed[experiments[run.experiment_id]] += bill
    by_experiment: dict[str, list[RunView]] = defaultdict(list)
    for run in mine:
        by_experiment[experiments[run.experiment_id]].append(run)
    total = sum(billed.values(), Bill())
    machines = machines_of(mine)
    days = [f"{datetime.fromtimestamp(run.start_s, UTC):%d %B %Y}" for run in mine]
    return Overview(
        runs=len(mine),
        bill=total,
        since=days[0] if days else "",
        until=days[-1] if days else "",
        groups=[group(name, by_experiment[name], billed[name]) for name in sorted(by_experiment)],
        machines=machines[:MOST_MACHINES],
        more_machines=max(0, len(machines) - MOST_MACHINES),
        doubts=list(doubts(mine, total)),
    )


def group(name: str, runs: Sequence[RunView], bill: Bill) -> Group:
    """One row of the table."""
    return Group(
        experiment=name,
        runs=len(runs),
        ended_early=sum(run.status in ("FAILED", "KILLED") for run in runs),
        invalid=sum(metrics.INVALID_TAG in run.tags for run in runs),
        disturbed=sum(metrics.DISTURBED_TAG in run.tags for run in runs),
        energy=energy_text(bill),
        price=price_of(bill),
    )


def energy_text(bill: Bill) -> str:
    """Energy with its band, as people read it."""
    return amount(bill.energy, "Wh")


def price_of(bill: Bill) -> Price:
    """Its emissions."""
    return Price(bill.emissions, bill.energy.value)


def machines_of(runs: Iterable[RunView]) -> list[Machine]:
    """Each machine with each way of knowing energy, most runs first."""
    ways = Counter(
        (
            run.tags.get(metrics.HOST_TAG, NOT_TOLD),
            *(run.tags.get(f"{metrics.SOURCE_TAG}.{part}", NOT_TOLD) for part in PARTS),
        )
        for run in runs
        if metrics.SOURCE_TAG in run.tags
    )
    return [
        Machine(name, count, dict(zip(PARTS.values(), told, strict=True)))
        for (name, *told), count in ways.most_common()
    ]


def doubts(runs: Sequence[RunView], bill: Bill) -> Iterable[str]:
    """What is wrong with some of the runs."""
    if invalid := [run for run in runs if metrics.INVALID_TAG in run.tags]:
        why = few(f"{short(run)} ({run.tags[metrics.INVALID_TAG]})" for run in invalid)
        yield f"{len(invalid)} of {len(runs)} runs cannot be right: {why}. No chart here has them."
    if early := [run for run in runs if run.status in ("FAILED", "KILLED")]:
        yield (
            f"{len(early)} of {len(runs)} runs failed or were killed. What they had cost is in the"
            " sum; no chart here has them."
        )
    if disturbed := [run for run in runs if metrics.DISTURBED_TAG in run.tags]:
        yield (
            f"Other programs had a share of the machine during {len(disturbed)} of {len(runs)}"
            " runs: their figures are not the work's alone."
        )
    if bill.unknown:
        yield f"Runs that measured nothing: {len(bill.unknown)}; what they spent comes on top."


def short(run: RunView) -> str:
    """A run as it is called in a sentence."""
    name = run.name if len(run.name) <= 40 else f"{run.name[:40]}…"
    return f"{name} {run.short_id}"


def believed(run: RunView) -> bool:
    """Whether a chart may have it: it is finished, and can be right."""
    return run.status == "FINISHED" and metrics.INVALID_TAG not in run.tags
