"""Which sort costs least time and carbon, and how does that change as the data grows?

    mlflow run . -e sorting --env-manager local --experiment-name sorting

Slow algorithms consume more: bubble sort in Python five thousand times as much as np.sort at a
thousand elements already, and the gap grows. With the defaults it takes two minutes on two cores
(Zen 4). Memory: at most five times the largest input, 4 GB for 1e8 elements of eight bytes; forty
bytes more for each element that a Python sort still gets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ecotrack import Measurement, Result, figures, measure, metrics, reading, terminal
from ecotrack.cli import UserError, option
from ecotrack.host import cores
from ecotrack.launch import Metered, launch
from ecotrack.lifetime import break_even
from ecotrack.measure import Meter
from ecotrack.repeating import LONG_ENOUGH_S, Plan, Series, interleave
from ecotrack.stats import growth_exponent, median_interval
from ecotrack.tracking import Store
from experiments.workloads.jit import compilations, nothing_compiled
from experiments.workloads.sorting import ALGORITHMS, Algorithm
from experiments.workloads.sorting import figures as pictures
from experiments.workloads.sorting.inputs import make
from experiments.workloads.sorting.numpy_paths import PATHS, NumpySort

Dtype = Literal["int32", "int64", "float32", "float64"]
Distribution = Literal["random", "sorted", "reversed", "nearly-sorted", "few-unique"]
BATCH_S = 0.02  # many different small arrays: one array alone teaches the branch predictor
MOST_ARRAYS = 500
WARM_UP = 200_000  # elements; the fast sort hands smaller ones over


@dataclass(frozen=True)
class Config(Metered):
    """What `sorting` can be told."""

    sizes: tuple[int, ...] = option(
        (1000, 10_000, 100_000, 1_000_000), "numbers of elements", at_least=1, at_most=100_000_000
    )
    algorithms: tuple[str, ...] = option(tuple(ALGORITHMS), "which sorts to compare")
    dtype: Dtype = option("int32", "type of the elements")
    distribution: Distribution = option("random", "order and values of the elements")
    repeats: int = option(5, "turns of each sort, interleaved", at_least=2, at_most=1000)
    threads: int | None = option(None, "for the sorts that take any; none: all", at_least=1)
    time_limit: float = option(
        0.5, "leave out a sort predicted to take more seconds", at_least=1e-3, at_most=1e6
    )
    thorough: bool = option(False, "ten seconds of energy for each figure instead of one")
    seed: int = option(0, "of the elements", at_least=0, at_most=2**31)


def check(config: Config, store: Store | None = None) -> None:
    """Refuse unknown sorts, more threads than there are, and what none of the sorts can do."""
    unknown = [name for name in config.algorithms if name not in ALGORITHMS]
    if unknown:
        raise UserError(f"--algorithms has no {unknown[0]!r}; there are {', '.join(ALGORITHMS)}")
    if config.threads and config.threads > cores():
        raise UserError(
            f"--threads must be at most {cores()}, the cores here, got {config.threads}"
        )
    if not any(refusal(ALGORITHMS[name], config) is None for name in config.algorithms):
        raise UserError(f"none of --algorithms can sort {config.distribution} {config.dtype}")


def refusal(algorithm: Algorithm, config: Config) -> str | None:
    """Why a sort cannot do this at all, or None."""
    if config.dtype not in algorithm.dtypes:
        return f"{algorithm.name} cannot sort {config.dtype}"
    if algorithm.most_values and config.distribution != "few-unique":
        return f"{algorithm.name} is left out: its counters would not fit {config.distribution}"
    return None


@dataclass
class Study:
    """What is known of one sort so far."""

    algorithm: Algorithm
    compiled: Measurement = field(default_factory=Measurement)
    s_per_step: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)
    blocks: Measurement = field(default_factory=Measurement)

    def predicted_s(self, size: int) -> float:
        """Seconds for one array, from the largest size so far."""
        return self.s_per_step * self.algorithm.steps(size)

    def keep(self, size: int, arrays: int, measured: Series) -> None:
        """Add a row: time from the turns, energy from the block's power, its interval from time."""
        elements = arrays * size
        seconds, low, high = median_interval([t / elements for t in measured.times_s])
        power_w = measured.block.total_j / measured.block.wall_s
        g_per_j = measured.block.co2_g / measured.block.total_j
        row: dict[str, Any] = {"algorithm": self.algorithm.name, "size": size, "arrays": arrays}
        for end, value in (("", seconds), ("_low", low), ("_high", high)):
            row |= {
                f"ns_per_element{end}": value * 1e9,
                f"uj_per_element{end}": value * power_w * 1e6,
                f"g_per_element{end}": value * power_w * g_per_j,
                f"ns_per_array{end}": value * size * 1e9,
                f"g_per_array{end}": value * size * power_w * g_per_j,
            }
        row |= {"power_w": power_w, "block_s": measured.block.wall_s}
        self.rows.append({**row, "short": measured.block.wall_s < LONG_ENOUGH_S})
        self.blocks += measured.block
        self.s_per_step = seconds * size / self.algorithm.steps(size)

    @property
    def legend(self) -> str:
        """Name and the k of time ~ size^k, where there are two sizes to tell it by."""
        times = [row["ns_per_array"] for row in self.rows]
        k = growth_exponent([row["size"] for row in self.rows], times)
        return self.algorithm.name if math.isnan(k) else f"{self.algorithm.name}, {k:.2f}"

    def grams_for(self, size: int) -> dict[str, Any]:
        """Emissions of sorting so many, from the largest size measured, by the sort's growth."""
        last = self.rows[-1]
        times = self.algorithm.steps(size) / self.algorithm.steps(last["size"])
        return {"algorithm": self.algorithm.name, "grams": last["g_per_array"] * times}

    def result(self) -> Result:
        """This sort's own run: its curves by size."""
        curves = {
            metric: {row["size"]: row[key] for row in self.rows}
            for metric, key in (
                (metrics.SORT_NS, "ns_per_element"),
                (metrics.SORT_UJ, "uj_per_element"),
                (metrics.SORT_G, "g_per_element"),
            )
        }
        return Result({"sorting": self.blocks, "compile": self.compiled}, curves=curves)


def run(config: Config, meter: Meter) -> Result:
    """Warm up, then measure the sorts in turns, size by size, until each grows too slow."""
    refusals = {name: refusal(ALGORITHMS[name], config) for name in config.algorithms}
    findings = [why for why in refusals.values() if why]
    studies = {
        name: warmed_up(ALGORITHMS[name], config, meter) for name in refusals if not refusals[name]
    }
    going = dict(studies)
    block_s = LONG_ENOUGH_S if config.thorough else 1.0
    plan = Plan(config.repeats, block_s, precision=None)
    turns = len(config.sizes) * len(studies) * (config.repeats + 1)
    with terminal.bar("sorting", turns) as progress:
        for number, size in enumerate(sorted(config.sizes)):
            for name, study in list(going.items()):
                if study.predicted_s(size) > config.time_limit:
                    findings.append(too_slow(study, size, config))
                    del going[name]
            works, counts = batches(going, size, config)
            progress.update(number * turns // len(config.sizes), f"{size:,} elements")
            with nothing_compiled():
                compared = interleave(works, meter, plan, tick=progress.advance)
            for name, measured in compared.items():
                going[name].keep(size, counts[name], measured)
    return report(config, studies, findings)


def warmed_up(algorithm: Algorithm, config: Config, meter: Meter) -> Study:
    """Compile what is compiled, apart from the sorting; then see how fast a thousand go."""
    study = Study(algorithm)
    sort = call(algorithm, config)
    pilot = algorithm.prepare(make(1000, config.dtype, config.distribution, config.seed))
    large = make(WARM_UP, config.dtype, config.distribution, config.seed)
    with compilations() as names, measure(meter) as window:
        sort(pilot)
        if algorithm.threaded:
            sort(large)
    if names:  # else Numba's cache had it, and there was nothing to pay
        study.compiled = window.cost
    with measure(meter) as window:
        sort(pilot)
    study.s_per_step = window.cost.wall_s / algorithm.steps(1000)
    return study


def call(algorithm: Algorithm, config: Config) -> Callable[[Any], Any]:
    """The sort as a function of its input alone."""
    if not algorithm.threaded:
        return algorithm.function
    threads = config.threads or cores()
    return lambda array: algorithm.function(array, threads=threads)


def batches(
    studies: Mapping[str, Study], size: int, config: Config
) -> tuple[dict[str, Callable[[], object]], dict[str, int]]:
    """Name -> work over a batch of inputs, made here and not on the clock; and arrays in each."""
    most = max((arrays_of(study, size) for study in studies.values()), default=0)
    inputs = [make(size, config.dtype, config.distribution, config.seed + i) for i in range(most)]
    listed = [arrays_of(s, size) for s in studies.values() if s.algorithm.takes_list]
    lists = [array.tolist() for array in inputs[: max(listed, default=0)]]
    works: dict[str, Callable[[], object]] = {}
    counts = {}
    for name, study in studies.items():
        counts[name] = arrays_of(study, size)
        batch = lists if study.algorithm.takes_list else inputs
        works[name] = sorter(call(study.algorithm, config), batch[: counts[name]])
    return works, counts


def arrays_of(study: Study, size: int) -> int:
    """How many arrays make a batch of some length in time."""
    return max(1, min(MOST_ARRAYS, int(BATCH_S / max(study.predicted_s(size), 1e-9))))


def sorter(sort: Callable[[Any], Any], batch: list[Any]) -> Callable[[], None]:
    """A function that sorts each input of a batch once."""

    def work() -> None:
        for array in batch:
            sort(array)

    return work


def too_slow(study: Study, size: int, config: Config) -> str:
    """Why a sort stops before this size."""
    return (
        f"{study.algorithm.name} stops before {size:,} elements: it would take some"
        f" {study.predicted_s(size):.3g} s, and --time-limit is {config.time_limit:g} s"
    )


def report(config: Config, studies: Mapping[str, Study], findings: list[str]) -> Result:
    """Tables, pictures and findings, and a child run for each sort."""
    rows = [row for study in studies.values() for row in study.rows]
    blocks = sum((study.blocks for study in studies.values()), Measurement())
    compiled = sum((study.compiled for study in studies.values()), Measurement())
    known = f"{config.distribution} {config.dtype}; {reading.known(blocks)}"
    paid = paid_compilations(studies)
    return Result(
        costs={"sorting": blocks, "compile": compiled},
        artifacts={
            "sorting.csv": rows,
            "sorting.json": rows,
            "compiling.json": paid,
            **(draw(rows, studies, known) if rows else {}),
        },
        summary={
            f"Sorting {config.distribution} {config.dtype}": readable(rows),
            "When compiling has paid, against pure Python": paid,
        },
        findings=[*findings, *numpy_finding(config)],
        children={name: study.result() for name, study in studies.items() if study.rows},
    )


def draw(rows: list[dict[str, Any]], studies: Mapping[str, Study], known: str) -> dict[str, bytes]:
    """The pictures, by file name."""
    legend = {name: study.legend for name, study in studies.items()}
    drawn = [{**row, "legend": legend[row["algorithm"]]} for row in rows]
    time = pictures.by_size(drawn, "ns_per_array", "ns an array", "Time by size", known)
    grams = pictures.by_size(drawn, "g_per_array", "g CO2e an array", "Emissions by size", known)
    billion = [study.grams_for(10**9) for study in studies.values() if study.rows]
    charts = {"time": time, "emissions": grams, "billion": pictures.billion(billion, known)}
    return {f"{name}.png": figures.png(chart) for name, chart in charts.items()}


def readable(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The table as it is printed."""
    return [
        {
            "algorithm": row["algorithm"],
            "elements": f"{row['size']:,}",
            "ns an element": f"{row['ns_per_element']:.3g}",
            "interval": f"{row['ns_per_element_low']:.3g}–{row['ns_per_element_high']:.3g}",
            "energy": reading.quantity(row["uj_per_element"] * 1e-6, "J"),
            "emissions": reading.quantity(row["g_per_element"], "g"),
            "block": "short" if row["short"] else "full",
        }
        for row in rows
    ]


def paid_compilations(studies: Mapping[str, Study]) -> list[dict[str, str]]:
    """After how many elements the compiled version of a sort has paid for its compilation."""
    found = []
    for name, study in studies.items():
        plain = studies.get(name.replace("numba-", "python-"))
        if plain is None or plain is study or not study.compiled.wall_s:
            continue
        pairs = [(p, c) for p in plain.rows for c in study.rows if p["size"] == c["size"]]
        if not pairs:
            continue
        slow, quick = pairs[-1]
        ns, uj, cost = "ns_per_element", "uj_per_element", study.compiled
        in_time = break_even(cost.wall_s, slow[ns] * 1e-9, quick[ns] * 1e-9)
        in_energy = break_even(cost.total_j, slow[uj] * 1e-6, quick[uj] * 1e-6)
        found.append(
            {
                "algorithm": name,
                "time": f"{cost.wall_s:.2f} s",
                "energy": reading.quantity(cost.total_wh, "Wh"),
                "in arrays of": f"{slow['size']:,}",
                "paid in time": reading.uses(in_time),
                "paid in energy": reading.uses(in_energy, "elements"),
            }
        )
    return found


def numpy_finding(config: Config) -> list[str]:
    """Whether np.sort is much slower than itself on this CPU; NumPy picks its path at import."""
    if "np-quicksort" not in config.algorithms:
        return []
    times: dict[str, list[float]] = {path: [] for path in PATHS}
    try:
        with NumpySort(PATHS["default"]) as default, NumpySort(PATHS["AVX2"]) as avx2:
            workers = {"default": default, "AVX2": avx2}
            for worker in workers.values():
                worker.prepare(1_000_000, config.dtype, config.distribution, config.seed)
            for _ in range(max(5, config.repeats)):
                for path, worker in workers.items():
                    times[path].append(worker.seconds())
    except RuntimeError:
        return []  # this CPU has no such features to disable
    (slow, slow_low, _), (quick, _, quick_high) = (median_interval(t) for t in times.values())
    if slow_low < 1.1 * quick_high:
        return []
    return [
        f"NPY_DISABLE_CPU_FEATURES='{PATHS['AVX2']}' would make every np.sort of {config.dtype}"
        f" {slow / quick:.1f} times as fast here, and save {1 - quick / slow:.0%} of its energy"
        " (1,000,000 elements, at equal power)"
    ]


if __name__ == "__main__":
    launch("sorting", Config, run, experiment="sorting", check=check)
