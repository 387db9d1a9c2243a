"""What the ladder to π says: rows, pictures, and a run for each method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ecotrack import Measurement, Result, figures, metrics, reading, unit_costs
from experiments.reports import greener
from experiments.reports.ladder import JOULES, UNIT, Measured, Row, key, of, table
from experiments.workloads.pi import METHODS, gpu
from experiments.workloads.pi import figures as pictures
from experiments.workloads.pi.digits import DIGITS, samples_for


def report(measured: Measured, findings: Sequence[str]) -> Result:
    """Tables, pictures and findings, and a child run for each method."""
    rows = table(measured)
    paid = paid_compilations(rows, measured)
    verdicts = greener.verdicts(measured.net_cells)
    on_device = device_rows(rows, measured)
    known = reading.known(measured.blocks)
    return Result(
        costs={
            "sampling": measured.blocks,
            **unit_costs.compiling(a.costs.get("compile") for a in measured.apart.values()),
            "idle": measured.idle,
        },
        scores={metrics.IDLE_W: measured.idle_w},
        artifacts={
            "pi.csv": rows,
            "pi.json": rows,
            "compiling.json": paid,
            "parallel.json": verdicts,
            **({"cuda.json": on_device} if on_device else {}),
            **draw(rows, f"{measured.samples:,} samples; {known}"),
        },
        tags=device_tag(measured),
        summary={
            f"π from {measured.samples:,} samples, each sample"
            f" ({reading.briefly(measured.blocks)})": readable(rows),
            "Against the rung before, or against itself on one thread, 95 %": compared(rows),
            "When compiling has paid, against pure Python": paid,
            "Is parallel greener? Energy on one thread over energy on many": verdicts,
            f"Each estimate on {measured.device}": on_device,
        },
        findings=[
            *findings,
            idle(measured),
            greener.RULE,
            *unit_costs.not_compiled(name for name, a in measured.apart.items() if a.from_cache),
            *unit_costs.caution(rows, measured.blocks),
        ],
        children={name: of_method(name, rows, measured) for name in measured.apart},
    )


def idle(measured: Measured) -> str:
    """What net energy is above."""
    said = f"The idle machine draws {measured.idle_w:.3g} W ({measured.idle.source})"
    if measured.idle_doubt:
        return f"{said}, and net energy is not told by it: {measured.idle_doubt}."
    return f"{said}; net is without it."


def readable(rows: Sequence[Row]) -> list[dict[str, str]]:
    """The table as it is printed."""
    return [
        {
            "method": row["method"],
            "thr.": str(row["threads"]),
            **unit_costs.readable(row, UNIT, JOULES),
            "error": f"{row['error']:.1e}",
            "expected": f"{row['expected_error']:.1e}",
        }
        for row in rows
    ]


def compared(rows: Sequence[Row]) -> list[dict[str, str]]:
    """How many times as long each took as its reference, and how well its threads are used."""
    return [
        {
            "method": key((row["method"], row["threads"])),
            "against": row["against"],
            "time": unit_costs.compared(row, "time_ratio"),
            "CPU time": unit_costs.compared(row, "cpu_ratio"),
            "efficiency": efficiency(row),
        }
        for row in rows
        if row["against"] is not None
    ]


def efficiency(row: Row) -> str:
    """Speed-up over threads; of a single thread there is nothing to tell."""
    told = row["threads"] > 1 and row["efficiency"] is not None
    return f"{row['efficiency']:.0%}" if told else ""


def draw(rows: Sequence[Row], known: str) -> dict[str, bytes]:
    """The pictures, by file name."""
    single = [of(rows, name)[0] for name in dict.fromkeys(row["method"] for row in rows)]
    based = [row for row in rows if row["speed_up"] is not None]
    several = [row for row in based if any(r["threads"] > 1 for r in of(based, row["method"]))]
    which = "by method (one thread, but for all-cores)"
    charts: dict[str, Any] = {
        "digits": pictures.digits(digit_rows(single), known),
        "time": pictures.by_method(single, "ns_per_sample", "ns a sample", f"Time {which}", known),
        "emissions": pictures.by_method(
            single, "g_per_sample", "g CO2e a sample", f"Emissions {which}", known
        ),
        **({"speed_up": pictures.speed_up(several, known)} if several else {}),
    }
    return {f"{name}.png": figures.png(chart) for name, chart in charts.items()}


def digit_rows(rows: Sequence[Row]) -> list[Row]:
    """Joules that each method is expected to need for each number of digits."""
    found: list[Row] = []
    for row in rows:
        for digits in DIGITS:
            samples = samples_for(METHODS[row["method"]], math.pi * 10**-digits)
            if samples is not None:
                joules = samples * row["nj_per_sample"] * 1e-9
                found.append({**row, "digits": digits, "joules": joules})
    return found


def paid_compilations(rows: Sequence[Row], measured: Measured) -> list[dict[str, str]]:
    """After how many samples each compiled rung has paid, against pure Python."""
    python = next(iter(of(rows, "python")), None)
    return [
        {
            "method": name,
            **unit_costs.paid(apart.costs["compile"], python, of(rows, name)[0], UNIT, JOULES),
        }
        for name, apart in measured.apart.items()
        if python is not None and "compile" in apart.costs
    ]


def device_rows(rows: Sequence[Row], measured: Measured) -> list[dict[str, str]]:
    """What an estimate on the device takes besides its darts, and how full the device is."""
    found = []
    for name, apart in measured.apart.items():
        if "transfer" not in apart.costs:
            continue
        moved, share = apart.costs["transfer"], occupancy(name)
        whole_s = of(rows, name)[0]["ns_per_sample"] * 1e-9 * measured.samples
        found.append(
            {
                "method": name,
                "time": reading.quantity(whole_s, "s"),
                "of it transfer": reading.quantity(moved.wall_s, "s"),
                "energy of transfer": reading.quantity(moved.total_j, "J"),
                "known": reading.known(moved),
                **({} if share is None else {"occupancy": f"{share:.0%}"}),
            }
        )
    return found


def occupancy(name: str) -> float | None:
    """The share of the device's threads that a method has at work; None where nobody tells."""
    rung = METHODS[name].function
    return rung.occupancy() if isinstance(rung, gpu.Rung) else None


def device_tag(measured: Measured) -> dict[str, str]:
    """The GPU that was used."""
    return {metrics.DEVICE_TAG: measured.device} if measured.device else {}


def of_method(name: str, rows: Sequence[Row], measured: Measured) -> Result:
    """A method's own run."""
    mine, share = of(rows, name), occupancy(name)
    cells = measured.net_cells.items()
    sampling = sum((series.block for (own, _), series in cells if own == name), Measurement())
    based, first = [row for row in mine if row["speed_up"] is not None], mine[0]
    return Result(
        costs={"sampling": sampling, **measured.apart[name].costs},
        tags=device_tag(measured) if METHODS[name].needs_cuda else {},
        scores={
            metrics.PI_NS: first["ns_per_sample"],
            metrics.PI_NJ: first["nj_per_sample"],
            metrics.PI_THROUGHPUT: first["samples_per_s"],
            metrics.PI_ERROR: first["error"],
            metrics.PI_EXPECTED_ERROR: first["expected_error"],
            **({} if share is None else {metrics.PI_OCCUPANCY: share}),
        },
        curves={
            metrics.PI_SPEED_UP: {row["threads"]: row["speed_up"] for row in based},
            metrics.PI_EFFICIENCY: {row["threads"]: row["efficiency"] for row in based},
        },
    )
