"""What runs cost as a whole, with nothing counted twice: what is within a run is in its figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ecotrack import metrics, sessions
from ecotrack.tracking import RunView


@dataclass(frozen=True)
class Bill:
    """Energy and emissions, and the runs whose share nobody knows."""

    energy_wh: float = 0.0
    emissions_g: float = 0.0
    unknown: tuple[RunView, ...] = ()

    def __add__(self, other: Bill) -> Bill:
        return Bill(
            self.energy_wh + other.energy_wh,
            self.emissions_g + other.emissions_g,
            self.unknown + other.unknown,
        )

    def __sub__(self, other: Bill) -> Bill:
        return self + Bill(-other.energy_wh, -other.emissions_g)


def whole(run: RunView) -> Bill | None:
    """What a run itself says that it cost; None where it says nothing that can be.

    A study's figure covers all its sessions, but what is not yet billed of killed ones; a launched
    run's its whole process; any other run has its phases. Grams without energy are a copy of
    another run's: `choose` has them.
    """
    phases = ((metrics.TOTAL_WH, metrics.EMISSIONS_G), *map(_costs, metrics.PHASES))
    missing = Bill(*sessions.missing(run.tags))
    for pairs in (
        ((metrics.SEARCH_WH, metrics.SEARCH_G),),
        ((metrics.RUN_WH, metrics.RUN_G),),
        phases,
    ):
        seen = [(run.metrics[wh], run.metrics[g]) for wh, g in pairs if {wh, g} <= set(run.metrics)]
        if seen and all(0 <= amount < math.inf for pair in seen for amount in pair):
            return Bill(sum(wh for wh, _ in seen), sum(g for _, g in seen)) + missing
    return missing if missing.energy_wh else None


def own_runs(runs: Sequence[RunView]) -> list[RunView]:
    """All but mere launches, which stand for a run elsewhere."""
    return [run for run in runs if run.tags.get(metrics.KIND_TAG) != "launch"]


def bills(runs: Sequence[RunView]) -> list[tuple[RunView, Bill]]:
    """The runs that lie within no other of these, each with all that is within it.

    A run whose own figure is missing, or smaller than its parts' because it was killed before it
    wrote a newer one, costs what they do. A study of which some sessions lie within another run is
    there without them.
    """
    counted = own_runs(runs)
    inner: dict[str, list[RunView]] = {run.run_id: [] for run in counted}
    lent: dict[str, list[Bill]] = {run.run_id: [] for run in counted}
    outermost: list[RunView] = []
    for run in counted:
        for outer, share in shares(run):
            lent.get(outer, []).append(share)
        inner.get(run.outer_id or "", outermost).append(run)

    def bill(run: RunView) -> Bill:
        parts = sum(map(bill, inner[run.run_id]), sum(lent[run.run_id], Bill()))
        own = whole(run)
        if own is None:
            return parts + Bill(unknown=(run,))
        return own if own.energy_wh >= parts.energy_wh else parts

    def elsewhere(run: RunView) -> Bill:
        return sum((share for outer, share in shares(run) if outer in lent), Bill())

    return [(run, bill(run) - elsewhere(run)) for run in outermost]


def shares(run: RunView) -> list[tuple[str, Bill]]:
    """What of a study lies within other runs: (id of the run, energy and emissions)."""
    told = sessions.costs(run.tags)
    within = sessions.by_process(run.tags, metrics.WITHIN_TAG)
    return [(outer, Bill(*told[process])) for process, outer in within.items() if process in told]


def _costs(phase: str) -> tuple[str, str]:
    _, wh, g = metrics.phase_metrics(phase)
    return wh, g
