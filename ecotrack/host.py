"""Facts about this machine, this process and this commit."""

import hashlib
import os
import platform
import socket
import subprocess
from pathlib import Path

import psutil

MACHINE_ID = Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")
CPU_INFO = Path("/proc/cpuinfo")
CPU_FOLDER = Path("/sys/devices/system/cpu")
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container, as it sees its own
CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
CLOCK_DRIFT_S = 2.0  # a start is told in wall-clock time, and that clock is corrected at times


def cores() -> int:
    """Cores that this process may use, which a container may have fewer of than the machine."""
    return len(os.sched_getaffinity(0))


def all_cores() -> int:
    """Cores of the machine, whoever may use them."""
    return psutil.cpu_count() or 1


def usable_cores() -> float:
    """The same, or fewer where a container's share of time is limited."""
    quota_us, _, period_us = _text(CPU_QUOTA).partition(" ")
    limited = quota_us.isdigit() and period_us.isdigit()
    return min(cores(), int(quota_us) / int(period_us)) if limited else cores()


def describe() -> str:
    """CPU model, cores, memory and mark, as one line: how a machine is named in the store."""
    memory_gib = psutil.virtual_memory().total / 2**30
    parts = cpu_model(), f"{psutil.cpu_count()} cores", f"{memory_gib:.0f} GiB"
    return ", ".join((*parts, *mark()))


def mark() -> list[str]:
    """What tells a machine from its equals, if the system has an id; many containers have none.

    The id itself is not to be shown (machine-id(5)): hence a hash of it, and of us.
    """
    found = next(filter(None, map(_text, MACHINE_ID)), "")
    return [f"id {hashlib.sha256(f'ecotrack {found}'.encode()).hexdigest()[:8]}"] if found else []


def name() -> str:
    """The machine's name for itself."""
    return socket.gethostname()


def boot_id() -> str:
    """Names the time since the machine was last started."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"


def process_id() -> str:
    """Names this process so that no later one, and none of another machine, can be taken for it."""
    return _name_of(psutil.Process())


def is_dead(process: str) -> bool:
    """Whether a process named by `process_id` ran on this machine and runs no more."""
    host, pid, created = process.rsplit(":", 2)
    if host != name():
        return False
    try:
        found = psutil.Process(int(pid))
        drift_s = abs(found.create_time() - float(created))
        return drift_s > CLOCK_DRIFT_S or found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def descends_from(pid: int) -> bool:
    """Whether this process is that one, or was started by it, or by one that it started, …"""
    this = psutil.Process()
    return pid in (process.pid for process in (this, *this.parents()))


def git_is_dirty(folder: Path) -> bool | None:
    """Whether the checkout differs from its commit; None outside one."""
    command = ["git", "-C", str(folder), "status", "--porcelain"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return bool(done.stdout.strip()) if done.returncode == 0 else None


def _name_of(process: psutil.Process) -> str:
    return f"{name()}:{process.pid}:{process.create_time():.2f}"


def cpu_model() -> str:
    """The CPU's name for itself, or its architecture."""
    return _cpu_info("model name") or platform.processor() or platform.machine()


def is_virtual() -> bool | None:
    """Whether the CPU says that a hypervisor is between; None where it does not tell."""
    flags = _cpu_info("flags")
    return "hypervisor" in flags.split() if flags else None


def clocking() -> dict[str, str]:
    """What sets the pace of the cores: governor, turbo and SMT; empty text where nothing tells."""
    switch = {"0": "off", "1": "on"}
    turbo = switch.get(_text(CPU_FOLDER / "cpufreq" / "boost"), "")
    no_turbo = switch.get(_text(CPU_FOLDER / "intel_pstate" / "no_turbo"), "")
    return {
        "governor": _text(CPU_FOLDER / "cpu0" / "cpufreq" / "scaling_governor"),
        "turbo": turbo or {"on": "off", "off": "on"}.get(no_turbo, ""),
        "SMT": switch.get(_text(CPU_FOLDER / "smt" / "active"), ""),
    }


def temperature_c() -> float | None:
    """The CPU's hottest sensor, degrees Celsius; None where there is none to read."""
    found = psutil.sensors_temperatures()
    return max((s.current for name in CPU_SENSORS for s in found.get(name, ())), default=None)


def _cpu_info(key: str) -> str:
    """The first core's value; empty text where there is none."""
    lines = (line.partition(":") for line in _text(CPU_INFO).splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == key), "")


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
