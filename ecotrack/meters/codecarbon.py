"""Where joules come from: CodeCarbon and our own RAPL read as one counter, or a script in tests."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

os.environ.setdefault("CODECARBON_LOG_LEVEL", "critical")  # two lines come before its log_level

from codecarbon import OfflineEmissionsTracker
from codecarbon.output import BaseOutput, EmissionsData

from ecotrack.measurement import ABSENT, Measurement
from ecotrack.meters import bands, components
from ecotrack.meters.grid import Grid
from ecotrack.meters.machine import Machine
from ecotrack.meters.powercap import Powercap

J_PER_KWH = 3.6e6
G_PER_KG = 1e3
RESOLUTION_S = 0.051
SAME_MOMENT_S = 0.001  # the end of one window and the start of the next: some 0.2 ms
NOTHING_KNOWN = Machine()


class MeterError(Exception):
    """The meter gave no reading; a run must not go on as if work were free."""


class _Totals(BaseOutput):
    """Receives CodeCarbon's running totals at each flush."""

    data: EmissionsData | None = None

    def out(self, total: EmissionsData, delta: EmissionsData) -> None:
        self.data = total


class CodeCarbonMeter:
    """CodeCarbon's offline tracker, started once and read by `flush()`: 0.6 ms a reading.

    CPU packages and DRAM are counted by our own RAPL reader where they have counters. CodeCarbon
    3.3.2 leaves DRAM out, takes a reset for a wrap and drops what passes while a counter may not
    be read; tests/meters/test_fixture_machines.py notices when that is mended. All else is
    CodeCarbon's: GPUs, and the formulas for machines without counters.

    Every argument is given, so that no stray .codecarbon.config or CODECARBON_* speaks.
    CodeCarbon does not look again within 50 ms: a shorter window is charged for 50 ms, rather
    than left to its neighbour.

    Args:
        grid: carbon intensity of the electricity.
        known: of the machine: rated power of all CPUs and of all memory, used where they have no
            counters; idle power; calibrated bands.

    Attributes:
        origins: cpu, ram, gpu -> how its energy is known; absent until the first reading.
    """

    def __init__(self, grid: Grid, known: Machine = NOTHING_KNOWN) -> None:
        self.grid, self.known = grid, known
        self._read_at_s = -RESOLUTION_S
        self._totals = _Totals()
        self._gpu_flaws: dict[str, None] = {}  # in the order in which they were seen
        self.origins = dict.fromkeys(("cpu", "ram", "gpu"), ABSENT)
        self._idle_w = self._started_s = 0.0
        self._counters = Powercap()
        self._tracker = OfflineEmissionsTracker(
            country_iso_code=grid.country,
            region=None,
            cloud_provider=None,
            cloud_region=None,
            country_2letter_iso_code=None,
            force_carbon_intensity_g_co2e_kwh=grid.intensity_g_per_kwh,
            # Energy between a sample and its time stamp is lost. Sampled every second beside
            # pure Python, which holds the interpreter, that was 4 %; every 15 s, 0.03 %.
            measure_power_secs=15,
            tracking_mode="machine",
            output_methods=[],
            output_handlers=[self._totals],
            api_call_interval=-1,
            api_endpoint=None,
            api_key=None,
            output_dir=".",
            output_file="none",
            project_name="ecotrack",
            experiment_id=None,
            experiment_name=None,
            emissions_endpoint=None,
            electricitymaps_api_token=None,
            logging_logger=None,
            logger_preamble="",
            prometheus_url=None,
            on_csv_write="append",
            metadata=None,
            gpu_ids=None,
            # It switches CodeCarbon's RAPL off, and with it the second opinion in the record.
            force_cpu_power=None if self._counters.packages else known.cpu_watts,
            force_ram_power=None if self._counters.drams else known.ram_watts,
            # Where packages may not be read, CodeCarbon can take another zone for one: 0 J.
            force_mode_cpu_load=bool(self._counters.forbidden) and not self._counters.packages,
            rapl_include_dram=False,
            rapl_prefer_psys=False,
            pue=1.0,
            wue=0.0,
            allow_multiple_runs=True,
            log_level=os.environ["CODECARBON_LOG_LEVEL"],
        )

    def __enter__(self) -> CodeCarbonMeter:
        self._tracker.start()
        self._counters.start()
        self.read()
        found = {
            "cpu": components.cpu(self._tracker, self._counters.packages),
            "ram": components.ram(self._tracker, self._counters.drams),
            "gpu": components.gpu(self._tracker),
        }
        self.origins = {
            name: replace(origin, factor=bands.band(name, origin, self.known.factors).factor)
            for name, origin in found.items()
        }
        self._idle_w = self.known.idle_w(self.way)
        self._started_s = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._counters.stop()
        self._tracker.stop()

    def read(self) -> Measurement:
        """Totals since the start.

        Sleeps up to 46 ms: until CodeCarbon, which does not look again within 50 ms, will look. A
        reading within 1 ms of the last one is the same moment, and waits for nothing.

        Raises:
            MeterError: CodeCarbon, which swallows its own exceptions, gave none.
        """
        age_s = time.perf_counter() - self._read_at_s
        if SAME_MOMENT_S < age_s < RESOLUTION_S:
            time.sleep(RESOLUTION_S - age_s)
        before = self._totals.data
        self._tracker.flush()
        self._read_at_s = time.perf_counter()
        data = self._totals.data
        if data is None or data is before:
            raise MeterError(
                "CodeCarbon gave no reading; its log (CODECARBON_LOG_LEVEL) may say why"
            )
        self._gpu_flaws.update(dict.fromkeys(components.gpu_flaws(self._tracker)))
        package_j, dram_j = self._counters.read()
        cpu_j = package_j if self._counters.packages else data.cpu_energy * J_PER_KWH
        ram_j = dram_j if self._counters.drams else data.ram_energy * J_PER_KWH
        gpu_j = data.gpu_energy * J_PER_KWH
        origins: dict[str, Any] = {f"{name}_origin": o for name, o in self.origins.items()}
        return Measurement(
            cpu_j=cpu_j,
            ram_j=ram_j,
            gpu_j=gpu_j,
            co2_g=(cpu_j + ram_j + gpu_j) / J_PER_KWH * self.grid.intensity_g_per_kwh,
            idle_j=self._idle_w * (self._read_at_s - self._started_s),
            **origins,
        )

    @property
    def way(self) -> str:
        """How all energy is known, in full: idle power that was measured in this way is ours."""
        return "; ".join(f"{name} {origin}" for name, origin in self.origins.items())

    @property
    def flaws(self) -> list[str]:
        """What could not be read until now, one sentence each; empty when all is well."""
        return [*self._counters.flaws, *self._gpu_flaws]

    @property
    def hardware(self) -> list[str]:
        """CodeCarbon's own names of what it reads, such as `CPU(Cpu Load)`."""
        return list(self._tracker._conf.get("hardware", []))

    def record(self) -> dict[str, Any]:
        """CodeCarbon's raw totals (kWh, kg) as of the last reading, and what ours rest on."""
        totals = vars(self._totals.data) if self._totals.data else {}
        counters = [*self._counters.packages, *self._counters.drams]
        return {
            "totals": dict(totals),
            "hardware": self.hardware,
            "grid": asdict(self.grid),
            "origins": {name: asdict(origin) for name, origin in self.origins.items()},
            "counters_j": {counter.name: counter.total_j for counter in counters},
            "flaws": self.flaws,
        }


class ScriptedMeter:
    """A meter that reads what it was told to, for tests: the last reading repeats."""

    def __init__(self, readings: Sequence[Measurement]) -> None:
        self._readings = list(readings)

    def read(self) -> Measurement:
        """The next reading of the script."""
        return self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]
