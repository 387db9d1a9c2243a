"""Grams that the page can price again: a figure as recorded, and the energy behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecotrack import metrics, reading
from ecotrack.amount import Amount
from ecotrack.meters.grid import countries


@dataclass(frozen=True)
class Price:
    """Emissions in grams with their band, and the energy in Wh that they follow from."""

    grams: Amount
    wh: float

    @property
    def text(self) -> str:
        """As the page shows it until another country is chosen."""
        return reading.amount(self.grams, "g")


def intensity(grams: float, wh: float) -> float | None:
    """Grams a kWh that a recorded figure was reckoned by; None where there is nothing of it."""
    return 1000 * grams / wh if grams > 0 and wh > 0 else None


def intensity_of(seen: Mapping[str, float]) -> float | None:
    """The same of a run, from the metrics of its main phase."""
    return intensity(seen.get(metrics.EMISSIONS_G, 0.0), seen.get(metrics.TOTAL_WH, 0.0))


def places() -> list[dict[str, Any]]:
    """Every country that there is a price for: what the selector reads, and g/kWh."""
    return [
        {
            "code": grid.country,
            "name": f"{name}, {grid.intensity_g_per_kwh:.0f} g/kWh",
            "g_per_kwh": grid.intensity_g_per_kwh,
            "year": grid.year,
        }
        for name, grid in countries()
    ]
