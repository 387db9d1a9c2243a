"""What one unit of work costs, an element sorted or a sample, as rows for tables and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecotrack import host, reading
from ecotrack.amount import Amount
from ecotrack.fronts.lifetime import break_even
from ecotrack.measurement import Measurement
from ecotrack.meters import gates
from ecotrack.parallel import powers, rated
from ecotrack.series import Series, cpu_ratio, time_ratio
from ecotrack.stats import NO_DIFFERENCE, Ratio

Row = Mapping[str, Any]
ENDS = ("", "_low", "_high")
SCALES = {"uj": 1e6, "nj": 1e9}


def per_unit(series: Series, units: float, unit: str, joules: str) -> dict[str, Any]:
    """Time, CPU time, energy and emissions of one unit; `_low` and `_high` are of the repeats.

    The meters' own band is apart, as `_band_low` and `_band_high`: it is the same for all rows of a
    machine, and no repeat makes it narrower. Where CPU power is modelled it holds both models.
    `_net` is above the idle machine, and None where its power is not known.

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
    net_j = series.net_j or (None, None, None)
    for end, above_j in zip(ENDS, net_j, strict=True):
        net = f"{joules}_per_{unit}_net{end}"
        row[net] = None if above_j is None else above_j / units * scale
    told = row[f"{joules}_per_{unit}"]  # the median, around which mean and band are placed
    cores, drawn_w = host.all_cores(), block.total_j / block.wall_s
    models = {
        f"{joules}_per_{unit}_{name}": told * power_w / drawn_w if drawn_w else 0.0
        for name, (power_w, _) in powers(block, rated(block, cores), cores).items()
    }
    band = block.energy_j.told_as(told)
    row |= models
    row[f"{joules}_per_{unit}_band_low"] = min(band.low, *models.values(), band.high)
    row[f"{joules}_per_{unit}_band_high"] = max(band.high, *models.values(), band.low)
    return row | {
        "known": reading.known(block),
        "power_w": drawn_w,
        "block_s": block.wall_s,
        "short": series.short,
        "others": gates.others_share(block, host.all_cores()),
        "warnings": "; ".join(series.warnings),
        "turns": len(series.turns),
        "more_turns": series.more_turns,
        "advice": series.advice or "",
    }


def against(
    name: str | None, series: Series, reference: Series | None, work: float = 1.0
) -> dict[str, Any]:
    """How many times the time and the CPU time of a reference measured in the same rounds.

    Args:
        name: of the reference.
        series: what is compared.
        reference: its turns; None where there is none.
        work: units in a call of this for each in a call of the reference.
    """
    if reference is None:
        return {"against": None, **_ratio("time_ratio", None), **_ratio("cpu_ratio", None)}
    return {
        "against": name,
        **_ratio("time_ratio", time_ratio(series, reference), work),
        **_ratio("cpu_ratio", cpu_ratio(series, reference), work),
    }


def _ratio(key: str, ratio: Ratio | None, work: float = 1.0) -> dict[str, float | None]:
    if ratio is None:
        return {f"{key}{end}": None for end in ENDS}
    figures = zip(ENDS, (ratio.ratio, ratio.low, ratio.high), strict=True)
    return {f"{key}{end}": figure / work for end, figure in figures}


def compared(row: Row, key: str) -> str:
    """A ratio with its interval; the words where it tells no difference, or nothing."""
    if row["against"] is None:
        return ""
    if row[key] is None:
        return "disturbed"
    ratio = Ratio(*(row[f"{key}{end}"] for end in ENDS))
    return reading.ratio(ratio) if ratio.differs else NO_DIFFERENCE


def readable(row: Row, unit: str, joules: str) -> dict[str, str]:
    """The columns of a row that are printed."""
    energy, scale = f"{joules}_per_{unit}", SCALES[joules]
    ends = (row[f"{energy}{end}"] / scale for end in ("", "_band_low", "_band_high"))
    joule = Amount(*ends)
    net = row[f"{energy}_net"]
    return {
        "ns": reading.number(row[f"ns_per_{unit}"]),
        "95 %": "–".join(reading.number(row[f"ns_per_{unit}_{end}"]) for end in ("low", "high")),
        "CPU ns": reading.number(row[f"cpu_ns_per_{unit}"]),
        "energy": reading.amount(joule, "J"),
        **({} if net is None else {"net": reading.quantity(net / scale, "J")}),
        "emissions": reading.amount(joule.told_as(row[f"g_per_{unit}"]), "g"),
        "block": mark(row),
        "turns": f"{row['turns']}" + (f" + {row['more_turns']:,}" if row["more_turns"] else ""),
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
            f" {len(rows)} blocks: those figures are not the work's alone, and ratios of times"
            " are told of undisturbed turns only."
        )
    unsteady = [row for row in rows if row["warnings"].replace("short:", "").count(":")]
    if unsteady:
        said.append(
            f"{len(unsteady)} of {len(rows)} series were unstable or drifting: more repeats, or a"
            " quieter machine, would tell more."
        )
    vague = [row for row in rows if row["advice"]]
    if vague:
        worst = max(vague, key=lambda row: row["more_turns"])
        said.append(
            f"{len(vague)} of {len(rows)} series want more turns (--repeats, --precision), as their"
            f" column says; of the vaguest {worst['advice']}."
        )
    return said


def compiling(costs: Iterable[Measurement | None]) -> dict[str, Measurement]:
    """All compiling as a phase of a run; none where nothing was compiled, which is not 0 s."""
    found = [cost for cost in costs if cost is not None]
    return {"compile": sum(found, Measurement())} if found else {}


def not_compiled(from_cache: Iterable[str]) -> list[str]:
    """What to say of works that an earlier run had compiled."""
    names = list(from_cache)
    if not names:
        return []
    return [
        f"Numba's cache on disk had these compiled already: {reading.few(names)}. What compiling"
        " them costs was not seen, and when it has paid is not told;"
        " NUMBA_CACHE_DIR=$(mktemp -d) before the command shows it."
    ]


def paid(compiled: Measurement, slow: Row, quick: Row, unit: str, joules: str) -> dict[str, str]:
    """After how many units a compilation has paid, in time and in energy."""
    time, energy = f"ns_per_{unit}", f"{joules}_per_{unit}"
    scale = SCALES[joules]
    in_time = break_even(compiled.wall_s, slow[time] / 1e9, quick[time] / 1e9)
    in_energy = break_even(compiled.total_j, slow[energy] / scale, quick[energy] / scale)
    return {
        "time": f"{compiled.wall_s:.2f} s",
        "energy": reading.amount(compiled.energy_wh, "Wh"),
        "CPU power": compiled.cpu_origin.source,
        "paid in time": reading.uses(in_time, f"{unit}s"),
        "paid in energy": reading.uses(in_energy, f"{unit}s"),
    }
