"""How the energy of each part of this machine is known, as CodeCarbon and our counters found it.

A `tracker` here is a started OfflineEmissionsTracker. Only its private parts say which formula it
took.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from codecarbon.core import cpu as codecarbon_cpu
from codecarbon.core.hardware_cache import get_cached_tdp
from codecarbon.input import DataSource

from ecotrack.measurement import Origin, Source
from ecotrack.meters.powercap import BELIEVABLE_W, Counter

DRAWS_AT_MOST = 1.2  # times its rated power: the ends of a block are read a little apart


def cpu(tracker: Any, packages: Sequence[Counter]) -> Origin:
    """Our counters, or whatever CodeCarbon has instead."""
    if packages:
        return _counted(packages)
    chip = _part(tracker, "CPU", "Raspberry", "AppleSiliconChip")
    mode = getattr(chip, "_mode", "")
    if mode == "cpu_load":
        how = "CodeCarbon's curve: rated power x (0.1 + 0.9 load^3)"
        return _rated("modelled", how, chip._tdp, _rated_from(tracker, chip))
    if mode == "constant":
        how = "half of the rated power, whatever the load"
        return _rated("assumed", how, chip._tdp, _rated_from(tracker, chip))
    return Origin("measured", f"CodeCarbon's {chip.description()}")


def ram(tracker: Any, drams: Sequence[Counter]) -> Origin:
    """Our counters, or a constant."""
    if drams:
        return _counted(drams)
    memory = _part(tracker, "RAM", "Raspberry")
    if type(memory).__name__ != "RAM":
        return Origin("measured", f"CodeCarbon's {memory.description()}")
    guess = f"CodeCarbon's guess at the modules of {memory.machine_memory_GB:.0f} GiB"
    rated_from = guess if tracker._force_ram_power is None else "given"
    return _rated("assumed", "a constant power", memory.total_power().W, rated_from)


def gpu(tracker: Any) -> Origin:
    """Each GPU's counter, or its power where it has none."""
    devices = list(_gpus(tracker))
    if devices:
        kinds = {True: "energy counter", False: "sampled power"}
        each = [f"{device._gpu_name}: {kinds[device._has_counter]}" for device in devices]
        return Origin("measured", ", ".join(each))
    if any(getattr(part, "chip_part", "") == "GPU" for part in tracker._hardware):
        return Origin("measured", "Apple's powermetrics")
    return Origin("absent", "CodeCarbon found none")


def gpu_flaws(tracker: Any) -> Iterator[str]:
    """What CodeCarbon could not read of GPUs at its last look, which only its log would say."""
    for device in _gpus(tracker):
        if device._has_counter and device._use_power_fallback:
            yield (
                f"the energy counter of GPU {device.gpu_index} could not be used for a time:"
                " CodeCarbon took its power instead"
            )
        if device._warned_power_failure:
            yield f"the power of GPU {device.gpu_index} could not be read: 0 W is counted"


def _counted(counters: Sequence[Counter]) -> Origin:
    names = ", ".join(counter.name for counter in counters)
    return Origin("measured", f"RAPL {names}", most_w=BELIEVABLE_W * len(counters))


def _rated(source: Source, how: str, watts: float, rated_from: str) -> Origin:
    return Origin(source, how, watts, rated_from, most_w=DRAWS_AT_MOST * watts)


def _rated_from(tracker: Any, chip: Any) -> str:
    if tracker._force_cpu_power is not None:
        return "given"
    if chip._is_generic_tdp:
        return "CodeCarbon's default for any CPU"
    tdp = get_cached_tdp(codecarbon_cpu)
    match = _in_table(tdp.model)
    watts = codecarbon_cpu.DEFAULT_POWER_PER_CORE
    fallback = f"{watts} W a thread: {tdp.model!r} is not in CodeCarbon's table"
    found = f"{match!r} in CodeCarbon's table" if match else fallback
    sockets = int(tracker._conf.get("cpu_physical_count", 1))
    return f"{found}, times {sockets} sockets" if sockets > 1 else found


@cache
def _in_table(model: str) -> str | None:
    """CodeCarbon's name of a CPU; a search among thousands."""
    found: str | None = get_cached_tdp(codecarbon_cpu)._get_matching_cpu(
        model, DataSource().get_cpu_power_data()
    )
    return found


def _gpus(tracker: Any) -> Sequence[Any]:
    part = _part(tracker, "GPU")
    return part.devices.devices if part else ()


def _part(tracker: Any, *kinds: str) -> Any:
    """The first of CodeCarbon's parts of the machine of such kinds; there is no public way."""
    return next((part for part in tracker._hardware if type(part).__name__ in kinds), None)
