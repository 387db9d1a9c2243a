"""A folder that imitates /sys/class/powercap, with counters that a test moves by known joules."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

from codecarbon.core import cpu, hardware_cache
from codecarbon.external import hardware

from ecotrack.meters import powercap

CORE_SHARE = 0.6  # of a package's energy; the package's counter holds it already
LONG_TERM = {"name": "long_term", "power_limit_uw": 125_000_000, "time_window_us": 27_983_872}
SHORT_TERM = {"name": "short_term", "power_limit_uw": 150_000_000, "time_window_us": 2_440}


class PowercapMachine:
    """Packages with their zones, as the intel_rapl driver lays them out.

        intel-rapl/  intel-rapl:0/  (package-0)  intel-rapl:0:0/  (core)
                                                 intel-rapl:0:1/  (dram)
                     intel-rapl:1/  (package-1)  ...

    The zones lie flat beside `intel-rapl` as links, too. Counters start at different values.
    A meter believes 2000 W of a counter and no more, so give it time: see `Clock`.

    >>> machine = PowercapMachine(folder, packages=1, max_energy_uj=3_000_000_000)
    >>> machine.advance(joules=500, dram_joules=40)
    >>> int((folder / "intel-rapl:0/energy_uj").read_text())
    1500000000

    Args:
        folder: an existing folder, which becomes /sys/class/powercap.
        packages: sockets.
        dram: whether the memory has counters.
        max_energy_uj: where a counter wraps around to 0; Intel's common one by default.
        mirrored: every package shows the same counter, as the dies of some AMD chips do.
    """

    def __init__(
        self,
        folder: Path,
        packages: int = 2,
        dram: bool = True,
        max_energy_uj: int = 262_143_328_850,
        mirrored: bool = False,
    ) -> None:
        self.folder = folder
        self._mirrored = mirrored
        self._zones: list[dict[str, _Zone]] = []
        root = folder / "intel-rapl"
        root.mkdir()
        _write(root, {"enabled": 1, "uevent": ""})
        for number in range(packages):
            place = 0 if mirrored else number
            start_uj = max_energy_uj * (2 * place + 1) // (2 * packages + 1)
            names = {"package": "", "core": ":0", **({"dram": ":1"} if dram else {})}
            home = root / f"intel-rapl:{number}"
            self._zones.append({})
            for kind, suffix in names.items():
                path = home / f"{home.name}{suffix}" if suffix else home
                name = f"package-{number}" if kind == "package" else kind
                self._zones[-1][kind] = _Zone(path, name, max_energy_uj, start_uj)
                (folder / path.name).symlink_to(path)
        for zone in [root, *root.rglob("intel-rapl:*")]:
            (zone / "subsystem").symlink_to(folder)

    def advance(self, package: int = 0, *, joules: float = 0.0, dram_joules: float = 0.0) -> None:
        """Draw energy: the package's counter moves, its core zone by a part, the DRAM's apart.

        Raises:
            ValueError: energy is negative, or there is no DRAM counter to move.
        """
        if min(joules, dram_joules) < 0:
            raise ValueError(f"a counter does not move by {min(joules, dram_joules)} J")
        if dram_joules and "dram" not in self._zones[package]:
            raise ValueError("this machine has no DRAM counters")
        for zones in self._zones if self._mirrored else [self._zones[package]]:
            zones["package"].add(joules)
            zones["core"].add(joules * CORE_SHARE)
            if "dram" in zones:
                zones["dram"].add(dram_joules)

    def reset(self, package: int = 0) -> None:
        """Set a package's counters to zero, as waking from hibernation does."""
        for zone in self._zones[package].values():
            zone.reset()

    def forbid(self, package: int = 0) -> None:
        """Take away the permission to read a package's counters, which go on counting.

        Root may read a file whatever its mode: for root they are gone instead.
        """
        for zone in self._zones[package].values():
            zone.forbid()

    def allow(self, package: int = 0) -> None:
        """Give it back."""
        for zone in self._zones[package].values():
            zone.allow()

    def freeze(self, package: int = 0) -> None:
        """Stop a package's counters; what is drawn from now on never shows."""
        for zone in self._zones[package].values():
            zone.frozen = True

    def thaw(self, package: int = 0) -> None:
        """Let them move again, from where they stopped."""
        for zone in self._zones[package].values():
            zone.frozen = False

    @contextmanager
    def installed(self) -> Iterator[PowercapMachine]:
        """Stand in for /sys/class/powercap: CodeCarbon's RAPL folder, ours, and nothing else.

        Raises:
            RuntimeError: this CodeCarbon keeps its folder elsewhere.
        """
        ours = str(self.folder / "intel-rapl" / "subsystem")
        theirs = hardware_cache.DEFAULT_RAPL_DIR
        defaults = hardware.CPU.__init__.__defaults__ or ()
        if theirs not in defaults or cpu.is_rapl_available.__defaults__ != (None,):
            raise RuntimeError("this CodeCarbon keeps its RAPL folder where it cannot be moved")
        moved = tuple(ours if value == theirs else value for value in defaults)
        with ExitStack() as stack:
            for target, name, value in (
                (hardware.CPU.__init__, "__defaults__", moved),
                (cpu.is_rapl_available, "__defaults__", (ours,)),
                (hardware_cache, "_plans", {}),  # what CodeCarbon found before is not here
                (powercap, "FOLDER", self.folder),
            ):
                stack.enter_context(mock.patch.object(target, name, value))
            yield self


class _Zone:
    """The files of one power zone; the count goes on where the file cannot show it."""

    def __init__(self, path: Path, name: str, max_energy_uj: int, start_uj: int) -> None:
        path.mkdir()
        self.frozen = False
        self._max_energy_uj = max_energy_uj
        self._uj = float(start_uj)
        self._file = path / "energy_uj"
        self._forbidden = False
        constraints = (LONG_TERM, SHORT_TERM) if name.startswith("package") else (LONG_TERM,)
        files = {
            f"constraint_{number}_{key}": value
            for number, constraint in enumerate(constraints)
            for key, value in {**constraint, "max_power_uw": 125_000_000}.items()
        }
        _write(path, {"name": name, "enabled": 1, "uevent": "", **files})
        _write(path, {"max_energy_range_uj": max_energy_uj})
        self._show()

    def add(self, joules: float) -> None:
        if joules and not self.frozen:
            self._uj = (self._uj + joules * 1e6) % self._max_energy_uj
            self._show()

    def reset(self) -> None:
        self._uj = 0.0
        self._show()

    def forbid(self) -> None:
        self._forbidden = True
        self._file.chmod(0)
        if os.access(self._file, os.R_OK):
            self._file.unlink()

    def allow(self) -> None:
        self._forbidden = False
        self._show()

    def _show(self) -> None:
        """At one go, as a counter does: a reader in another thread never sees half a number."""
        if not self._forbidden:
            new = self._file.with_suffix(".new")
            new.write_text(f"{int(self._uj)}\n")
            new.replace(self._file)


def _write(folder: Path, files: dict[str, object]) -> None:
    for name, value in files.items():
        (folder / name).write_text(f"{value}\n")
