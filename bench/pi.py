"""How fast each π rung is on this machine: `python -m bench.pi [--repeats 11] [--json FILE]`.

One thread is timed by its CPU time, two against one by the clock on the wall: run it on an idle
machine. Rungs take turns, so that a change of the machine's pace meets all of them.
"""

import argparse
import ctypes
import json
import math
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from shutil import which

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.console import terminal
from ecotrack import host
from ecotrack.stats import ratio_interval
from experiments.workloads.pi import METHODS

LANES, SOURCE = "numba-lanes", Path(__file__).parent / "reference" / "pi_avx512.c"
REFERENCE = "C, AVX-512 by hand"
LEAST_S = 0.03  # a call of a rung lasts at least this long
THREADS_SAMPLES = 1 << 31


def machine() -> dict[str, object]:
    """Return what the figures depend on: processor, cores, load before we start, versions."""
    return {
        "cpu": host.cpu_model(),
        "cores": os.cpu_count(),
        "load_1min": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: version(name) for name in ("numba", "llvmlite", "numpy")},
        "cc": next(iter(_output(["cc", "--version"])), "none"),
    }


def _output(command: list[str]) -> list[str]:
    if which(command[0]) is None:
        return []
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()


def reference(folder: str) -> Callable[[int, int], int] | None:
    """Compile the C reference into `folder` and return it, or None without compiler or AVX-512."""
    library = Path(folder) / "pi_avx512.so"
    command = ["cc", "-O3", "-march=native", "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
    if which("cc") is None or subprocess.run(command, capture_output=True).returncode != 0:
        return None
    count_inside = ctypes.CDLL(str(library)).count_inside
    count_inside.argtypes, count_inside.restype = [ctypes.c_int64, ctypes.c_uint64], ctypes.c_int64
    samples = 1 << 24
    error = 4 * count_inside(samples, 1) / samples - math.pi
    assert abs(error) < 5 * METHODS[LANES].expected_rmse(samples), "the C reference is wrong"
    return count_inside


def enough_samples(run: Callable[[int, int], object]) -> int:
    """Return a power of two of samples that keeps `run` busy for LEAST_S. Compiles it, too."""
    run(1, 0)
    samples = 1 << 16
    while True:
        start = time.thread_time()
        run(samples, 0)
        if time.thread_time() - start > LEAST_S:
            return samples
        samples *= 2


def one_thread(runs: dict[str, Callable], repeats: int) -> dict[str, list[float]]:
    """Return nanoseconds of CPU time a sample, `repeats` for each run, taken in turn."""
    samples = {name: enough_samples(run) for name, run in runs.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for seed in range(repeats):
        for name, run in runs.items():
            start = time.thread_time()
            run(samples[name], seed)
            times[name].append((time.thread_time() - start) / samples[name] * 1e9)
    return times


def by_threads(repeats: int, counts: tuple[int, ...] = (1, 2)) -> dict[int, dict[str, list]]:
    """Return the wall and CPU nanoseconds a sample of the fastest rung for numbers of threads.

    CPU over wall is how many cores the system gave us: below `threads`, others were at work.
    """
    times: dict[int, dict[str, list]] = {threads: {"wall": [], "cpu": []} for threads in counts}
    for seed in range(repeats):
        for threads in counts:
            wall, cpu = time.perf_counter(), time.process_time()
            METHODS["all-cores"].total(THREADS_SAMPLES, seed, threads)
            times[threads]["wall"].append((time.perf_counter() - wall) / THREADS_SAMPLES * 1e9)
            times[threads]["cpu"].append((time.process_time() - cpu) / THREADS_SAMPLES * 1e9)
    return times


def measure(repeats: int) -> dict[str, object]:
    """Return all figures: the machine, nanoseconds a sample, and the ratios that were promised."""
    facts = machine()
    runs: dict[str, Callable] = {
        name: lambda samples, seed, method=method: method.total(samples, seed, 1)
        for name, method in METHODS.items()
        if not method.needs_cuda and name != "all-cores"
    }
    with tempfile.TemporaryDirectory() as folder:
        written_by_hand = reference(folder)
        if written_by_hand:
            runs[REFERENCE] = written_by_hand
        times = one_thread(runs, repeats)
    ratios = {
        f"{LANES} over numba-naive": ratio_interval(times["numba-naive"], times[LANES]),
        f"{LANES} over numpy-chunked": ratio_interval(times["numpy-chunked"], times[LANES]),
    }
    if written_by_hand:
        ratios[f"{LANES} over {REFERENCE}"] = ratio_interval(times[REFERENCE], times[LANES])
    threads = {}
    if (os.cpu_count() or 1) > 1:
        threads = by_threads(repeats)
        ratios["two threads over one"] = ratio_interval(threads[1]["wall"], threads[2]["wall"])
    return {
        "machine": facts,
        "repeats": repeats,
        "cpu_ns_per_sample": times,
        "ns_per_sample_by_threads": threads,
        "ratios": {name: asdict(ratio) for name, ratio in ratios.items()},
    }


def show(figures: dict, console: Console) -> None:
    """Print the tables."""
    console.print(", ".join(f"{name} {value}" for name, value in figures["machine"].items()))
    times = figures["cpu_ns_per_sample"]
    table = Table("rung", title=f"One thread, CPU time, median of {figures['repeats']}")
    for heading in ("ns a sample", "fastest", "slowest", "times python"):
        table.add_column(heading, justify="right")
    for name, rung in times.items():
        speed = np.median(times["python"]) / np.median(rung)
        row = [f"{value:.4g}" for value in (np.median(rung), min(rung), max(rung), speed)]
        table.add_row(name, *row)
    console.print(table)
    for threads, rung in figures["ns_per_sample_by_threads"].items():
        wall, cores = np.median(rung["wall"]), np.divide(rung["cpu"], rung["wall"])
        console.print(
            f"threads {threads}: {wall:.4g} ns a sample, {np.median(cores):.2f} cores busy"
        )
    table = Table("speed", title="How many times as fast (95 % interval)")
    table.add_column("ratio", justify="right")
    for name, r in figures["ratios"].items():
        table.add_row(name, f"{r['ratio']:.3g} ({r['low']:.3g} – {r['high']:.3g})")
    console.print(table)
    if REFERENCE not in times:
        console.print("No compiler or no AVX-512: no claim against C.")


def main() -> None:
    """Measure, print, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=11, help="of each rung, in turn")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args()
    if options.repeats < 2:
        parser.error(f"--repeats {options.repeats}: an interval needs 2 at least")
    figures = measure(options.repeats)
    show(figures, terminal())
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
