"""Facts about this machine, this process and this commit."""

import os
import platform
import socket
import subprocess
from pathlib import Path

import psutil

CLOCK_DRIFT_S = 2.0  # a start is told in wall-clock time, and that clock is corrected at times


def cores() -> int:
    """Cores that this process may use, which a container may have fewer of than the machine."""
    return len(os.sched_getaffinity(0))


def all_cores() -> int:
    """Cores of the machine, whoever may use them."""
    return psutil.cpu_count() or 1


def describe() -> str:
    """CPU model, cores and memory, as one line."""
    memory_gib = psutil.virtual_memory().total / 2**30
    return f"{cpu_model()}, {psutil.cpu_count()} cores, {memory_gib:.0f} GiB"


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
    """Whether this process was started by that one, or by one that it started, and so on."""
    return pid in (parent.pid for parent in psutil.Process().parents())


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
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
