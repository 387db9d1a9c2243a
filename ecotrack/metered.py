"""The options of what is measured, and the meter that they ask for.

Of no experiment and no store: a script that measures a block waits for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ecotrack import cli, metrics
from ecotrack.meters import bands, machine
from ecotrack.meters.codecarbon import CodeCarbonMeter
from ecotrack.meters.grid import UnknownCountryError, grid
from ecotrack.terminal import Shown


@dataclass(frozen=True, kw_only=True)
class Metered(Shown):
    """The options of everything that is measured."""

    country: str = cli.option("auto", "whose electricity: ISO alpha-3 code, or auto")
    cpu_watts: float | None = cli.option(
        None, "rated power of the CPU, where no counter is", at_least=0.1, at_most=1e5
    )
    ram_watts: float | None = cli.option(
        None, "power of the memory, where no counter is", at_least=0.1, at_most=1e5
    )
    no_wait: bool = cli.option(
        False, "refuse rather than wait while another measurement runs on this machine"
    )

    @property
    def measured_here(self) -> bool:
        """Whether this process measures; if others do, it need not wait for its turn."""
        return True


def metered(config: Metered) -> dict[str, Any]:
    """Those options of a config, to pass them on to another."""
    shown = {field.name for field in fields(Shown)}
    own = [field.name for field in fields(Metered) if field.name not in shown]
    return {name: getattr(config, name) for name in own}


def meter_for(options: Metered) -> CodeCarbonMeter:
    """The meter of these options and of the machine's file, not yet started.

    Raises:
        UserError: the country or the file is none.
    """
    try:
        known = machine.load()
        return CodeCarbonMeter(grid(options.country), replace(known, **given_watts(options)))
    except UnknownCountryError as error:
        raise cli.UserError(f"--country: {error}") from error
    except machine.MachineFileError as error:
        raise cli.UserError(str(error)) from error


def given_watts(options: Metered) -> dict[str, Any]:
    """The rated powers among the options that were given."""
    names = ("cpu_watts", "ram_watts")
    return {name: watts for name in names if (watts := getattr(options, name))}


def grid_tags(meter: CodeCarbonMeter) -> Mapping[str, str]:
    """Where the electricity is said to come from, and how much of it the meter does not see."""
    electricity = meter.grid
    return {
        metrics.WALL_TAG: bands.not_metered(meter.known.factors),
        metrics.COUNTRY_TAG: electricity.country,
        metrics.INTENSITY_TAG: f"{electricity.intensity_g_per_kwh:g}",
        metrics.INTENSITY_SOURCE_TAG: electricity.source,
        metrics.INTENSITY_YEAR_TAG: str(electricity.year),
    }
