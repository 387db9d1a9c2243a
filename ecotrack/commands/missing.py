"""What would tell more of a machine's energy, and the command that brings it."""

from __future__ import annotations

from collections.abc import Iterator

from ecotrack import host
from ecotrack.meters import machine
from ecotrack.meters.codecarbon import CodeCarbonMeter
from ecotrack.meters.grid import WORLD
from ecotrack.meters.powercap import Powercap

READABLE = "sudo chmod a+r /sys/class/powercap/intel-rapl*:*/*energy*_uj"  # counters and ranges


def missing(meter: CodeCarbonMeter) -> Iterator[tuple[str, str]]:
    """What would tell more, and the command for it; empty where there is none."""
    yield from counters(Powercap())
    for part, hint in (("cpu", "its TDP, or your share of it"), ("ram", "some 5 W a module")):
        origin = meter.origins[part]
        if origin.rated_w is not None and origin.rated_from != "given":
            yield (
                f"{part.upper()}: {origin.rated_w:g} W is a guess, and the factor above does not"
                f" cover a wrong one. If you know the power ({hint}):",
                f"python -m ecotrack doctor --{part}-watts W",
            )
    if meter.origins["gpu"].source == "absent":
        yield "GPU: there is none, or its driver is missing. NVIDIA's would list it:", "nvidia-smi"
    if "wall" not in meter.known.factors:
        yield (
            "wall: if you have a wall meter, write how many joules it reads for one of ours, such"
            f" as 1.3, into {machine.path()}:",
            '"factors": {"wall": 1.3}',
        )
    if meter.grid.country == WORLD:
        yield "grid: nobody said where this is. If it is France:", "export ECOTRACK_COUNTRY=FRA"
    if not meter.known.idle_w(meter.way):
        yield (
            "net energy: since the machine was started, idle power was not measured in this way:",
            "python -m ecotrack doctor --idle 60",
        )


def counters(powercap: Powercap) -> Iterator[tuple[str, str]]:
    """Why the CPU's and the memory's energy is not read from counters, where it is not."""
    if powercap.forbidden:
        yield (
            "CPU, RAM: there are energy counters that may not be read. This opens them to every"
            " user until the next start (they are closed because of CVE-2020-8694):",
            READABLE,
        )
    elif powercap.packages:
        return
    elif host.is_virtual():
        yield "CPU: a virtual machine has no energy counters; nothing here can mend that.", ""
    else:
        yield (
            "CPU: Linux shows no energy counters. A container may hide them, the CPU may have"
            " none, or their driver is not loaded:",
            "sudo modprobe intel_rapl_msr",
        )
