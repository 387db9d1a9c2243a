"""Carbon intensity of electricity, country by country, as CodeCarbon's tables have it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from codecarbon.input import DataSource

WORLD = "WORLD"


class UnknownCountryError(ValueError):
    """No grid intensity is known for this country."""


@dataclass(frozen=True)
class Grid:
    """Carbon intensity of electricity, and who says so."""

    country: str
    intensity_g_per_kwh: float
    source: str
    year: int | None


def grid(country: str) -> Grid:
    """Resolve `auto` ($ECOTRACK_COUNTRY, else the world's average) or an ISO 3166 alpha-3 code.

    Raises:
        UnknownCountryError: CodeCarbon has no intensity for this country.
    """
    if country == "auto":
        country = os.environ.get("ECOTRACK_COUNTRY") or WORLD
    country = country.upper()
    source = DataSource()
    if country == WORLD:
        world = source.get_carbon_intensity_per_source_data()
        return Grid(WORLD, float(world["world_average"]), str(world["world_average_source"]), 2019)
    mix = source.get_global_energy_mix_data().get(country)
    if mix is None or not mix.get("carbon_intensity"):  # 0 is a hole in the table
        raise UnknownCountryError(
            f"no carbon intensity is known for country {country!r};"
            " use an ISO 3166 alpha-3 code such as FRA, POL or USA, or auto"
        )
    origin = "codecarbon global_energy_mix (Our World in Data)"
    return Grid(country, float(mix["carbon_intensity"]), origin, int(mix["year"]))


def countries() -> list[tuple[str, Grid]]:
    """Name and grid of all there are: the world's average first, then by name."""
    mixes = DataSource().get_global_energy_mix_data()
    known = [(str(m["country_name"]), code) for code, m in mixes.items() if m["carbon_intensity"]]
    places = [("World's average", WORLD), *sorted(known)]
    return [(name, grid(code)) for name, code in places]
