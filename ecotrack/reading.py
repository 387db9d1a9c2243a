"""Numbers as people read them: three digits and a unit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from ecotrack import metrics
from ecotrack.amount import Amount
from ecotrack.measurement import Measurement
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
PREFIXED = ("Wh", "W", "B", "g CO2e")  # units that take one of these
UNTOLD = ("", "absent")
UNKNOWN = "unknown"  # in place of a figure that nobody has
PARTS = {"cpu": "CPU", "ram": "RAM", "gpu": "GPU", "wall": "wall"}


def quantity(value: float, unit: str) -> str:
    """`0.00284, "Wh"` reads `2.84 mWh`."""
    scale, prefix = _prefix(value)
    return f"{value / scale:.3g} {prefix}{unit}"


def amount(figure: Amount, unit: str) -> str:
    """With its band, such as `1.23 mWh (0.683–2.21)`; without, where nobody knows it."""
    text = quantity(figure.value, unit)
    if not figure.is_banded:
        return text
    scale, _ = _prefix(figure.value)
    low, high = (f"{float(f'{end / scale:.3g}'):g}" for end in (figure.low, figure.high))
    return f"{text} ({low}–{high})"


def seconds(value: float) -> str:
    """`0.0015` reads `1.5 ms`, and `1234.5` reads `1,234.50 s`: nobody thinks in kiloseconds."""
    return quantity(value, "s") if value < 1 else f"{value:,.2f} s"


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


def sure(share: float) -> str:
    """`0.9638` reads `96.3 % sure`: never rounded up, and never all of it."""
    if share > 0.999:
        return "more than 99.9 % sure"
    return f"{math.floor(1000 * share + 1e-6) / 10:g} % sure"


def few(things: Iterable[object], most: int = 4, between: str = ", ") -> str:
    """The first of them: `["a", "b", "c"], 2` reads `a, b and 1 more`."""
    words = [str(thing) for thing in things]
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return between.join(words[:most]) + more


def costs(phases: Mapping[str, Measurement]) -> list[dict[str, str]]:
    """One row a phase: time, energy in all and above idle, emissions."""
    return [
        {
            "phase": phase,
            "time": seconds(cost.wall_s),
            "CPU time": seconds(cost.cpu_s),
            "energy": amount(cost.energy_wh, "Wh"),
            "net": amount(cost.net_wh, "Wh") if cost.net_wh else "",
            "emissions": amount(cost.emissions_g, "g"),
        }
        for phase, cost in phases.items()
    ]


def known(cost: Measurement) -> str:
    """How the energy is known, for a caption or a heading."""
    parts = (("CPU", cost.cpu_origin), ("RAM", cost.ram_origin), ("GPU", cost.gpu_origin))
    return "; ".join(
        f"{name} {origin}, ×/÷ {origin.factor:g}"
        for name, origin in parts
        if origin.source != "absent"
    )


def briefly(cost: Measurement) -> str:
    """The same for a title: `CPU modelled ×/÷ 1.8, RAM assumed ×/÷ 2`."""
    parts = (("CPU", cost.cpu_origin), ("RAM", cost.ram_origin), ("GPU", cost.gpu_origin))
    return ", ".join(
        f"{name} {origin.source} ×/÷ {origin.factor:g}"
        for name, origin in parts
        if origin.source != "absent"
    )


def how(known: str) -> str:
    """The sentence that tells in full what a title tells in brief; empty where nobody knows."""
    return f"How energy is known: {known}." if known else ""


def known_from(tags: Mapping[str, str]) -> str:
    """The same of a run that was read back, from its tags; empty where it does not tell."""
    parts = ((name, tags.get(f"{metrics.SOURCE_TAG}.{part}", "")) for part, name in PARTS.items())
    return "; ".join(f"{name} {how}" for name, how in parts if how.partition(":")[0] not in UNTOLD)


def legend(runs: Iterable[Mapping[str, str]]) -> str:
    """What the brackets are, and by the tags of the runs shown, what is not in them."""
    walls = dict.fromkeys(tags[metrics.WALL_TAG] for tags in runs if metrics.WALL_TAG in tags)
    said = "".join(f" At the wall: {wall}." for wall in walls)
    return f"In brackets: between what a figure lies, as far as its meters go.{said}"


def scores(values: Mapping[str, float]) -> list[dict[str, str]]:
    """One row a metric, with its unit from the vocabulary and its band."""
    return [
        {"metric": name, "value": _score(name, values)}
        for name in values
        if name not in metrics.ENDS
    ]


def _prefix(value: float) -> tuple[float, str]:
    shown = abs(float(f"{value:.3g}"))  # 0.9996 g is 1 g, and not 1e+03 mg
    return next((p for p in PREFIXES if shown >= p[0]), (1, ""))


def _score(name: str, values: Mapping[str, float]) -> str:
    value, unit = values[name], metrics.TABLE[name].unit
    if "accuracy" in name:
        return percent(value)
    if unit == "1":
        return number(value) if abs(value) < 1 else f"{value:,.0f}"
    if unit in PREFIXED:
        return amount(metrics.amount(name, values), unit)
    return f"{number(value)} {unit}"
