"""What runs cost as a whole, with nothing counted twice: what is within a run is in its figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ecotrack import metrics
from ecotrack.amount import Amount, banded
from ecotrack.tracking import RunView, sessions


@dataclass(frozen=True)
class Bill:
    """Energy and emissions, the runs whose share nobody knows, and, where they are known, bands."""

    energy_wh: float = 0.0
    emissions_g: float = 0.0
    unknown: tuple[RunView, ...] = ()
    bands: tuple[Amount, Amount] | None = field(default=None, compare=False)

    def __add__(self, other: Bill) -> Bill:
        wh, g = self.energy + other.energy, self.emissions + other.emissions
        return Bill(wh.value, g.value, self.unknown + other.unknown, (wh, g))

    @property
    def energy(self) -> Amount:
        """With its band, Wh."""
        return self.bands[0] if self.bands else banded(self.energy_wh, None, None)

    @property
    def emissions(self) -> Amount:
        """With their band, g."""
        return self.bands[1] if self.bands else banded(self.emissions_g, None, None)

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
        seen = [pair for pair in pairs if set(pair) <= set(run.metrics)]
        if seen and all(0 <= run.metrics[name] < math.inf for pair in seen for name in pair):
            return sum((_bill(*pair, run) for pair in seen), Bill()) + missing
    return missing if missing.energy_wh else None


def known(run: RunView) -> str:
    """How the energy of a run is known at its weakest, unless it cannot be right."""
    if metrics.INVALID_TAG in run.tags:
        return "cannot be right"
    return run.tags.get(metrics.SOURCE_TAG, "not told")


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


def _bill(wh: str, g: str, run: RunView) -> Bill:
    energy, emissions = (metrics.amount(name, run.metrics) for name in (wh, g))
    return Bill(energy.value, emissions.value, bands=(energy, emissions))


def _costs(phase: str) -> tuple[str, str]:
    _, wh, g = metrics.phase_metrics(phase)
    return wh, g
