"""What a run can be priced by, and what a unit of it emits: its SCI score (ISO/IEC 21031)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ecotrack import metrics
from ecotrack.amount import Amount
from ecotrack.fronts import lifetime
from ecotrack.measurement import J_PER_WH
from ecotrack.meters.codecarbon import J_PER_KWH
from ecotrack.meters.grid import Grid
from ecotrack.tracking import RunView, Store


@dataclass(frozen=True)
class Unit:
    """One functional unit of a run: what it is, its energy, and its time where that is known."""

    name: str
    energy_j: Amount
    wall_s: float | None


@dataclass(frozen=True)
class Terms:
    """What is in the grams besides energy and grid.

    Attributes:
        pue: power usage effectiveness of the data centre.
        embodied_kg: emissions of making the machine; None where they are not declared.
        lifetime_years: how long it is to serve.
        share: of the machine that is reserved, 0 to 1.
    """

    pue: float = 1.0
    embodied_kg: float | None = None
    lifetime_years: float | None = None
    share: float = 1.0

    def grams(self, unit: Unit, place: Grid) -> Amount | None:
        """The SCI of one unit: E, PUE and I are known; M is if not declared, or its time is."""
        if self.embodied_kg is not None and unit.wall_s is None:
            return None
        return self.emissions_g(unit, place.intensity_g_per_kwh)

    def emissions_g(self, unit: Unit, intensity_g_per_kwh: float) -> Amount:
        """Emissions of one unit, its share of making the machine included where it is declared."""
        embodied_g = 0.0
        if self.embodied_kg is not None and self.lifetime_years is not None:
            embodied_g = lifetime.embodied_g(
                machine_g=self.embodied_kg * lifetime.G_PER_KG,
                reserved_s=unit.wall_s or 0.0,
                lifespan_s=self.lifetime_years * lifetime.S_PER_YEAR,
                share=self.share,
            )

        def score(energy_j: float) -> float:
            if math.isinf(energy_j):
                return energy_j  # the end of a band that nobody knows
            operational_g = lifetime.operational_g(
                energy_kwh=energy_j / J_PER_KWH,
                pue=self.pue,
                intensity_g_per_kwh=intensity_g_per_kwh,
            )
            return lifetime.sci(
                operational_g=operational_g, embodied_g=embodied_g, functional_units=1
            )

        energy_j = unit.energy_j
        return Amount(*map(score, (energy_j.value, energy_j.low, energy_j.high)))

    def __str__(self) -> str:
        pue = f"PUE {self.pue:g}"
        if self.embodied_kg is None:
            return f"{pue}; M, a share of making the machine, is not declared: --embodied-kg"
        return (
            f"{pue}; M is of {self.embodied_kg:g} kg over {self.lifetime_years:g} years,"
            f" share {self.share:g}"
        )


def units(run: RunView, store: Store) -> Iterator[Unit]:
    """The functional units that a run has figures of."""
    seen = run.metrics
    if {metrics.SORT_UJ, metrics.SORT_NS} <= set(seen):  # the last point is the largest size
        size = max(store.curve(run.run_id, metrics.SORT_UJ))
        name = f"element sorted, in arrays of {size:,}"
        energy_j = metrics.amount(metrics.SORT_UJ, seen) * 1e-6
        yield Unit(name, energy_j, seen[metrics.SORT_NS] * 1e-9)
    if {metrics.PI_NJ, metrics.PI_NS} <= set(seen):
        energy_j = metrics.amount(metrics.PI_NJ, seen) * 1e-9
        yield Unit("sample of π", energy_j, seen[metrics.PI_NS] * 1e-9)
    if metrics.TOTAL_WH in seen and {metrics.VAL_ACCURACY, metrics.EVAL_ACCURACY} & set(seen):
        energy_j = metrics.amount(metrics.TOTAL_WH, seen) * J_PER_WH
        yield Unit("training", energy_j, seen.get(metrics.WALL_S))
    if metrics.INFERENCE_WH_PER_1K in seen:
        energy_j = metrics.amount(metrics.INFERENCE_WH_PER_1K, seen) * J_PER_WH
        yield Unit("1,000 predictions", energy_j, seen.get(metrics.INFERENCE_S_PER_1K))


def reserved_s(run: RunView) -> float | None:
    """How long the machine worked for a run: a study's sessions, else while the run was open."""
    return run.metrics.get(metrics.SEARCH_S, run.wall_s)
