"""Which sort costs least time and carbon, and how does that change as the data grows?

    mlflow run . -e sorting --env-manager local --experiment-name sorting

Slow algorithms consume more: bubble sort in Python five thousand times as much as np.sort at a
thousand elements already, and the gap grows. With the defaults it takes two minutes on two cores
(Zen 4). Memory: at most five times the largest input, 4 GB for 1e8 elements of eight bytes; forty
bytes more for each element that a Python sort still gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ecotrack import Result, measure, terminal, unit_costs
from ecotrack.cli import UserError, option
from ecotrack.host import cores
from ecotrack.launch import launch
from ecotrack.measure import Meter
from ecotrack.metered import Metered
from ecotrack.repeating import Repeats, interleave
from ecotrack.stats import median_interval
from ecotrack.tracking import Store
from experiments.reports import views
from experiments.reports.sorting import Study, reference, report
from experiments.workloads.jit import compilations, nothing_compiled
from experiments.workloads.sorting import ALGORITHMS, Algorithm
from experiments.workloads.sorting.inputs import make
from experiments.workloads.sorting.numpy_paths import PATHS, NumpySort

Dtype = Literal["int32", "int64", "float32", "float64"]
Distribution = Literal["random", "sorted", "reversed", "nearly-sorted", "few-unique"]
PILOT = 1000  # elements that any sort is tried on
TELLING_S = 0.01  # a sort that takes so long is not all overhead
BATCH_S = 0.02  # many different small arrays: one array alone teaches the branch predictor
MOST_ARRAYS = 500
WARM_UP = 500_000  # elements; the fast sort hands smaller ones over


@dataclass(frozen=True)
class Config(Metered, Repeats):
    """What `sorting` can be told."""

    sizes: tuple[int, ...] = option(
        (1000, 10_000, 100_000, 1_000_000), "numbers of elements", at_least=1, at_most=100_000_000
    )
    algorithms: tuple[str, ...] = option(
        tuple(ALGORITHMS), "which sorts to compare", one_of=tuple(ALGORITHMS)
    )
    dtype: Dtype = option("int32", "type of the elements")
    distribution: Distribution = option("random", "order and values of the elements")
    threads: int | None = option(
        None, "for the sorts that take any; none: all", at_least=1, at_most=cores()
    )
    time_limit: float = option(
        0.5, "leave out a sort predicted to take more seconds", at_least=1e-3, at_most=1e6
    )
    seed: int = option(0, "of the elements", at_least=0, at_most=2**31)


def check(config: Config, store: Store | None = None) -> None:
    """Refuse what none of the sorts can do."""
    if not any(refusal(ALGORITHMS[name], config) is None for name in config.algorithms):
        raise UserError(f"none of --algorithms can sort {config.distribution} {config.dtype}")


def title(config: Config) -> str:
    """A name that a person can read: `random int32 up to 1,000,000`."""
    return f"{config.distribution} {config.dtype} up to {max(config.sizes):,}"


def refusal(algorithm: Algorithm, config: Config) -> str | None:
    """Why a sort cannot do this at all, or None."""
    if config.dtype not in algorithm.dtypes:
        return f"{algorithm.name} cannot sort {config.dtype}"
    if algorithm.most_values and config.distribution != "few-unique":
        return f"{algorithm.name} is left out: its counters would not fit {config.distribution}"
    return None


def run(config: Config, meter: Meter) -> Result:
    """Warm up, then measure the sorts in turns, size by size, until each grows too slow."""
    refusals = {name: refusal(ALGORITHMS[name], config) for name in config.algorithms}
    findings = [why for why in refusals.values() if why]
    able = [name for name, why in refusals.items() if not why]
    plan, studies, base = config.plan, {}, reference(able)
    turns = len(config.sizes) * len(able) * (plan.repeats + 1)
    with terminal.bar("sorting", turns) as progress:
        for name in able:
            progress.update(0, f"warming up {name}")
            studies[name] = warmed_up(ALGORITHMS[name], config, meter)
        going = {base: studies[base], **studies}  # precision is of ratios to the first
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
                work = counts[name] / counts.get(base, 1)
                ratios = unit_costs.against(base, measured, compared.get(base), work)
                going[name].keep(size, counts[name], measured, ratios)
    data = f"{config.distribution} {config.dtype}"
    return report(studies, data, [*findings, *numpy_finding(config)])


def warmed_up(algorithm: Algorithm, config: Config, meter: Meter) -> Study:
    """Compile what is compiled, apart from the sorting; then see how fast it is."""
    study = Study(algorithm)
    sort = call(algorithm, config)
    pilot = algorithm.prepare(make(PILOT, config.dtype, config.distribution, config.seed))
    large = make(WARM_UP, config.dtype, config.distribution, config.seed)
    with compilations() as seen, measure(meter) as window:
        sort(pilot)
        if algorithm.threaded:
            sort(large)
    if seen.names:
        study.compiled = window.cost
    study.from_cache = seen.from_cache
    learn_pace(study, config)
    return study


def learn_pace(study: Study, config: Config) -> None:
    """Sort larger arrays, up to the largest asked for, until one takes long enough to tell."""
    sort, size, best_s = call(study.algorithm, config), PILOT // 10, 0.0
    while best_s < TELLING_S and size < max(PILOT, *config.sizes):
        size = min(10 * size, max(PILOT, *config.sizes))
        array = study.algorithm.prepare(make(size, config.dtype, config.distribution, config.seed))
        best_s = min(seconds(sort, array) for _ in range(2))
        study.learn(size, best_s)


def seconds(sort: Callable[[Any], Any], array: Any) -> float:
    """How long a sort takes."""
    start = time.perf_counter()
    sort(array)
    return time.perf_counter() - start


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


def numpy_finding(config: Config) -> list[str]:
    """Whether np.sort is much slower than itself on this CPU; NumPy picks its path at import."""
    if not {"np-quicksort", "fast"} & {*config.algorithms}:
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
    launch(
        "sorting",
        Config,
        run,
        experiment="sorting",
        check=check,
        name=title,
        view=views.sorting,
    )
