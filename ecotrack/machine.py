"""What is known of this machine beyond its sensors: one JSON file in the user's configuration.

`python -m ecotrack doctor` writes it, and people may.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from platformdirs import user_config_path

from ecotrack import bands, host


class MachineFileError(ValueError):
    """The file is not what it should be; the message names it."""


@dataclass(frozen=True)
class Idle:
    """Power of the machine doing nothing; another boot or another way of knowing is another."""

    power_w: float
    over_s: float
    boot: str
    source: str


@dataclass(frozen=True)
class Machine:
    """What a user has told or measured.

    Attributes:
        cpu_watts, ram_watts: rated power, where no counter is.
        factors: kind of meter (a key of `bands.BANDS`) -> its band, by a calibration of one's own.
        idle: power of the idle machine.
    """

    cpu_watts: float | None = None
    ram_watts: float | None = None
    factors: Mapping[str, float] = field(default_factory=dict)
    idle: Idle | None = None

    def idle_w(self, source: str) -> float:
        """Idle power, watts, if it was measured since the last start, in this way; else 0."""
        if self.idle and (self.idle.boot, self.idle.source) == (host.boot_id(), source):
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
        read = json.loads(place.read_text())
        known = Machine(**{**read, "idle": Idle(**read["idle"]) if read.get("idle") else None})
        _check(known)
    except FileNotFoundError:
        return Machine()
    except (OSError, TypeError, ValueError) as error:
        raise MachineFileError(f"{place}: {error}") from error
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
    for meter, factor in known.factors.items():
        if meter not in bands.BANDS:
            raise ValueError(f"no meter is called {meter!r}; there are {', '.join(bands.BANDS)}")
        if not 1 <= factor <= 100:
            raise ValueError(f"the factor of {meter} must be between 1 and 100, got {factor}")
