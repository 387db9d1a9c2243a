"""Linux' energy counters, read as joules that outlive wraps, resets and lost permission.

energy_uj   ╱│  ╱│  ╱           joules            ╱
           ╱ │ ╱ │ ╱      ->                ╱╱╱╱╱╱
          ╱  │╱  │╱                   ╱╱╱╱╱╱        and sentences on what could not be read
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

FOLDER = Path("/sys/class/powercap")
J_PER_UJ = 1e-6
BELIEVABLE_W = 2000.0  # of one counter: four times the rating of the hungriest packages of 2025
SLACK_J = 1.0  # a counter moves in steps of about a millisecond, not when it is read
LONGEST_PERIOD_S = 15.0  # what a reset takes away is what passed since the reading before it
STUCK_S = 1.0
MIRROR_J = 1.0  # counters of different packages come this close once in 100,000 readings


class Counter:
    """One zone's energy since its start, and what of it could not be read.

    A counter that went back has wrapped around if the energy this takes is believable in the
    time since the last reading; otherwise it was reset, and what it shows has passed since then.
    Nothing unbelievable is counted; each kind of flaw keeps its latest sentence.

    Args:
        name: what to call it, such as `package-0`.
        folder: a zone, with `energy_uj` and `max_energy_range_uj` in microjoules.

    Raises:
        OSError, ValueError: the zone cannot be read.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.flaws: dict[str, str] = {}
        self._file = folder / "energy_uj"
        self.range_uj = int((folder / "max_energy_range_uj").read_text())
        if self.range_uj <= 0:
            raise ValueError(f"{folder} has an energy range of {self.range_uj}")
        self._total_uj = 0
        self._unread = False
        self._read_s = self._moved_s = time.perf_counter()
        self.last_uj = int(self._file.read_text())

    @property
    def total_j(self) -> float:
        """Energy since the start, up to the last update, joules."""
        return self._total_uj * J_PER_UJ

    def start(self) -> None:
        """Count from here."""
        self.update()
        self._total_uj = 0

    def update(self) -> None:
        """Read the counter once."""
        before_s = time.perf_counter()
        unread_s = before_s - self._read_s
        try:
            now_uj = int(self._file.read_text())
        except (OSError, ValueError) as error:
            self._unread = True
            self.flaws["unread"] = (
                f"{self.name} could not be read for {unread_s:.1f} s, and nothing is counted"
                f" for it: {error}"
            )
            return
        if self._unread:
            self._unread = False
            self.flaws["unread"] = (
                f"{self.name} could not be read for {unread_s:.1f} s: the energy of that time"
                " stands in the reading that followed"
            )
        # From before the last reading to after this one: not less than what lies between them.
        self._total_uj += self._step_uj(now_uj, time.perf_counter() - self._read_s)
        if now_uj != self.last_uj:
            self._moved_s = before_s
        elif before_s - self._moved_s >= STUCK_S:
            self.flaws["stuck"] = (
                f"{self.name} did not move for {before_s - self._moved_s:.1f} s:"
                " what it drew is not counted"
            )
        self._read_s, self.last_uj = before_s, now_uj

    def _step_uj(self, now_uj: int, elapsed_s: float) -> int:
        believable_uj = (BELIEVABLE_W * elapsed_s + SLACK_J) / J_PER_UJ
        if believable_uj > self.range_uj:
            self.flaws["unwatched"] = (
                f"{self.name} was not read for {elapsed_s:.0f} s, in which it may have wrapped"
                " around unseen: its energy is at least what is counted"
            )
        step_uj = now_uj - self.last_uj
        if step_uj < 0 and step_uj + self.range_uj <= believable_uj:
            step_uj += self.range_uj
        if 0 <= step_uj <= believable_uj:
            return step_uj
        if step_uj < 0:
            self.flaws["reset"] = (
                f"{self.name} was reset: what it drew before that, in the {elapsed_s:.1f} s since"
                " the last reading, is not counted"
            )
            return now_uj if now_uj <= believable_uj else 0
        self.flaws["leap"] = (
            f"{self.name} leapt by {step_uj * J_PER_UJ:.0f} J in {elapsed_s:.2f} s, more than"
            f" {BELIEVABLE_W:.0f} W: not counted"
        )
        return 0


class Powercap:
    """The package and DRAM counters of this machine, read often enough to see every wrap.

    Zones that lie inside a package (core, uncore) or around it (psys) would count twice and are
    left alone. A package that is there by two interfaces is read by one, and so is one that
    several dies mirror, as on some AMD chips (mlco2/codecarbon#1274).

    Attributes:
        packages, drams: the counters that may be read; none on most virtual machines.
        forbidden: sentences on those that may not.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        found: dict[str, Counter] = {}
        refused: dict[str, str] = {}
        for name, zone in _zones(folder or FOLDER):
            if name in found:
                continue
            try:
                found[name] = Counter(name, zone)
            except (OSError, ValueError) as error:
                refused[name] = f"{name} has an energy counter that cannot be read: {error}"
        self.forbidden = [refused[name] for name in refused if name not in found]
        packages = [found[name] for name in found if not name.endswith("dram")]
        self.drams = [found[name] for name in found if name.endswith("dram")]
        self.packages, self._mirrors = _without_mirrors(packages)

    @property
    def period_s(self) -> float:
        """Seconds between readings: half a range at the highest believable power, or less."""
        ranges_j = [counter.range_uj * J_PER_UJ for counter in self._counters]
        return min([range_j / 2 / BELIEVABLE_W for range_j in ranges_j] + [LONGEST_PERIOD_S])

    @property
    def flaws(self) -> list[str]:
        """What could not be read until now, one sentence each."""
        with self._lock:
            own = [text for counter in self._counters for text in counter.flaws.values()]
        return [*self.forbidden, *self._mirrors, *own]

    def start(self) -> None:
        """Count from here, and read every `period_s` from a thread."""
        with self._lock:
            for counter in self._counters:
                counter.start()
        if self._counters:
            self._thread = threading.Thread(target=self._sample, name="powercap", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._stopped.set()
        if self._thread:
            self._thread.join()

    def update(self) -> None:
        """Read every counter once."""
        with self._lock:
            for counter in self._counters:
                counter.update()

    def read(self) -> tuple[float, float]:
        """Energy of the packages and of the DRAM since the start, joules."""
        self.update()
        with self._lock:
            return sum(c.total_j for c in self.packages), sum(c.total_j for c in self.drams)

    @property
    def _counters(self) -> list[Counter]:
        return [*self.packages, *self.drams]

    def _sample(self) -> None:
        while not self._stopped.wait(self.period_s):
            self.update()


def _zones(folder: Path) -> list[tuple[str, Path]]:
    """Name and folder of each package and DRAM zone; memory-mapped ones, as precise, come first."""
    zones = []
    for zone in sorted(folder.glob("intel-rapl*:*")):
        name = _name(zone)
        if name.startswith("package"):
            zones.append((name, zone))
        elif name == "dram":
            parent = _name(zone.parent / zone.name.rpartition(":")[0])
            zones.append((f"{parent} dram".strip(), zone))
    return zones


def _name(zone: Path) -> str:
    try:
        return (zone / "name").read_text().strip()
    except OSError:
        return ""


def _without_mirrors(counters: list[Counter]) -> tuple[list[Counter], list[str]]:
    kept: list[Counter] = []
    sentences = []
    for counter in counters:
        twin = next((other for other in kept if _alike(counter, other)), None)
        if twin is None:
            kept.append(counter)
        else:
            sentences.append(f"{counter.name} shows the counter of {twin.name} and is left out")
    return kept, sentences


def _alike(one: Counter, other: Counter) -> bool:
    """Whether two counters show the same; zeros tell nothing."""
    return min(one.last_uj, other.last_uj) > 0 and (
        abs(one.last_uj - other.last_uj) * J_PER_UJ < MIRROR_J
    )
