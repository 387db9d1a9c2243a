"""What the comparison of sorts says: rows, pictures, and a run for each sort."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecotrack import Measurement, Result, figures, metrics, reading, unit_costs
from ecotrack.series import Series
from ecotrack.stats import growth_exponent
from experiments.workloads.sorting import Algorithm
from experiments.workloads.sorting import figures as pictures

Row = Mapping[str, Any]
UNIT, JOULES = "element", "uj"
BILLION = 10**9
REFERENCE = "np-quicksort"  # what everybody has
BY = {True: "energy", False: "CPU time: modelled energy tells no order"}
CURVES = (
    (metrics.SORT_NS, "ns_per_element"),
    (metrics.SORT_UJ, "uj_per_element"),
    (metrics.SORT_G, "g_per_element"),
)


@dataclass
class Study:
    """What is known of one sort so far.

    Attributes:
        algorithm: the sort.
        compiled: what compiling it cost; None where nothing was compiled.
        from_cache: whether that is because an earlier run had.
        learnt_from: the largest size so far.
        s_per_step: seconds, at that size.
        rows: one a size.
        blocks: all its sorting together.
    """

    algorithm: Algorithm
    compiled: Measurement | None = None
    from_cache: bool = False
    learnt_from: int = 0
    s_per_step: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)
    blocks: Measurement = field(default_factory=Measurement)

    def predicted_s(self, size: int) -> float:
        """Seconds for one array, from the largest size so far."""
        return self.s_per_step * self.algorithm.steps(size)

    def learn(self, size: int, seconds: float) -> None:
        """What one array took; what a call costs by itself makes small ones tell too much."""
        if size >= self.learnt_from:
            self.learnt_from, self.s_per_step = size, seconds / self.algorithm.steps(size)

    def keep(self, size: int, arrays: int, measured: Series, ratios: Row) -> None:
        """Add a row, from calls that sorted so many arrays each; `ratios` to another sort."""
        costs = unit_costs.per_unit(measured, arrays * size, UNIT, JOULES)
        name = self.algorithm.name
        row = {"algorithm": name, "size": size, "arrays": arrays, **costs, **ratios}
        self.rows.append(row)
        self.blocks += measured.block
        self.learn(size, measured.time_s.median / arrays)


def report(studies: Mapping[str, Study], data: str, findings: Sequence[str]) -> Result:
    """Tables, pictures and findings, and a child run for each sort."""
    rows = [row for study in studies.values() for row in study.rows]
    blocks = sum((study.blocks for study in studies.values()), Measurement())
    paid, base = paid_compilations(studies), reference(studies)
    return Result(
        costs={
            **({"sorting": blocks} if rows else {}),
            **unit_costs.compiling(s.compiled for s in studies.values()),
        },
        artifacts={
            "sorting.csv": rows,
            "sorting.json": rows,
            "compiling.json": paid,
            **(draw(rows, studies, f"{data}; {reading.known(blocks)}") if rows else {}),
        },
        summary={
            f"Sorting {data}, each element ({reading.briefly(blocks)})": readable(rows),
            f"Time against {base}, 95 %": compared(rows, "time_ratio"),
            f"CPU time against {base}, 95 %": compared(rows, "cpu_ratio"),
            "When compiling has paid, against pure Python": paid,
        },
        findings=[
            *findings,
            *unit_costs.not_compiled(name for name, s in studies.items() if s.from_cache),
            *unit_costs.caution(rows, blocks),
        ],
        children={name: of_sort(study) for name, study in studies.items() if study.rows},
    )


def reference(names: Iterable[str]) -> str:
    """The sort that the others are compared with: np.sort's, or the last one named."""
    *_, last = names
    return REFERENCE if REFERENCE in names else last


def compared(rows: Sequence[Row], ratio: str) -> list[dict[str, str]]:
    """A row a sort and a column a size: how many times as much as the reference."""
    sizes = dict.fromkeys(row["size"] for row in rows)
    cells = {(row["algorithm"], row["size"]): unit_costs.compared(row, ratio) for row in rows}
    names = dict.fromkeys(row["algorithm"] for row in rows if row["algorithm"] != row["against"])
    return [
        {"algorithm": name, **{f"{size:,}": cells.get((name, size), "") for size in sizes}}
        for name in names
    ]


def readable(rows: Sequence[Row]) -> list[dict[str, str]]:
    """The table as it is printed."""
    return [
        {
            "algorithm": row["algorithm"],
            "elements": f"{row['size']:,}",
            **unit_costs.readable(row, UNIT, JOULES),
        }
        for row in rows
    ]


def draw(rows: Sequence[Row], studies: Mapping[str, Study], known: str) -> dict[str, bytes]:
    """The pictures, by file name."""
    legends = {name: legend(study) for name, study in studies.items()}
    arrays = [{**row, **of_array(row), "legend": legends[row["algorithm"]]} for row in rows]
    billion = ranked([study for study in studies.values() if study.rows])
    charts = {
        "time": pictures.by_size(arrays, "ns_per_array", "ns an array", "Time by size", known),
        "emissions": pictures.by_size(
            arrays, "g_per_array", "g CO2e an array", "Emissions by size", known
        ),
        "billion": pictures.billion(billion, known),
    }
    return {f"{name}.png": figures.png(chart) for name, chart in charts.items()}


def legend(study: Study) -> str:
    """Name and the k of time ~ size^k, where there are two sizes to tell it by."""
    times = [row["ns_per_element"] * row["size"] for row in study.rows]
    k = growth_exponent([row["size"] for row in study.rows], times)
    return study.algorithm.name if math.isnan(k) else f"{study.algorithm.name}, {k:.2f}"


def of_array(row: Row) -> dict[str, float]:
    """The columns of a whole array."""
    return {
        f"{what}_per_array{end}": row[f"{what}_per_element{end}"] * row["size"]
        for what in ("ns", "g")
        for end in unit_costs.ENDS
    }


def ranked(studies: Sequence[Study]) -> list[dict[str, Any]]:
    """What a billion costs by each, the least first: of energy where all of it was measured.

    Else of CPU time, which is exact: modelled energy tells a size and no order.
    """
    measured = all(study.blocks.source == "measured" for study in studies)
    rows = [{**of_billion(study), "by": BY[measured]} for study in studies]
    return sorted(rows, key=lambda row: row["grams" if measured else "cpu_s"])


def of_billion(study: Study) -> dict[str, Any]:
    """Emissions and CPU time of a billion, from the largest size measured, by the sort's growth."""
    last = study.rows[-1]
    times = study.algorithm.steps(BILLION) / study.algorithm.steps(last["size"])
    return {
        "algorithm": study.algorithm.name,
        "grams": last["g_per_element"] * last["size"] * times,
        "cpu_s": last["cpu_ns_per_element"] * 1e-9 * last["size"] * times,
    }


def of_sort(study: Study) -> Result:
    """A sort's own run: its curves by size."""
    return Result(
        costs={"sorting": study.blocks, **unit_costs.compiling([study.compiled])},
        curves={name: {row["size"]: row[key] for row in study.rows} for name, key in CURVES},
    )


def paid_compilations(studies: Mapping[str, Study]) -> list[dict[str, str]]:
    """After how many elements the compiled version of a sort has paid for its compilation."""
    found = []
    for name, study in studies.items():
        plain = studies.get(name.replace("numba-", "python-"))
        if plain is None or plain is study or study.compiled is None:
            continue
        pairs = [(p, c) for p in plain.rows for c in study.rows if p["size"] == c["size"]]
        if pairs:
            slow, quick = pairs[-1]
            row = unit_costs.paid(study.compiled, slow, quick, UNIT, JOULES)
            found.append({"algorithm": name, "in arrays of": f"{slow['size']:,}", **row})
    return found
