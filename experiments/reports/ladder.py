"""The ladder to π as rows: what each rung costs, and how it does against the one before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from ecotrack import Measurement, host, unit_costs
from ecotrack.meters import gates
from ecotrack.series import Series, time_ratio
from experiments.workloads.pi import METHODS

UNIT, JOULES = "sample", "nj"
Cell = tuple[str, int]  # method and threads
ON_ONE_THREAD = {"all-cores": "numba-lanes"}  # the same method by another name
Row = Mapping[str, Any]


def key(cell: Cell) -> str:
    """A cell as people read it."""
    name, threads = cell
    return f"{name} on {threads}"


@dataclass(frozen=True)
class Apart:
    """What a method costs besides sampling.

    Attributes:
        costs: phase -> cost; no `compile` where nothing was compiled.
        from_cache: whether that is because an earlier run had compiled it.
    """

    costs: Mapping[str, Measurement]
    from_cache: bool


@dataclass(frozen=True)
class Measured:
    """All that a run has measured.

    Attributes:
        samples: of each estimate.
        cells: each method on each number of threads.
        totals: what each counted, of which 4 / samples is π.
        apart: each method's, besides sampling.
        idle: the machine while nothing was done here.
        device: the GPU's name, where one was used.
    """

    samples: int
    cells: Mapping[Cell, Series]
    totals: Mapping[Cell, float]
    apart: Mapping[str, Apart]
    idle: Measurement
    device: str | None

    @property
    def blocks(self) -> Measurement:
        """All sampling together."""
        return sum((series.block for series in self.net_cells.values()), Measurement())

    @property
    def idle_w(self) -> float:
        """Power of the idle machine, watts."""
        return self.idle.total_j / self.idle.wall_s

    @property
    def idle_doubt(self) -> str | None:
        """Why that may not be taken off for net energy; None if it may."""
        others = gates.others_share(self.idle, host.all_cores())
        if others > gates.DISTURBED:
            return f"others had {others:.0%} of the machine"
        return gates.flaw(self.idle)

    @property
    def net_cells(self) -> Mapping[Cell, Series]:
        """The cells, where it may be above the idle machine."""
        if self.idle_doubt:
            return self.cells
        return {cell: series.with_idle(self.idle_w) for cell, series in self.cells.items()}


def table(measured: Measured) -> list[dict[str, Any]]:
    """A row for each method and number of threads."""
    rows = []
    for (name, threads), series in measured.net_cells.items():
        method = METHODS[name]
        alone = measured.cells.get(on_one_thread((name, threads)))
        speed_up = time_ratio(alone, series) if alone else None
        rows.append(
            {
                "method": name,
                "threads": threads,
                "kind": method.kind,
                **unit_costs.per_unit(series, measured.samples, UNIT, JOULES),
                "samples_per_s": measured.samples / series.time_s.median,
                **ratios((name, threads), measured.cells),
                "speed_up": speed_up and speed_up.ratio,
                "speed_up_low": speed_up and speed_up.low,
                "speed_up_high": speed_up and speed_up.high,
                "efficiency": speed_up and speed_up.ratio / threads,
                "error": abs(4 * measured.totals[name, threads] / measured.samples - math.pi),
                "expected_error": method.expected_rmse(measured.samples),
            }
        )
    return rows


def on_one_thread(cell: Cell) -> Cell:
    """The same method on one thread."""
    name, _ = cell
    return ON_ONE_THREAD.get(name, name), 1


def reference(cell: Cell, cells: Iterable[Cell]) -> Cell | None:
    """What a rung is compared with: itself on one thread, else the one before it on one thread."""
    before = list(takewhile(lambda other: other != cell, cells))
    alone = on_one_thread(cell)
    single = [other for other in before if other[1] == 1]
    return alone if alone in before else single[-1] if single else None


def ratios(cell: Cell, cells: Mapping[Cell, Series]) -> Row:
    """How many times as much as its reference a cell took."""
    base = reference(cell, cells)
    if base is None:
        return unit_costs.against(None, cells[cell], None)
    return unit_costs.against(key(base), cells[cell], cells[base])


def of(rows: Sequence[Row], method: str) -> list[Row]:
    """The rows of one method, the fewest threads first."""
    return [row for row in rows if row["method"] == method]
