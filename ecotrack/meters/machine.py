"""What is known of this machine beyond its sensors: one JSON file in the user's configuration.

`python -m ecotrack doctor` writes it, and people may.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from ecotrack import host
from ecotrack.meters import bands


class MachineFileError(ValueError):
    """The file is not what it should be; the message names it."""


@dataclass(frozen=True)
class Idle:
    """Power of the machine doing nothing; another boot or another way of knowing is another."""

    power_w: float
    over_s: float
    boot: str
    way: str


@dataclass(frozen=True)
class Checked:
    """What `doctor` found when it last looked; runs refer to it.

    Attributes:
        date: when, UTC.
        noise: half of the 95 % interval of a work's time over its own: the 0.02 of ±2 %.
        others: share of the cores that others had meanwhile.
        way: how energy was known.
    """

    date: str
    noise: float
    others: float
    way: str

    def __str__(self) -> str:
        return (
            f"{self.date}: a work against itself ±{self.noise:.1%},"
            f" others had {self.others:.0%} of the cores"
        )


@dataclass(frozen=True)
class Machine:
    """What a user has told or measured.

    Attributes:
        cpu_watts, ram_watts: rated power, where no counter is.
        factors: kind of meter (a key of `bands.BANDS`) -> its band, by a calibration of one's own.
        idle: power of the idle machine.
        checked: what `doctor` found.
    """

    cpu_watts: float | None = None
    ram_watts: float | None = None
    factors: Mapping[str, float] = field(default_factory=dict)
    idle: Idle | None = None
    checked: Checked | None = None

    def idle_w(self, way: str) -> float:
        """Idle power, watts, if it was measured since the last start, in this way; else 0."""
        if self.idle and (self.idle.boot, self.idle.way) == (host.boot_id(), way):
            return self.idle.power_w
        return 0.0


def path() -> Path:
    """$ECOTRACK_MACHINE, else a file of this host's name: a home may be shared by machines."""
    given = os.environ.get("ECOTRACK_MACHINE")
    return Path(given) if given else user_config_path("ecotrack") / f"{host.name()}.json"


def load() -> Machine:
    """Read the file; an empty machine where there is none.

    Raises:
        MachineFileError: it is no such file, or holds values that cannot be.
    """
    place = path()
    try:
        read: Any = Machine(**json.loads(place.read_text()))
        idle = Idle(**read.idle) if read.idle else None
        checked = Checked(**read.checked) if read.checked else None
        known = replace(read, idle=idle, checked=checked)
        _check(known)
    except (FileNotFoundError, NotADirectoryError):  # the latter where HOME=/dev/null
        return Machine()
    except (OSError, ValueError) as error:
        raise MachineFileError(f"{place}: {error}") from error
    except (AttributeError, TypeError) as error:
        raise MachineFileError(
            f"{place} has a value of another kind than `python -m ecotrack doctor` writes there:"
            f" {error}"
        ) from error
    return known


def save(known: Machine) -> Path:
    """Write the file whole or not at all, and return its path."""
    place = path()
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(known), indent=1) + "\n")
    draft.replace(place)
    return place


def _check(known: Machine) -> None:
    for name in ("cpu_watts", "ram_watts"):
        watts = getattr(known, name)
        if watts is not None and not 0 < watts < 1e5:
            raise ValueError(f"{name} must be between 0 and 100,000 W, got {watts}")
    for part, names in (("idle", ("power_w", "over_s")), ("checked", ("noise", "others"))):
        for name in names if getattr(known, part) else ():
            value = getattr(getattr(known, part), name)
            if not value >= 0:
                raise ValueError(f"{part}.{name} must not be negative, got {value}")
    for meter, factor in known.factors.items():
        if meter not in bands.BANDS:
            raise ValueError(f"no meter is called {meter!r}; there are {', '.join(bands.BANDS)}")
        if not 1 <= factor <= 100:
            raise ValueError(f"the factor of {meter} must be between 1 and 100, got {factor}")
