"""What was measured and found, as MLflow keeps it: named figures, tags, and JSON with all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ecotrack import host, metrics
from ecotrack.measurement import J_PER_WH, Measurement, Result, from_fields
from ecotrack.meters import gates

FOLLOWING = ("band_j", "net_j", "flaw")  # what JSON tells besides a measurement's own fields


def flatten(result: Result) -> dict[str, float]:
    """Costs and scores as metrics."""
    values: dict[str, float] = {}
    for phase, cost in result.costs.items():
        if phase in metrics.PHASES:
            seconds, wh, grams = metrics.phase_metrics(phase)
            values |= {seconds: cost.wall_s, grams: cost.co2_g}
            values |= metrics.with_band(wh, cost.energy_wh)
        else:
            values |= _main_phase(cost)
    return values | dict(result.scores)


def run_totals(cost: Measurement) -> dict[str, float]:
    """What a whole process cost, as metrics."""
    return {**metrics.with_band(metrics.RUN_WH, cost.energy_wh), metrics.RUN_G: cost.co2_g}


def trust_tags(costs: Mapping[str, Measurement]) -> dict[str, str]:
    """How the energy is known; what cannot be right, and what others disturbed."""
    flaws = [f"{phase}: {why}" for phase, cost in costs.items() if (why := gates.flaw(cost))]
    shares = [gates.others_share(c, host.all_cores()) for c in costs.values()]
    return {
        **metrics.source_tags(sum(costs.values(), Measurement())),
        **({metrics.INVALID_TAG: "; ".join(flaws)} if flaws else {}),
        **({metrics.DISTURBED_TAG: f"{max(shares):.0%}"} if max(shares) > gates.DISTURBED else {}),
    }


def in_full(costs: Mapping[str, Measurement]) -> dict[str, Any]:
    """Every figure of every phase, its origin and band, and what is to be said against it."""
    return {
        phase: {
            **asdict(cost),
            "band_j": (cost.energy_j.low, cost.energy_j.high),
            "net_j": cost.net_j,
            "flaw": gates.flaw(cost),
        }
        for phase, cost in costs.items()
    }


def from_full(told: Mapping[str, Mapping[str, Any]]) -> dict[str, Measurement]:
    """The costs that `in_full` told, without what only follows from them."""
    return {
        phase: from_fields({name: x for name, x in figures.items() if name not in FOLLOWING})
        for phase, figures in told.items()
    }


def _main_phase(cost: Measurement) -> dict[str, float]:
    names = (metrics.CPU_WH, metrics.RAM_WH, metrics.GPU_WH)
    parts = {
        end: joules / J_PER_WH
        for name, part in zip(names, cost.parts_j, strict=True)
        for end, joules in metrics.with_band(name, part).items()
    }
    return {
        metrics.WALL_S: cost.wall_s,
        metrics.CPU_S: cost.cpu_s,
        **metrics.with_band(metrics.TOTAL_WH, cost.energy_wh),
        **({} if cost.net_j is None else {metrics.NET_WH: cost.net_j / J_PER_WH}),
        **parts,
        metrics.EMISSIONS_G: cost.co2_g,
        metrics.EMISSIONS_KG: cost.co2_g / 1000,
    }
