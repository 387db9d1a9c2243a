import ast
import doctest
import os
import sys
import time

import pytest
from codecarbon.core import cpu, gpu, gpu_nvidia, hardware_cache
from codecarbon.external import hardware

from ecotrack import testing
from ecotrack.measure import measure
from ecotrack.meters import powercap
from ecotrack.meters.codecarbon import CodeCarbonMeter
from ecotrack.meters.grid import grid
from ecotrack.testing import Clock, NvmlMachine, PowercapMachine
from tests.conftest import ROOT

RANGE_UJ = 1_000_000_000  # a thousand joules


@pytest.fixture
def machine(tmp_path):
    return PowercapMachine(tmp_path, max_energy_uj=RANGE_UJ)


def shown_uj(machine, zone="intel-rapl:0"):
    return int((machine.folder / zone / "energy_uj").read_text())


def test_the_tree_is_laid_out_as_the_driver_does(machine):
    """Names as a machine with two sockets has them; `subsystem` is the way CodeCarbon goes in."""
    zones = {
        f"intel-rapl:{number}{suffix}": name
        for number in (0, 1)
        for suffix, name in (("", f"package-{number}"), (":0", "core"), (":1", "dram"))
    }
    flat = {path.name for path in machine.folder.iterdir()}
    assert flat == {"intel-rapl", *zones}
    by_subsystem = machine.folder / "intel-rapl" / "subsystem"
    assert {path.name for path in by_subsystem.iterdir()} == flat
    for zone, name in zones.items():
        assert (machine.folder / zone / "name").read_text() == f"{name}\n"
        assert (machine.folder / zone / "max_energy_range_uj").read_text() == f"{RANGE_UJ}\n"
        assert (machine.folder / zone / "constraint_0_name").read_text() == "long_term\n"
    nested = machine.folder / "intel-rapl" / "intel-rapl:0" / "intel-rapl:0:1"
    assert nested.samefile(machine.folder / "intel-rapl:0:1")


def test_counters_move_by_the_joules_they_are_told(machine):
    zones = ("intel-rapl:0", "intel-rapl:0:1", "intel-rapl:1", "intel-rapl:1:1")
    before = [shown_uj(machine, zone) for zone in zones]
    machine.advance(joules=7, dram_joules=2)
    machine.advance(1, joules=0.5)
    after = [shown_uj(machine, zone) for zone in zones]
    assert [b - a for a, b in zip(before, after, strict=True)] == [7_000_000, 2_000_000, 500_000, 0]


def test_many_small_steps_lose_nothing(machine):
    before = shown_uj(machine)
    for _ in range(200):
        machine.advance(joules=1.5e-6)
    assert shown_uj(machine) - before == pytest.approx(300, abs=1)


def test_a_counter_wraps_around_at_its_range(machine):
    before = shown_uj(machine)
    machine.advance(joules=900)
    assert shown_uj(machine) == before + 900_000_000 - RANGE_UJ


def test_a_reset_counter_starts_at_zero(machine):
    machine.reset()
    assert shown_uj(machine) == shown_uj(machine, "intel-rapl:0:1") == 0
    assert shown_uj(machine, "intel-rapl:1") > 0


def test_a_forbidden_counter_cannot_be_read_and_goes_on_counting(machine):
    before = shown_uj(machine)
    machine.forbid()
    machine.advance(joules=3)
    for zone in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:0:1"):
        with pytest.raises(OSError, match="energy_uj"):
            shown_uj(machine, zone)
    assert shown_uj(machine, "intel-rapl:1") > 0
    machine.allow()
    assert shown_uj(machine) == before + 3_000_000
    assert os.access(machine.folder / "intel-rapl:0" / "energy_uj", os.R_OK)


def test_what_a_frozen_counter_missed_never_shows(machine):
    before = shown_uj(machine)
    machine.freeze()
    machine.advance(joules=3)
    assert shown_uj(machine) == before
    machine.thaw()
    machine.advance(joules=1)
    assert shown_uj(machine) == before + 1_000_000


def test_mirrored_packages_show_one_counter(tmp_path):
    machine = PowercapMachine(tmp_path, mirrored=True)
    machine.advance(1, joules=5)
    assert shown_uj(machine, "intel-rapl:0") == shown_uj(machine, "intel-rapl:1")


@pytest.mark.parametrize("step", [{"joules": -1}, {"dram_joules": -1}])
def test_a_counter_does_not_go_back(machine, step):
    with pytest.raises(ValueError, match="-1 J"):
        machine.advance(**step)


def test_a_machine_without_dram_counters_has_none_to_move(tmp_path):
    machine = PowercapMachine(tmp_path, dram=False)
    assert not (tmp_path / "intel-rapl:0:1").exists()
    with pytest.raises(ValueError, match="DRAM"):
        machine.advance(dram_joules=1)


def test_an_installed_machine_is_found_and_then_forgotten(machine):
    def places():
        plans = hardware_cache._plans
        return hardware.CPU.__init__.__defaults__, powercap.FOLDER, plans, cpu.is_rapl_available()

    before = places()
    with machine.installed() as installed:
        assert installed is machine
        assert machine.folder == powercap.FOLDER
        assert cpu.is_rapl_available()
    assert places() == before


def test_a_codecarbon_that_moved_its_folder_is_refused(machine, monkeypatch):
    monkeypatch.setattr(hardware_cache, "DEFAULT_RAPL_DIR", "/elsewhere")
    with pytest.raises(RuntimeError, match="RAPL folder"), machine.installed():
        pass


def test_an_installed_nvml_is_found_and_then_forgotten():
    def places():
        found = gpu.is_nvidia_system(), gpu.PYNVML_AVAILABLE, hardware_cache._plans
        return found, gpu_nvidia.pynvml, sys.modules.get("pynvml")

    before = places()
    with NvmlMachine(gpus=2).installed() as gpus:
        import pynvml

        assert pynvml is gpus.module is gpu_nvidia.pynvml
        assert pynvml.nvmlDeviceGetCount() == 2
    assert places() == before


def test_a_gpu_counter_moves_in_millijoules_and_can_be_forbidden_and_reset():
    gpus = NvmlMachine(gpus=2)
    read = gpus.module.nvmlDeviceGetTotalEnergyConsumption
    before = read(0), read(1)
    gpus.advance(1, joules=2.5)
    assert (read(0) - before[0], read(1) - before[1]) == (0, 2500)
    gpus.forbid(1)
    with pytest.raises(gpus.module.NVMLError):
        read(1)
    gpus.allow(1)
    gpus.reset(1)
    assert read(1) == 0
    with pytest.raises(ValueError, match="-1 J"):
        gpus.advance(joules=-1)


CLOCKS = ("time", "perf_counter", "monotonic")


def test_clocks_move_only_by_hand():
    with Clock() as clock:
        before = {name: getattr(time, name)() for name in CLOCKS}
        clock.advance(60)
        time.sleep(3600)
        for name in CLOCKS:
            assert getattr(time, name)() - before[name] == pytest.approx(3660, abs=0.001)
            assert getattr(time, f"{name}_ns")() / 1e9 == pytest.approx(getattr(time, name)())
        with pytest.raises(ValueError, match="1 s"):
            clock.advance(-1)


def test_a_correction_moves_the_wall_clock_alone():
    with Clock() as clock:
        before = {name: getattr(time, name)() for name in CLOCKS}
        clock.correct(-3600)
        assert time.time() - before["time"] == pytest.approx(-3600, abs=0.001)
        assert 0 < time.perf_counter() - before["perf_counter"] < 0.001


def test_two_readings_never_agree():
    with Clock():
        assert time.perf_counter() < time.perf_counter()


def test_the_true_clocks_come_back():
    names = [f"{name}{suffix}" for name in CLOCKS for suffix in ("", "_ns")]
    true = {name: getattr(time, name) for name in [*names, "sleep"]}
    with Clock():
        assert all(getattr(time, name) is not function for name, function in true.items())
    assert {name: getattr(time, name) for name in true} == true


def test_it_needs_no_test_runner():
    for path in (ROOT / "ecotrack" / "testing").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", [])]
            assert "pytest" not in [getattr(node, "module", None), *names]


@pytest.mark.parametrize("subject", [testing, Clock, NvmlMachine, PowercapMachine])
def test_the_examples_are_true(subject, tmp_path):
    names = {"folder": tmp_path, "time": time, "measure": measure, "grid": grid}
    names |= {"CodeCarbonMeter": CodeCarbonMeter, **vars(testing)}
    [example] = doctest.DocTestFinder(recurse=False).find(subject, globs=names)
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0
