from contextlib import contextmanager

import pytest
from codecarbon import emissions_tracker
from codecarbon.core import cpu, hardware_cache

from ecotrack.meters.codecarbon import CodeCarbonMeter
from ecotrack.meters.grid import grid
from ecotrack.meters.machine import Machine
from ecotrack.testing import NvmlMachine, PowercapMachine


@pytest.fixture
def components_of(tmp_path, monkeypatch):
    """Components of a machine with such a CPU, whose counters may not be read."""

    @contextmanager
    def describe(model, sockets=1, **given):
        monkeypatch.setattr(cpu, "detect_cpu_model", lambda: model)
        monkeypatch.setattr(emissions_tracker, "count_physical_cpus", lambda: sockets)
        monkeypatch.setattr(hardware_cache, "_tdp", None)
        machine = PowercapMachine(tmp_path)
        for package in (0, 1):
            machine.forbid(package)
        with machine.installed(), CodeCarbonMeter(grid("WORLD"), Machine(**given)) as meter:
            yield meter.origins

    return describe


def test_a_known_cpu_is_rated_by_the_table(components_of):
    with components_of("AMD EPYC 7763 64-Core Processor") as components:
        assert components["cpu"].source == "modelled"
        assert components["cpu"].rated_w == 280
        assert components["cpu"].rated_from == "'AMD EPYC 7763' in CodeCarbon's table"


def test_an_unknown_cpu_is_rated_by_its_threads(components_of, monkeypatch):
    monkeypatch.setattr(cpu, "count_cpus", lambda: 6)
    with components_of("No Such Chip") as components:
        assert components["cpu"].rated_w == 24
        says = "4 W a thread: 'No Such Chip' is not in CodeCarbon's table"
        assert components["cpu"].rated_from == says


def test_sockets_multiply_and_it_is_said(components_of):
    with components_of("AMD EPYC 7763 64-Core Processor", sockets=2) as components:
        assert components["cpu"].rated_w == 560
        assert components["cpu"].rated_from.endswith("table, times 2 sockets")


def test_given_watts_go_before_the_table(components_of):
    with components_of("AMD EPYC 7763 64-Core Processor", cpu_watts=50, ram_watts=3) as components:
        assert (components["cpu"].rated_w, components["cpu"].rated_from) == (50, "given")
        assert (components["ram"].rated_w, components["ram"].rated_from) == (3, "given")


def test_memory_without_counters_is_assumed_from_a_guess(components_of):
    with components_of("No Such Chip") as components:
        assert components["ram"].source == "assumed"
        assert components["ram"].rated_w > 0
        assert components["ram"].rated_from.startswith("CodeCarbon's guess at the modules of")


def test_a_gpu_without_energy_counter_is_known_by_its_power():
    gpus = NvmlMachine()
    gpus.forbid()
    with gpus.installed(), CodeCarbonMeter(grid("WORLD")) as meter:
        assert meter.origins["gpu"].how == "Fixture GPU: sampled power"
        assert meter.flaws == [], "it never had one to lose"


def test_a_driver_without_gpus_is_no_gpu():
    with NvmlMachine(gpus=0).installed(), CodeCarbonMeter(grid("WORLD")) as meter:
        assert meter.origins["gpu"].source == "absent"
