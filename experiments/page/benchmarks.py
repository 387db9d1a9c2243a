"""The newest comparisons of sorts and of ways to π, as charts and rows of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecotrack import metrics, reading, unit_costs
from ecotrack.amount import Amount
from ecotrack.measurement import J_PER_WH
from ecotrack.tracking import RunView, Store
from experiments.page import charts
from experiments.page.overview import believed
from experiments.page.price import Price, intensity
from experiments.reports.pi import digit_rows
from experiments.workloads.pi import METHODS

Rows = list[dict[str, Any]]
BAND = ("_band_low", "_band_high")
KINDS = {"python": "Python", "numba": "Numba", "fast": "our fastest"}


@dataclass(frozen=True)
class Benchmark:
    """One run of a comparison.

    Attributes:
        run: whose tables these are.
        rows: of its main table, all columns.
        verdicts: whether parallel is greener, where that was asked.
        charts: name -> Vega-Lite.
        table: what is printed below the charts; cells are text or `Price`.
    """

    run: RunView
    rows: Rows
    charts: Mapping[str, dict[str, Any]]
    table: Sequence[Mapping[str, Any]]
    verdicts: Rows = field(default_factory=list)


def newest(
    store: Store, runs: Sequence[RunView], kind: str, make: Callable[[Store, RunView], Benchmark]
) -> Benchmark | None:
    """The last run of a kind that can be believed and left its table; None if there is none."""
    for run in reversed(runs):
        if run.tags.get(metrics.KIND_TAG) == kind and believed(run):
            try:
                return make(store, run)
            except (LookupError, ValueError, TypeError):
                continue  # a table of another version, or none
    return None


def sorting(store: Store, run: RunView) -> Benchmark:
    """Time and emissions by size, and each sort at its largest."""
    rows = store.table(run.run_id, "sorting.json")
    drawn = [{**of_array(row), "kind": kind_of(row["algorithm"])} for row in rows]
    largest = {row["algorithm"]: row for row in rows}  # sizes grow
    return Benchmark(
        run,
        rows,
        charts={
            "sorting-time": charts.by_size(
                drawn, "s", "seconds an array (log scale)", "Time by size, a line a sort"
            ),
            "sorting-emissions": charts.by_size(
                drawn, "g", "g CO2e an array (log scale)", "Emissions by size, a line a sort"
            ),
        },
        table=[
            {"sort": name, "elements": f"{row['size']:,}", **unit(row, "element", "uj")}
            for name, row in largest.items()
        ],
    )


def pi(store: Store, run: RunView) -> Benchmark:
    """Time and emissions by method, energy by digits."""
    rows = store.table(run.run_id, "pi.json")
    fewest: dict[str, Any] = {}
    for row in rows:
        fewest.setdefault(row["method"], row)
    single = list(fewest.values())
    drawn = [
        {
            "method": row["method"],
            "kind": row["kind"],
            **ends("s", row, "ns_per_sample", 1e-9),
            **ends("g", row, "g_per_sample"),
            "intensity": per_kwh(row, "sample", "nj"),
        }
        for row in single
    ]
    known = [row for row in single if row["method"] in METHODS]
    joules = [
        {name: row[name] for name in ("method", "kind", "digits", "joules")}
        for row in digit_rows(known)
    ]
    return Benchmark(
        run,
        rows,
        charts={
            "pi-time": charts.by_method(
                drawn, "s", "seconds a sample", "Time for a sample, a dot a method"
            ),
            "pi-emissions": charts.by_method(
                drawn, "g", "g CO2e a sample", "Emissions of a sample, a dot a method"
            ),
            "pi-digits": charts.digits(joules, "Energy by correct digits of π, a line a method"),
        },
        table=[
            {"method": row["method"], "threads": str(row["threads"]), **unit(row, "sample", "nj")}
            for row in rows
        ],
        verdicts=store.table(run.run_id, "parallel.json"),
    )


def unit(row: Mapping[str, Any], name: str, joules: str) -> dict[str, Any]:
    """One unit's time, CPU time, energy and emissions with the meters' band, and its ratio."""
    scale = unit_costs.SCALES[joules]
    band = Amount(*(row[f"{joules}_per_{name}{end}"] / scale for end in ("", *BAND)))
    low, high = (reading.number(row[f"ns_per_{name}_{end}"]) for end in ("low", "high"))
    return {
        "time, ns (95 %)": f"{reading.number(row[f'ns_per_{name}'])} ({low}–{high})",
        "CPU time, ns": reading.number(row[f"cpu_ns_per_{name}"]),
        "energy": reading.amount(band, "J"),
        "emissions": Price(band.told_as(row[f"g_per_{name}"]), band.value / J_PER_WH),
        "times as long as": against(row),
    }


def against(row: Mapping[str, Any]) -> str:
    """The ratio to the reference, with its name."""
    if row["against"] is None:
        return ""
    return f"{row['against']}: {unit_costs.compared(row, 'time_ratio')}"


def of_array(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a whole array that are drawn."""
    size = row["size"]
    return {
        "algorithm": row["algorithm"],
        "size": size,
        **ends("s", row, "ns_per_element", size * 1e-9),
        **ends("g", row, "g_per_element", size),
        "intensity": per_kwh(row, "element", "uj"),
    }


def ends(name: str, row: Mapping[str, Any], key: str, times: float = 1.0) -> dict[str, float]:
    """A figure and its interval, under another name."""
    return {f"{name}{end}": row[f"{key}{end}"] * times for end in unit_costs.ENDS}


def per_kwh(row: Mapping[str, Any], name: str, joules: str) -> float | None:
    """Grams a kWh by which a row's emissions were reckoned."""
    return intensity(
        row[f"g_per_{name}"], row[f"{joules}_per_{name}"] / unit_costs.SCALES[joules] / J_PER_WH
    )


def kind_of(algorithm: str) -> str:
    """Who runs a sort."""
    return KINDS.get(algorithm.partition("-")[0], "NumPy and built in")
