"""Numbers as people read them: three digits and a unit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from ecotrack import metrics
from ecotrack.choosing import Candidate
from ecotrack.measurement import J_PER_WH, Measurement
from ecotrack.stats import Ratio

PREFIXES = (
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1, ""),
    (1e-3, "m"),
    (1e-6, "µ"),
    (1e-9, "n"),
    (1e-12, "p"),
    (1e-15, "f"),
)


def quantity(value: float, unit: str) -> str:
    """`0.00284, "Wh"` reads `2.84 mWh`."""
    scale, prefix = next((p for p in PREFIXES if abs(value) >= p[0]), (1, ""))
    return f"{value / scale:.3g} {prefix}{unit}"


def number(value: float) -> str:
    """`0.07162` reads `0.0716`, and `83822` reads `83,822`."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def ratio(found: Ratio) -> str:
    """A ratio and its interval: `1.92 (1.87–1.95)`."""
    return f"{number(found.ratio)} ({number(found.low)}–{number(found.high)})"


def percent(share: float) -> str:
    """`0.9123` reads `91.23 %`."""
    return f"{100 * share:.2f} %"


def uses(number: float, unit: str = "") -> str:
    """A break-even point: `1234.4, "samples"` reads `1,234 samples`; infinity reads `never`."""
    return "never" if math.isinf(number) else f"{number:,.0f} {unit}".rstrip()


def few(things: Iterable[object], most: int = 4, between: str = ", ") -> str:
    """The first of them: `["a", "b", "c"], 2` reads `a, b and 1 more`."""
    words = [str(thing) for thing in things]
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return between.join(words[:most]) + more


def costs(phases: Mapping[str, Measurement]) -> list[dict[str, str]]:
    """One row a phase: time, energy with the meters' band and above idle, emissions."""
    return [
        {
            "phase": phase,
            "time": f"{cost.wall_s:.2f} s",
            "CPU time": f"{cost.cpu_s:.2f} s",
            "energy": quantity(cost.total_wh, "Wh"),
            "between": band(cost),
            "net": "" if cost.net_j is None else quantity(cost.net_j / J_PER_WH, "Wh"),
            "emissions": quantity(cost.co2_g, "g"),
        }
        for phase, cost in phases.items()
    ]


def band(cost: Measurement) -> str:
    """The meters' band of the energy, such as `1.1–4.2 mWh`."""
    low, high = (quantity(joules / J_PER_WH, "Wh") for joules in cost.band_j)
    return f"{low}–{high}"


def known(cost: Measurement) -> str:
    """How the energy is known, for a caption or a heading."""
    parts = (("CPU", cost.cpu_origin), ("RAM", cost.ram_origin), ("GPU", cost.gpu_origin))
    return "; ".join(
        f"{name} {origin}, ×/÷ {origin.factor:g}"
        for name, origin in parts
        if origin.source != "absent"
    )


def scores(values: Mapping[str, float]) -> list[dict[str, str]]:
    """One row a metric, with its unit and its meaning from the vocabulary."""
    return [{"metric": name, "value": _score(name, value)} for name, value in values.items()]


def front(members: Sequence[Candidate], chosen: Candidate | None = None) -> list[dict[str, str]]:
    """One row a model of the front, with its accuracies, its price and its size."""
    return [
        {
            "model": member.name + (" ← chosen" if member == chosen else ""),
            "valid.": percent(member.val_accuracy),
            "test": percent(member.accuracy),
            "95 %": f"{100 * member.accuracy_low:.1f}–{100 * member.accuracy_high:.1f}",
            "training": quantity(member.training_g, "g"),
            "latency": f"{member.latency_ms:.2g} ms",
            "weights": f"{member.parameters:,}",
        }
        for member in members
    ]


def _score(name: str, value: float) -> str:
    unit = metrics.TABLE[name].unit
    if "accuracy" in name:
        return percent(value)
    if unit == "1":
        return f"{value:,.0f}"
    return f"{value:.3g} {unit}" if unit in ("ms", "s") else quantity(value, unit)
