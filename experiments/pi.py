"""Does parallelism save carbon on the way to π, and does a better algorithm beat it?

    mlflow run . -e pi --env-manager local --experiment-name pi

From pure Python to vector registers, all cores and CUDA, then quasi-Monte Carlo and integration.
With the defaults it takes two minutes on two cores: the fastest dart thrower is some 1,400 times
faster than pure Python, and the midpoint rule needs a thousand evaluations for seven digits.
Memory: at most 130 MiB a thread, whatever the number of samples. A GPU's energy is NVML's, of all
the devices that CUDA_VISIBLE_DEVICES shows, and a CUDA rung's time has all that an estimate takes:
state to the device, darts, count back. What moving alone takes is measured apart, too.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecotrack import Measurement, Result, figures, measure, metrics, reading, terminal
from ecotrack.cli import UserError, option
from ecotrack.host import cores
from ecotrack.launch import Metered, launch
from ecotrack.lifetime import break_even
from ecotrack.measure import Meter
from ecotrack.parallel import answer, greener
from ecotrack.repeating import BRIEF, LONG_ENOUGH_S, Plan, Series, interleave, repeat
from ecotrack.stats import median_interval
from ecotrack.tracking import Store
from experiments.workloads.jit import compilations, nothing_compiled
from experiments.workloads.pi import METHODS, Method, gpu
from experiments.workloads.pi import figures as pictures

Cell = tuple[str, int]  # method and threads
DIGITS = [d / 4 for d in range(4, 49)]
MOST_SAMPLES = 1e18  # a year's work for a thousand such machines


@dataclass(frozen=True)
class Config(Metered):
    """What `pi` can be told."""

    samples: int = option(
        8 * 2**22,
        "points of each estimate; threads share blocks of 2^22",
        at_least=1,
        at_most=10**11,
    )
    methods: tuple[str, ...] = option(tuple(METHODS), "which ways to compare")
    threads: tuple[int, ...] | None = option(None, "how many to try; none: 1 and all", at_least=1)
    repeats: int = option(5, "turns of each way, interleaved", at_least=2, at_most=1000)
    thorough: bool = option(False, "ten seconds of energy for each figure instead of one")
    device: int = option(0, "index of the CUDA device, where there is one", at_least=0)
    idle_s: float = option(10.0, "how long to measure the idle machine", at_least=1, at_most=3600)
    seed: int = option(0, "of the points", at_least=0, at_most=2**31)


def check(config: Config, store: Store | None = None) -> None:
    """Refuse unknown methods and devices, and more threads or samples than can be had."""
    unknown = [name for name in config.methods if name not in METHODS]
    if unknown:
        raise UserError(f"--methods has no {unknown[0]!r}; there are {', '.join(METHODS)}")
    if config.threads and max(config.threads) > cores():
        raise UserError(
            f"--threads must be at most {cores()}, the cores here, got {max(config.threads)}"
        )
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


def cells(config: Config) -> list[Cell]:
    """Each method with each number of threads that it can use; CUDA where there is a GPU."""
    wanted = sorted({1, *(config.threads or (cores(),))})  # one thread is what all compare with
    found = []
    for name in config.methods:
        method = METHODS[name]
        if method.needs_cuda and gpu.missing():
            continue
        if name == "all-cores":
            found.append((name, max(wanted)))
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
    with measure(meter) as idle:
        time.sleep(config.idle_s)
    names = dict.fromkeys(name for name, _ in cells(config))
    apart = {name: measure_apart(METHODS[name], config, meter) for name in names}
    totals: dict[Cell, float] = {}
    block_s = LONG_ENOUGH_S if config.thorough else 1.0
    plan = Plan(config.repeats, block_s, precision=None)
    turns = len(cells(config)) * (config.repeats + 1)
    with terminal.bar("π", turns) as progress, nothing_compiled():
        works = {key(cell): work(cell, config, totals, progress) for cell in cells(config)}
        measured = interleave(works, meter, plan, tick=progress.advance)
    compared = {cell: measured[key(cell)] for cell in cells(config)}
    return report(config, table(config, compared, totals), compared, apart, idle.cost)


def key(cell: Cell) -> str:
    """A cell as people read it."""
    name, threads = cell
    return f"{name} on {threads}"


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


def measure_apart(method: Method, config: Config, meter: Meter) -> dict[str, Measurement]:
    """What is no sampling, by phase; transfer is for each estimate, and only a GPU has it."""
    costs = {"compile": compile_apart(method, meter)}
    if isinstance(method.function, gpu.Rung):
        costs["transfer"] = repeat(method.function.transfer(config.seed), meter, BRIEF).each
    return costs


def compile_apart(method: Method, meter: Meter) -> Measurement:
    """What the first call costs, which compiles; nothing where Numba's cache has it already."""
    with compilations() as names, measure(meter) as window:
        method.total(1, 0)
    return window.cost if names else Measurement()


def report(
    config: Config,
    rows: list[dict[str, Any]],
    compared: Mapping[Cell, Series],
    apart: Mapping[str, Mapping[str, Measurement]],
    idle: Measurement,
) -> Result:
    """Tables, pictures, findings, and a child run for each method."""
    blocks = sum((found.block for found in compared.values()), Measurement())
    idle_w = idle.total_j / idle.wall_s
    known = f"{config.samples:,} samples; {reading.known(blocks)}"
    single = [of(rows, name)[0] for name in apart]  # on one thread, but for all-cores
    paid, greener_rows = paid_compilations(rows, apart), verdicts(compared, idle_w)
    on_device = device_rows(config, rows, apart)
    device = {metrics.DEVICE_TAG: gpu.devices()[config.device]} if on_device else {}
    artifacts: dict[str, Any] = {
        "pi.csv": rows,
        "pi.json": rows,
        "compiling.json": paid,
        "parallel.json": greener_rows,
        **({"cuda.json": on_device} if on_device else {}),
    }
    artifacts["digits.png"] = figures.png(pictures.digits(digit_rows(single), known))
    for name, column, axis, title in (
        ("time", "ns_per_sample", "ns a sample", "Time by method (one thread, but for all-cores)"),
        (
            "emissions",
            "g_per_sample",
            "g CO2e a sample",
            "Emissions by method (one thread, but for all-cores)",
        ),
    ):
        chart = pictures.by_method(single, column, axis, title, known)
        artifacts[f"{name}.png"] = figures.png(chart)
    several = [row for row in rows if any(r["threads"] > 1 for r in of(rows, row["method"]))]
    if several:
        artifacts["speed_up.png"] = figures.png(pictures.speed_up(several, known))
    return Result(
        costs={
            "sampling": blocks,
            "compile": sum((costs["compile"] for costs in apart.values()), Measurement()),
            "idle": idle,
        },
        scores={metrics.IDLE_W: idle_w},
        artifacts=artifacts,
        tags=device,
        summary={
            f"π from {config.samples:,} samples": readable(rows),
            "When compiling has paid, against pure Python": paid,
            "Is parallel greener? Energy on one thread over energy on many": greener_rows,
            f"Each estimate on {', '.join(device.values())}": on_device,
        },
        findings=[
            *cuda_findings(config),
            f"The idle machine draws {idle_w:.3g} W ({idle.source}); net is without it.",
            "Parallel is greener when the speed-up exceeds the ratio of powers; within 2 % there"
            " is no difference. Where CPU power is modelled, the linear and CodeCarbon's cubic"
            " model must agree, or the formula decides and not the machine.",
        ],
        children={
            name: of_method(name, rows, costs, device if METHODS[name].needs_cuda else {})
            for name, costs in apart.items()
        },
    )


def table(
    config: Config, compared: Mapping[Cell, Series], totals: Mapping[Cell, float]
) -> list[dict[str, Any]]:
    """A row for each method and number of threads.

    Energy is the block's power by the time, and its interval that of the time.
    """
    rows: list[dict[str, Any]] = []
    for (name, threads), found in compared.items():
        seconds, low, high = median_interval([t / config.samples for t in found.times_s])
        power_w = found.block.total_j / found.block.wall_s
        g_per_j = found.block.co2_g / found.block.total_j
        method = METHODS[name]
        alone = compared.get(("numba-lanes" if name == "all-cores" else name, 1), found)
        speed_up = median_interval(alone.times_s)[0] / config.samples / seconds
        row: dict[str, Any] = {"method": name, "threads": threads, "kind": method.kind}
        for end, value in (("", seconds), ("_low", low), ("_high", high)):
            row |= {
                f"ns_per_sample{end}": value * 1e9,
                f"nj_per_sample{end}": value * power_w * 1e9,
                f"g_per_sample{end}": value * power_w * g_per_j,
            }
        row |= {
            "samples_per_s": 1 / seconds,
            "speed_up": speed_up,
            "efficiency": speed_up / (threads if alone is not found else 1),
            "error": abs(4 * totals[name, threads] / config.samples - math.pi),
            "expected_error": method.expected_rmse(config.samples),
            "power_w": power_w,
            "block_s": found.block.wall_s,
            "short": found.block.wall_s < LONG_ENOUGH_S,
        }
        rows.append(row)
    return rows


def of(rows: list[dict[str, Any]], method: str) -> list[dict[str, Any]]:
    """The rows of one method."""
    return [row for row in rows if row["method"] == method]


def digit_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Joules that each method is expected to need for each number of digits."""
    found = []
    for row in rows:
        for digits in DIGITS:
            samples = samples_for(METHODS[row["method"]], math.pi * 10**-digits)
            if samples is not None:
                joules = samples * row["nj_per_sample"] * 1e-9
                found.append({**row, "digits": digits, "joules": joules})
    return found


def samples_for(method: Method, rmse: float) -> float | None:
    """The fewest samples expected to come so close; None where rounding keeps it from there."""
    low, high = 1.0, MOST_SAMPLES
    if method.expected_rmse(high) > rmse:
        return None
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if method.expected_rmse(middle) <= rmse else (middle, high)
    return high


def readable(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The table as it is printed."""
    return [
        {
            "method": row["method"],
            "thr.": str(row["threads"]),
            "ns": f"{row['ns_per_sample']:.3g}",
            "interval": f"{row['ns_per_sample_low']:.3g}–{row['ns_per_sample_high']:.3g}",
            "energy": reading.quantity(row["nj_per_sample"] * 1e-9, "J"),
            "eff.": f"{row['efficiency']:.0%}",
            "error": f"{row['error']:.1e}",
            "expected": f"{row['expected_error']:.1e}",
            "block": "short" if row["short"] else "full",
        }
        for row in rows
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


def device_rows(
    config: Config, rows: list[dict[str, Any]], apart: Mapping[str, Mapping[str, Measurement]]
) -> list[dict[str, str]]:
    """What an estimate on the device takes besides its darts, and how full the device is."""
    found = []
    for name in cuda_rungs(config):
        moved, share = apart[name]["transfer"], occupancy(name)
        whole_s = of(rows, name)[0]["ns_per_sample"] * 1e-9 * config.samples
        found.append(
            {
                "method": name,
                "time": reading.quantity(whole_s, "s"),
                "of it transfer": reading.quantity(moved.wall_s, "s"),
                "energy of transfer": reading.quantity(moved.total_j, "J"),
                **({} if share is None else {"occupancy": f"{share:.0%}"}),
            }
        )
    return found


def occupancy(name: str) -> float | None:
    """The share of the device's threads that a method has at work; None where nobody tells."""
    rung = METHODS[name].function
    return rung.occupancy() if isinstance(rung, gpu.Rung) else None


def paid_compilations(
    rows: list[dict[str, Any]], apart: Mapping[str, Mapping[str, Measurement]]
) -> list[dict[str, str]]:
    """After how many samples each compiled rung has paid, against pure Python."""
    python = next(iter(of(rows, "python")), None)
    found = []
    for name, costs in apart.items():
        cost = costs["compile"]
        if python is None or not cost.wall_s:
            continue
        row = of(rows, name)[0]
        ns, nj = "ns_per_sample", "nj_per_sample"
        in_time = break_even(cost.wall_s, python[ns] * 1e-9, row[ns] * 1e-9)
        in_energy = break_even(cost.total_j, python[nj] * 1e-9, row[nj] * 1e-9)
        found.append(
            {
                "method": name,
                "time": f"{cost.wall_s:.2f} s",
                "energy": reading.quantity(cost.total_wh, "Wh"),
                "paid in time": reading.uses(in_time),
                "paid in energy": reading.uses(in_energy, "samples"),
            }
        )
    return found


def verdicts(compared: Mapping[Cell, Series], idle_w: float) -> list[dict[str, str]]:
    """Is parallel greener? For each method that ran on one thread and on more."""
    rows = []
    for (name, threads), many in compared.items():
        one = compared.get((name, 1))
        if threads == 1 or one is None:
            continue
        verdict = greener(
            one.block,
            many.block,
            work_ratio=many.loops / one.loops,
            idle_w=idle_w,
            cores=cores(),
        )
        rows.append(
            {
                "method": f"{name}, 1 to {threads}",
                "speed-up": f"{verdict.speed_up:.2f}",
                "power": f"{verdict.speed_up / verdict.gross[0]:.2f}",
                "gross": " / ".join(f"{gain:.2f}" for gain in verdict.gross),
                "parallel is": answer(verdict.gross),
                "net": " / ".join(f"{gain:.2f}" for gain in verdict.net),
                "and net": answer(verdict.net),
            }
        )
    return rows


def of_method(
    name: str,
    rows: list[dict[str, Any]],
    costs: Mapping[str, Measurement],
    tags: Mapping[str, str],
) -> Result:
    """A method's own run."""
    mine, share = of(rows, name), occupancy(name)
    first = mine[0]
    return Result(
        costs=costs,
        tags=tags,
        scores={
            metrics.PI_NS: first["ns_per_sample"],
            metrics.PI_NJ: first["nj_per_sample"],
            metrics.PI_THROUGHPUT: first["samples_per_s"],
            metrics.PI_ERROR: first["error"],
            metrics.PI_EXPECTED_ERROR: first["expected_error"],
            **({} if share is None else {metrics.PI_OCCUPANCY: share}),
        },
        curves={
            metrics.PI_SPEED_UP: {row["threads"]: row["speed_up"] for row in mine},
            metrics.PI_EFFICIENCY: {row["threads"]: row["efficiency"] for row in mine},
        },
    )


if __name__ == "__main__":
    launch("pi", Config, run, experiment="pi", check=check)
