"""`python -m ecotrack doctor`: on machines with counters, without, and on this one."""

import fcntl
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from codecarbon.core.resource_tracker import ResourceTracker

from ecotrack import host, metrics
from ecotrack.cli import UserError
from ecotrack.commands import doctor
from ecotrack.commands.doctor import idle_power
from ecotrack.commands.missing import READABLE
from ecotrack.commands.noise import Noise
from ecotrack.measurement import Measurement
from ecotrack.meters import machine, powercap
from ecotrack.meters.codecarbon import CodeCarbonMeter, ScriptedMeter
from ecotrack.meters.grid import grid
from ecotrack.meters.machine import Idle, Machine
from ecotrack.stats import Ratio
from ecotrack.testing import Clock, NvmlMachine, PowercapMachine
from ecotrack.tracking import Store
from tests.conftest import ROOT, Home

DOCTOR = (sys.executable, "-m", "ecotrack", "doctor")
BRIEF = "--noise-s=1"
READ_OF_A_COUNTER = {"energy_uj", "max_energy_range_uj"}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch) -> Path:
    """The machine's file, in no folder yet."""
    path = tmp_path / "configuration" / "machine.json"
    monkeypatch.setenv("ECOTRACK_MACHINE", str(path))
    monkeypatch.setenv("ECOTRACK_LOCK", str(tmp_path / "turn.lock"))
    monkeypatch.delenv("ECOTRACK_COUNTRY", raising=False)
    return path


@pytest.fixture
def counters(tmp_path):
    """Makes the folder of a machine's counters, which may have none."""

    def make(**layout) -> PowercapMachine:
        folder = tmp_path / "powercap"
        folder.mkdir()
        return PowercapMachine(folder, **layout)

    return make


@pytest.fixture
def printed(capsys):
    """What doctor says, spaces made one."""

    def run(*words: str) -> str:
        doctor.main([BRIEF, *words])
        return re.sub(r"[ \n]+", " ", capsys.readouterr().out)

    return run


def cpu_says(monkeypatch, tmp_path, flags: str) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    monkeypatch.setattr(host, "CPU_INFO", tmp_path / "cpuinfo")


def test_counters_that_can_be_read_lack_nothing(counters, printed, place):
    with counters().installed():
        out = printed()
    assert "CPU measured: RAPL package-0, package-1 ×/÷ 1.05 RAPL against power meters" in out
    assert "RAM measured: RAPL package-0 dram, package-1 dram ×/÷ 1.2 " in out
    assert not {"sudo", "modprobe", "--cpu-watts", "--ram-watts"} & set(out.split())
    way = json.loads(place.read_text())["checked"]["way"]
    assert way.startswith("cpu measured: RAPL package-0, package-1; ram measured")


def test_counters_that_stand_still_are_doubted_and_are_no_noise(counters, printed):
    with counters().installed():
        out = printed()
    assert "cannot be right about this test: " in out
    assert "are said to have cost no energy" in out
    assert "Noise: a work against itself, 5 pairs of turns" in out


def test_memory_without_counters_can_be_told(counters, printed):
    with counters(dram=False).installed():
        out = printed()
    assert "CPU measured" in out
    assert "python -m ecotrack doctor --ram-watts W" in out


def test_counters_that_may_not_be_read_have_their_one_command(counters, printed):
    machine = counters(packages=1)
    machine.forbid()
    with machine.installed():
        out = printed()
    assert "CPU modelled" in out
    assert f" {READABLE} " in out
    assert "package-0 has an energy counter that cannot be read" in out


def test_that_command_opens_all_that_is_read_of_a_counter(counters):
    folder = counters().folder
    pattern = Path(READABLE.split()[-1]).relative_to(powercap.FOLDER)
    opened = set(folder.glob(str(pattern)))
    zones, names = [zone for _, zone in powercap._zones(folder)], READ_OF_A_COUNTER
    assert len(zones) == 4
    assert opened >= {zone / name for zone in zones for name in names}
    assert {path.name for path in opened} == names


@pytest.mark.parametrize(
    ("flags", "advice", "virtual"),
    [
        ("fpu hypervisor sse", "a virtual machine has no energy counters", "virtual yes"),
        ("fpu sse", "sudo modprobe intel_rapl_msr", "virtual no"),
        ("", "sudo modprobe intel_rapl_msr", "virtual unknown"),
    ],
)
def test_no_counters_at_all(counters, printed, tmp_path, monkeypatch, flags, advice, virtual):
    cpu_says(monkeypatch, tmp_path, flags)
    with counters(packages=0).installed():
        out = printed()
    assert advice in out
    assert virtual in out
    assert "python -m ecotrack doctor --cpu-watts W" in out


def test_a_gpu_is_found_or_missed(printed):
    with NvmlMachine(gpus=0).installed():
        assert " nvidia-smi " in printed()
    with NvmlMachine().installed():
        out = printed()
    assert "GPU measured: Fixture GPU: energy counter ×/÷ 1.1 NVML" in out
    assert "nvidia-smi" not in out


def test_what_a_user_wrote_stays_and_watts_given_are_kept(counters, printed, place):
    place.parent.mkdir()
    place.write_text(json.dumps({"ram_watts": 7, "factors": {"ram-estimate": 1.3}}))
    with counters(packages=0).installed():
        out = printed("--cpu-watts=65")
    assert "at 65 W (given)" in out
    assert "at 7 W (given) ×/÷ 1.3 your calibration" in out
    assert "is a guess" not in out
    known = machine.load()
    assert (known.cpu_watts, known.ram_watts, known.factors) == (65, 7, {"ram-estimate": 1.3})
    assert f"Kept in {place}" in out


def test_a_wall_meter_of_one_s_own_goes_before_the_literature(printed, place):
    out = printed()
    assert "up to × 1.5 a wall meter reads 1.25 to 1.5 times as much" in out
    assert f'into {place}: "factors": {{"wall": 1.3}}' in out
    place.write_text(json.dumps({"factors": {"wall": 1.2}}))
    out = printed()
    assert "up to × 1.2 your calibration" in out
    assert "if you have a wall meter" not in out


def test_whose_electricity_can_be_told(printed, monkeypatch):
    out = printed()
    assert "grid the world's average: 475 g/kWh in 2019" in out
    assert "export ECOTRACK_COUNTRY=FRA" in out
    monkeypatch.setenv("ECOTRACK_COUNTRY", "POL")
    out = printed()
    assert "grid POL: " in out
    assert "ECOTRACK_COUNTRY" not in out


def test_stray_settings_of_codecarbon_are_named(printed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODECARBON_PUE", "3")
    (tmp_path / ".codecarbon.config").write_text("[codecarbon]\npue=3\n")
    assert f"{tmp_path}/.codecarbon.config (ignored), CODECARBON_PUE (ignored)" in printed()


def test_where_nothing_can_be_read_there_is_a_table_still(printed, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("no sensors")

    monkeypatch.setattr(ResourceTracker, "set_CPU_GPU_ram_tracking", fail)
    out = printed()
    assert "No energy can be read on this machine" in out
    assert re.search(r"CPU absent RAM absent GPU absent wall .* Noise: .*Kept in", out)
    with pytest.raises(UserError, match="no energy can be read on this machine"):
        doctor.main([BRIEF, "--idle=1"])


def test_a_place_that_cannot_be_written_costs_no_table(printed, monkeypatch):
    monkeypatch.setenv("ECOTRACK_MACHINE", "/proc/no/machine.json")
    assert "What was found cannot be kept: " in printed()
    for asked in ("--idle=3600", "--cpu-watts=65"):
        with pytest.raises(UserError, match=r"what was asked for cannot be kept: .*/proc/no"):
            doctor.main([BRIEF, asked])


def test_a_broken_file_is_one_line_and_code_2(home: Home, place):
    place.parent.mkdir()
    place.write_text("{")
    done = home.command(*DOCTOR)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ecotrack: {place}: ")
    assert place.read_text() == "{"


def noise_of(low: float, high: float, others: float = 0.0, warnings=()) -> Noise:
    return Noise(Ratio((low * high) ** 0.5, low, high), 20, 0.01, others, warnings)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (noise_of(0.99, 1.01, 0.05), "quiet"),
        (noise_of(0.99, 1.01, 0.06), "noisy: others at work"),
        (noise_of(0.97, 1.03), "noisy: wider than ±2%"),
        (noise_of(1.01, 1.02), "noisy: differs from itself"),
        (noise_of(0.99, 1.01, 0, ("drifting",)), "noisy: drifting"),
    ],
)
def test_the_verdict_says_why(found, verdict):
    assert found.verdict == verdict


def test_what_noise_means_for_differences():
    assert noise_of(0.99, 1.01).meaning == (
        "Differences below 1.0% would now be lost in the noise of so many turns."
    )
    assert noise_of(0.96, 1.04).meaning.endswith("; 2% takes some 61 pairs more.")


def test_idle_power_is_what_was_drawn_while_we_slept(counters, monkeypatch):
    rapl = counters(packages=1)
    with Clock() as clock, rapl.installed(), CodeCarbonMeter(grid("WORLD")) as meter:

        def sleep(seconds: float) -> None:
            clock.advance(seconds)
            rapl.advance(joules=20 * seconds, dram_joules=2 * seconds)

        with monkeypatch.context() as patch:
            patch.setattr(time, "sleep", sleep)
            found = idle_power(meter, 60, meter.way)
        assert found.power_w == pytest.approx(22, rel=0.01)
        assert (found.boot, round(found.over_s)) == (host.boot_id(), 60)
        assert Machine(idle=found).idle_w(meter.way) == found.power_w


def test_idle_power_of_a_machine_at_work_is_refused(monkeypatch):
    busy_s = iter(range(0, 1000, 60))
    times = psutil.cpu_times()
    monkeypatch.setattr(psutil, "cpu_times", lambda: times._replace(user=next(busy_s)))
    monkeypatch.setattr(host, "all_cores", lambda: 2)
    meter = ScriptedMeter([Measurement(), Measurement(cpu_j=600)])
    with Clock(), pytest.raises(UserError, match=r"others had \d+% of the cores, and 5% is the"):
        idle_power(meter, 60, "")


def test_an_earlier_idle_power_is_no_judge_of_a_new_one():
    meter = ScriptedMeter([Measurement(), Measurement(cpu_j=60, idle_j=6000)])
    with Clock():
        assert idle_power(meter, 60, "").power_w == pytest.approx(1, rel=0.01)


def test_this_machine(home: Home, place):
    """Others may be at work here: then idle power is refused, and all the rest is there."""
    done = home.command(*DOCTOR, BRIEF, "--idle=1")
    for head in ("Energy", "This machine", "Noise: a work against itself, 5 pairs of turns"):
        assert f"\n{head}" in f"\n{done.stdout}"
    known = machine.load()
    assert known.checked
    if done.returncode == 0:
        assert known.idle
        assert "The idle machine draws" in done.stdout
        assert done.stderr == ""
    else:
        assert done.returncode == 2
        assert known.idle is None
        (line,) = done.stderr.splitlines()
        assert "idle power is not kept: others had" in line


def test_while_another_measures_the_machine_is_left_alone(home: Home, place):
    with (home.folder / "turn.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = home.command(*DOCTOR, "--no-wait=true", "--cpu-watts=65")
        idle = home.command(*DOCTOR, "--no-wait=true", "--idle=1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The noise was not tested: another process is measuring on this machine" in done.stdout
    assert "This machine" in done.stdout
    assert "pairs of turns" not in done.stdout
    assert machine.load() == Machine(cpu_watts=65)
    assert idle.returncode == 2, "it was asked for"
    (line,) = idle.stderr.splitlines()
    assert "is measuring on this machine" in line


def test_without_a_home_it_prints_what_it_finds(home: Home, monkeypatch):
    for name in ("ECOTRACK_MACHINE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/dev/null")
    done = home.command(*DOCTOR, BRIEF)
    assert (done.returncode, done.stderr) == (0, "")
    assert "What was found cannot be kept: " in done.stdout


def test_ctrl_c_ends_the_wait_quietly(home: Home, place):
    command = [*DOCTOR, BRIEF, "--idle=600"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=home.env, stdout=pipe, stderr=pipe) as process:
        assert any(line.startswith(b"Now leave the machine alone") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT
        assert process.stderr.read() == b""
    assert machine.load().checked


def test_runs_tell_net_energy_and_refer_to_what_was_found(home: Home, printed):
    """Idle power is measured for a minute of a clock that does not wait for it."""
    printed()
    with Clock(), CodeCarbonMeter(grid("WORLD")) as meter:
        idle = idle_power(meter, 60, meter.way)
    machine.save(Machine(idle=idle, checked=machine.load().checked))
    done = home.command(sys.executable, "-m", "ecotrack", "exec", "--", "sleep", "1")
    assert done.returncode == 0, done.stderr
    (run,) = Store().runs("exec", {metrics.KIND_TAG: "exec"})
    idle_j = 3600 * (run.metrics[metrics.TOTAL_WH] - run.metrics[metrics.NET_WH])
    assert idle_j >= 0.99 * idle.power_w * run.metrics[metrics.WALL_S] > 0
    assert run.tags[metrics.DOCTOR_TAG] == str(machine.load().checked)


def test_idle_power_of_another_way_of_knowing_is_not_ours():
    with CodeCarbonMeter(grid("WORLD"), Machine(cpu_watts=65)) as meter:
        idle = Idle(10, 60, host.boot_id(), meter.way)
        assert Machine(idle=idle).idle_w(meter.way) == 10
    with CodeCarbonMeter(grid("WORLD"), Machine(cpu_watts=15, idle=idle)) as meter:
        assert meter.read().idle_j == 0
