"""How far each kind of meter may be off, and who says so. A user's own calibration goes before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ecotrack.measurement import Origin


@dataclass(frozen=True)
class Band:
    """The true energy lies between the reading divided by `factor` and the reading times it."""

    factor: float
    says: str


BANDS = {
    "cpu-counter": Band(1.05, "RAPL against power meters: Khan et al. 2018, 10.1145/3177754"),
    "ram-counter": Band(1.20, "RAPL of DRAM: Desrochers et al. 2016, 10.1145/2989081.2989088"),
    "gpu-counter": Band(1.10, "NVML against power meters: Yang et al. 2024, arXiv:2312.02741"),
    "cpu-estimate": Band(1.80, "CodeCarbon's load curve on its own four calibration machines"),
    "ram-estimate": Band(2.00, "5 W a module, and the number of modules is guessed"),
    "wall": Band(
        1.5, "a wall meter reads 1.25 to 1.5 times as much: Fischer 2025, arXiv:2509.22092"
    ),
}


def band(part: str, origin: Origin, calibrated: Mapping[str, float]) -> Band:
    """Of cpu, ram or gpu, known so: the user's own where there is one, else the literature's."""
    if origin.source == "absent":
        return Band(1.0, "")
    return _of(f"{part}-counter" if origin.source == "measured" else f"{part}-estimate", calibrated)


def wall(calibrated: Mapping[str, float]) -> Band:
    """What the plug delivers: between the reading and the reading times the factor."""
    return _of("wall", calibrated)


def not_metered(calibrated: Mapping[str, float]) -> str:
    """What comes on top of every reading, and who says so."""
    beyond = wall(calibrated)
    return f"not metered, up to × {beyond.factor:g} ({beyond.says})"


def _of(meter: str, calibrated: Mapping[str, float]) -> Band:
    return Band(calibrated[meter], "your calibration") if meter in calibrated else BANDS[meter]
