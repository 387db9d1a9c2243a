"""What one unit of work costs, an element sorted or a sample, as rows for tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecotrack import gates, host, reading
from ecotrack.lifetime import break_even
from ecotrack.measurement import Measurement
from ecotrack.parallel import powers, rated
from ecotrack.repeating import LONG_ENOUGH_S, Series

Row = Mapping[str, Any]
ENDS = ("", "_low", "_high")
SCALES = {"uj": 1e6, "nj": 1e9}


def per_unit(series: Series, units: float, unit: str, joules: str) -> dict[str, Any]:
    """Time, CPU time, energy and emissions of one unit; `_low` and `_high` are of the repeats.

    The meters' own band is apart, as `_band_low` and `_band_high`: it is the same for all rows of a
    machine, and no repeat makes it narrower. Where CPU power is modelled it holds both models.

    Args:
        series: calls of so many units each.
        units: in one call.
        unit: what it is called, such as `element`.
        joules: `uj` or `nj`, the unit of the energy columns.
    """
    block, scale = series.block, SCALES[joules]
    g_per_j = block.co2_g / block.total_j if block.total_j else 0.0
    row: dict[str, Any] = {}
    figures = zip(ENDS, series.time_s, series.cpu_time_s, series.energy_j, strict=True)
    for end, wall_s, cpu_s, energy_j in figures:
        row |= {
            f"ns_per_{unit}{end}": wall_s / units * 1e9,
            f"cpu_ns_per_{unit}{end}": cpu_s / units * 1e9,
            f"{joules}_per_{unit}{end}": energy_j / units * scale,
            f"g_per_{unit}{end}": energy_j / units * g_per_j,
        }
    calls = series.loops * units
    models = {
        f"{joules}_per_{unit}_{name}": power_w * block.wall_s / calls * scale
        for name, (power_w, _) in powers(block, rated(block, host.cores()), host.cores()).items()
    }
    ends = [joule / calls * scale for joule in block.band_j]
    row |= models
    row[f"{joules}_per_{unit}_band_low"] = min(ends[0], *models.values(), ends[1])
    row[f"{joules}_per_{unit}_band_high"] = max(ends[1], *models.values(), ends[0])
    return row | {
        "power_w": block.total_j / block.wall_s,
        "block_s": block.wall_s,
        "short": block.wall_s < LONG_ENOUGH_S,
        "others": gates.others_share(block, host.all_cores()),
        "warnings": "; ".join(series.warnings),
    }


def readable(row: Row, unit: str, joules: str) -> dict[str, str]:
    """The columns of a row that are printed."""
    energy, scale = f"{joules}_per_{unit}", SCALES[joules]
    return {
        "ns": f"{row[f'ns_per_{unit}']:.3g}",
        "95 %": f"{row[f'ns_per_{unit}_low']:.3g}–{row[f'ns_per_{unit}_high']:.3g}",
        "CPU ns": f"{row[f'cpu_ns_per_{unit}']:.3g}",
        "energy": reading.quantity(row[energy] / scale, "J"),
        "meters say": "–".join(
            reading.quantity(row[f"{energy}_band_{end}"] / scale, "J") for end in ("low", "high")
        ),
        "emissions": reading.quantity(row[f"g_per_{unit}"], "g"),
        "block": mark(row),
    }


def mark(row: Row) -> str:
    """What is to be said of a row's block in two words."""
    marks = ["short" if row["short"] else "full"]
    if row["others"] > gates.DISTURBED:
        marks.append(f"disturbed {row['others']:.0%}")
    marks += [kind for kind in ("unstable", "drifting") if f"{kind}:" in row["warnings"]]
    return ", ".join(marks)


def caution(rows: Sequence[Row], cost: Measurement) -> list[str]:
    """What a reader of such rows must know before he ranks them."""
    said = []
    if cost.cpu_origin.source in ("modelled", "assumed"):
        said.append(
            "Rank these by time and by CPU time, which are exact. Their energy is"
            f" {cost.cpu_origin.source}: it tells a size, within the meters' band, and no order."
        )
    noisy = sum(row["others"] > gates.DISTURBED for row in rows)
    if noisy:
        said.append(
            f"Others had more than {gates.DISTURBED:.0%} of the machine during {noisy} of"
            f" {len(rows)} blocks: those figures are not the work's alone."
        )
    unsteady = [row for row in rows if row["warnings"].replace("short:", "").count(":")]
    if unsteady:
        said.append(
            f"{len(unsteady)} of {len(rows)} series were unstable or drifting: more repeats, or a"
            " quieter machine, would tell more."
        )
    return said


def paid(compiled: Measurement, slow: Row, quick: Row, unit: str, joules: str) -> dict[str, str]:
    """After how many units a compilation has paid, in time and in energy."""
    time, energy = f"ns_per_{unit}", f"{joules}_per_{unit}"
    scale = SCALES[joules]
    in_time = break_even(compiled.wall_s, slow[time] / 1e9, quick[time] / 1e9)
    in_energy = break_even(compiled.total_j, slow[energy] / scale, quick[energy] / scale)
    return {
        "time": f"{compiled.wall_s:.2f} s",
        "energy": reading.quantity(compiled.total_wh, "Wh"),
        "paid in time": reading.uses(in_time),
        "paid in energy": reading.uses(in_energy, f"{unit}s"),
    }
