"""Facts about this machine, this process and this commit."""

import hashlib
import os
import platform
import re
import socket
import subprocess
from collections import Counter
from pathlib import Path

import psutil

MACHINE_ID = Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")
CPU_INFO = Path("/proc/cpuinfo")
CPU_FOLDER = Path("/sys/devices/system/cpu")
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container, as it sees its own
CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")


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
    parts = [cpu_model(), f"{psutil.cpu_count()} cores", f"{memory_gib:.0f} GiB"]
    return ", ".join([*parts, f"id {mark()}"] if mark() else parts)


def hardware() -> str:
    """CPU model, cores and GPUs, as one line: what machines share whose costs compare."""
    models = Counter(gpu_models())
    gpus = [f"{count} x {model}" for model, count in sorted(models.items())]
    return ", ".join([cpu_model(), f"{psutil.cpu_count()} cores", *gpus])


def gpu_models() -> list[str]:
    """The NVIDIA GPUs of this machine, by their names for themselves; none without their driver."""
    try:
        import pynvml  # comes with CodeCarbon

        pynvml.nvmlInit()
    except Exception:  # each of them says that there is none
        return []
    handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
    return [str(pynvml.nvmlDeviceGetName(handle)) for handle in handles]


def mark() -> str:
    """Tells a machine from its equals; empty where the system has no id, as in many containers.

    The id itself is not to be shown (machine-id(5)): this is a hash of it, and of us.
    """
    ids = [text for text in map(_text, MACHINE_ID) if re.fullmatch("[0-9a-f]{32}", text)]
    return hashlib.sha256(f"ecotrack {ids[0]}".encode()).hexdigest()[:8] if ids else ""


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
    """Names this process so that no other, of any time, container or machine, is taken for it.

    Machine, its mark, its boot, PID namespace, PID, and start in ticks since the boot: the wall
    clock, which is stepped at times, has no part in it.
    """
    return _name_of(psutil.Process())


def is_dead(process: str) -> bool | None:
    """Whether a process named by `process_id` runs no more; None where that cannot be seen.

    A process in another container (PID namespace) is out of sight, whatever numbers are the same.
    So is one of an earlier boot, if the machine has no mark: it may be another one of that name.
    What is of another machine, or no such name at all, is not ours to call dead.
    """
    if not is_name(process):
        return False
    machine, *there, pid, _ = process.rsplit(":", 5)
    here = _place()
    if machine != name() or there[0] != here[0]:
        return False
    if there == here:
        return not _runs(int(pid), process)
    return True if here[0] and there[1] != here[1] else None


def is_name(text: str) -> bool:
    """Whether it is made as `process_id` makes names."""
    return bool(re.fullmatch(r".*(:[^:]*){3}:\d+:[^:]+", text))


def descends_from(process: str) -> bool:
    """Whether this process is that one, or was started by it, or by one that it started, …

    A process in a container has none outside for an ancestor: in doubt it is a stranger.
    """
    this = psutil.Process()
    return process in map(_name_of, (this, *this.parents()))


def git_is_dirty(folder: Path) -> bool | None:
    """Whether the checkout differs from its commit; None outside one."""
    command = ["git", "-C", str(folder), "status", "--porcelain"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return bool(done.stdout.strip()) if done.returncode == 0 else None


def _name_of(process: psutil.Process) -> str:
    return ":".join((name(), *_place(), str(process.pid), _birth(process)))


def _place() -> list[str]:
    """Mark of the machine, its boot, and the namespace that gives PIDs their meaning."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        space = ""
    return [mark(), boot_id()[:8], space]


def _birth(process: psutil.Process) -> str:
    """When a process was started: in ticks since the boot, or by the wall clock without Linux."""
    _, _, fields = _text(Path(f"/proc/{process.pid}/stat")).rpartition(")")
    return fields.split()[19] if fields else f"{process.create_time():.2f}"  # proc_pid_stat(5)


def _runs(pid: int, process: str) -> bool:
    try:
        found = psutil.Process(pid)
        return _name_of(found) == process and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


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
