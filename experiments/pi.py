"""Does parallelism save carbon on the way to π, and does a better algorithm beat it?

    mlflow run . -e pi --env-manager local --experiment-name pi

From pure Python to vector registers, all cores and CUDA, then quasi-Monte Carlo and integration.
With the defaults it takes two minutes on two cores: the fastest dart thrower is some 1,400 times
faster than pure Python, and the midpoint rule needs a thousand evaluations for seven digits.
Memory: at most 130 MiB a thread beside the program's own 300, whatever the number of samples. Leave
pure Python out of 1e10 samples or more: it takes 100 ns each, seven times over. A GPU's energy is
NVML's, of all the devices that CUDA_VISIBLE_DEVICES shows, and a CUDA rung's time has all that an
estimate takes: state to the device, darts, count back. What moving alone takes is measured apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ecotrack import Result, measure, terminal
from ecotrack.cli import UserError, option
from ecotrack.host import cores
from ecotrack.launch import launch
from ecotrack.measure import Meter
from ecotrack.metered import Metered
from ecotrack.repeating import BRIEF, Repeats, interleave, repeat
from ecotrack.tracking import Store
from experiments.reports import views
from experiments.reports.ladder import Apart, Cell, Measured, key
from experiments.reports.pi import report
from experiments.workloads.jit import compilations, nothing_compiled
from experiments.workloads.pi import METHODS, Method, blocks, gpu


@dataclass(frozen=True)
class Config(Metered, Repeats):
    """What `pi` can be told."""

    samples: int = option(
        8 * 2**22,
        "points of each estimate; threads share blocks of 2^22",
        at_least=1,
        at_most=10**11,
    )
    methods: tuple[str, ...] = option(
        tuple(METHODS), "which ways to compare", one_of=tuple(METHODS)
    )
    threads: tuple[int, ...] | None = option(
        None, "how many to try; none: 1 and all", at_least=1, at_most=cores()
    )
    device: int = option(0, "index of the CUDA device, where there is one", at_least=0)
    idle_s: float = option(10.0, "how long to measure the idle machine", at_least=1, at_most=3600)
    seed: int = option(0, "of the points", at_least=0, at_most=2**31)


def check(config: Config, store: Store | None = None) -> None:
    """Refuse devices that are not there, and more samples than a simulator can do."""
    if not cells(config):
        raise UserError(f"none of --methods can run here: {gpu.missing()}")
    devices = gpu.devices()
    if devices and config.device >= len(devices):
        there = ", ".join(f"{index} ({name})" for index, name in enumerate(devices))
        raise UserError(f"--device has no {config.device}; there is {there}")
    if gpu.SIMULATED and cuda_rungs(config) and config.samples > gpu.MOST_SIMULATED:
        raise UserError(
            f"--samples must be at most {gpu.MOST_SIMULATED} in Numba's CUDA simulator,"
            f" got {config.samples}"
        )


def title(config: Config) -> str:
    """A name that a person can read: `π from 33,554,432 samples`."""
    return f"π from {config.samples:,} samples"


def cells(config: Config) -> list[Cell]:
    """Each method with each number of threads that it can use; CUDA where there is a GPU."""
    most = blocks.count(config.samples)  # a thread without a block would only wait
    several = (min(threads, most) for threads in config.threads or (cores(),))
    wanted = sorted({1, *several})  # one thread is what all compare with
    found = []
    for name in config.methods:
        method = METHODS[name]
        if method.needs_cuda and gpu.missing():
            continue
        if name == "all-cores":
            found += [(name, max(wanted))] if max(wanted) > 1 else []
        else:
            found += [(name, n) for n in wanted if n == 1 or method.takes_threads]
    return found


def cuda_rungs(config: Config) -> list[str]:
    """The methods that will run on a GPU."""
    return [name for name, _ in cells(config) if METHODS[name].needs_cuda]


def run(config: Config, meter: Meter) -> Result:
    """Measure the idle machine, then what is no sampling, then all methods in turns."""
    if cuda_rungs(config):
        gpu.use_device(config.device)
    names = dict.fromkeys(name for name, _ in cells(config))
    apart: dict[str, Apart] = {}
    totals: dict[Cell, float] = {}
    plan = config.plan
    turns = len(cells(config)) * (plan.repeats + 1)
    with terminal.bar("π", turns) as progress:
        progress.update(0, f"measuring the idle machine for {config.idle_s:g} s")
        with measure(meter) as idle:
            time.sleep(config.idle_s)
        for name in names:
            progress.update(0, f"compiling {name}")
            apart[name] = measure_apart(METHODS[name], config, meter)
        works = {key(cell): work(cell, config, totals, progress) for cell in cells(config)}
        with nothing_compiled():
            measured = interleave(works, meter, plan, tick=progress.advance)
    device = gpu.devices()[config.device] if cuda_rungs(config) else None
    series = {cell: measured[key(cell)] for cell in cells(config)}
    found = Measured(config.samples, series, totals, apart, idle.cost, device)
    return report(found, [*cuda_findings(config), *thread_findings(config)])


def work(
    cell: Cell, config: Config, totals: dict[Cell, float], progress: terminal.Bar
) -> Callable[[], None]:
    """One count of the points inside, as a call without arguments that leaves it in `totals`."""
    name, threads = cell
    method = METHODS[name]
    given = threads if method.takes_threads else None

    def count() -> None:
        followed = {} if method.needs_cuda else {"progress": progress.follow(key(cell))}
        totals[cell] = method.total(config.samples, config.seed, given, **followed)

    return count


def measure_apart(method: Method, config: Config, meter: Meter) -> Apart:
    """What is no sampling: the first call, which compiles; on a GPU what moves, an estimate."""
    with compilations() as seen, measure(meter) as window:
        method.total(1, 0)
    costs = {"compile": window.cost} if seen.names else {}
    if isinstance(method.function, gpu.Rung):
        costs["transfer"] = repeat(method.function.transfer(config.seed), meter, BRIEF).each
    return Apart(costs, seen.from_cache)


def thread_findings(config: Config) -> list[str]:
    """Whether there are too few samples for all the threads asked for."""
    filled, asked = blocks.count(config.samples), max(config.threads or (cores(),))
    if filled >= asked:
        return []
    return [
        f"{config.samples:,} samples fill {filled:,} of the blocks of {blocks.BLOCK:,} that threads"
        f" share: no more threads than that were tried, of {asked} asked for."
    ]


def cuda_findings(config: Config) -> list[str]:
    """Whether CUDA rungs were asked for and there is no GPU, or only the simulator."""
    if not any(METHODS[name].needs_cuda for name in config.methods):
        return []
    if reason := gpu.missing():
        return [f"The CUDA rungs were skipped: {reason}."]
    if gpu.SIMULATED:
        return [
            "Numba's CUDA simulator stood in for a GPU: time and energy are those of Python on the"
            " CPU, and there is no account of occupancy."
        ]
    return []


if __name__ == "__main__":
    launch("pi", Config, run, experiment="pi", check=check, name=title, view=views.pi)
