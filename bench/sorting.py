"""How fast is our sort? Against np.sort on the better of NumPy's two code paths.

    python -m bench.sorting [--sizes 1e6,1e7] [--repeats 7] [--json FILE]

Contenders take turns in every repeat; times are medians, ratios have an interval of 95 %.
Each path has a process in which np.sort and ours run, for ours hands small arrays over to np.sort;
ours is shown on the path that is better for np.sort. Each finds memory ready that was in use a
moment before: see ``seconds_per_array``.

Without --sizes it takes the standard cases, some seven minutes. Memory: two processes hold one
input each and one of them at a time sorts it: at most some 4 times the bytes of the largest input
(3 GB for 1e8 int64).
"""

import argparse
import json
import os
import platform
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path

import numba
import numpy as np
from rich.progress import track
from rich.table import Table

from bench.console import terminal
from ecotrack import host
from ecotrack.stats import ratio_interval
from experiments.workloads.sorting.inputs import DISTRIBUTIONS, DTYPES
from experiments.workloads.sorting.numpy_paths import PATHS, NumpySort

SEED = 3
STANDARD = (
    *product((10**7, 10**8), ("int32", "int64", "float64"), ("random",)),
    *product((10**7,), ("int32", "int64"), ("few-unique", "sorted", "reversed", "nearly-sorted")),
    *product((10**3, 10**4, 10**5, 4 * 10**5, 10**6), ("int32", "int64"), ("random",)),
)  # size, dtype, distribution
WORTH_TELLING = 1.1  # times faster, at the lower end of the interval


def main():
    """Measure, print the table and the findings, write the JSON."""
    arguments = _parse()
    console = terminal()
    cases = chosen(arguments.sizes, arguments.dtypes, arguments.distributions)
    with ExitStack() as stack:
        workers = _start_workers(stack, console)
        rows = [
            measure(case, arguments.threads, arguments.repeats, workers)
            for case in track(cases, "sorting", console=console, transient=True)
        ]
    report = {"machine": machine(), "repeats": arguments.repeats, "rows": rows}
    console.print(_table(report))
    for line in findings(rows):
        console.print(line)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def chosen(sizes, dtypes, distributions):
    """Return the cases to measure: all combinations, or without sizes those of ``STANDARD``.

    distributions: None for the standard ones, or random where there are sizes.
    """
    if sizes:
        return list(product(sizes, dtypes, distributions or ["random"]))
    distributions = distributions or DISTRIBUTIONS
    return [case for case in STANDARD if case[1] in dtypes and case[2] in distributions]


def measure(case, threads, repeats, workers):
    """Return one row: ns an element of every contender, and ratios of them.

    case: size, dtype, distribution. workers: name of a path -> its NumpySort.
    """
    contenders = {}
    for path, worker in workers.items():
        worker.prepare(*case, SEED)
        contenders[path] = worker.seconds
        for count in threads:
            worker.seconds(count)  # compiles
            contenders[path, f"ours, {count}"] = partial(worker.seconds, count)

    seconds = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, sort_once in contenders.items():
            seconds[name].append(sort_once())

    better = min(workers, key=lambda path: np.median(seconds[path]))
    ours = {name: seconds[better, name] for name in (f"ours, {count}" for count in threads)}
    shown = {**{path: seconds[path] for path in workers}, **ours}
    size = case[0]
    return {
        **dict(zip(("size", "dtype", "distribution"), case, strict=True)),
        "ns_per_element": {name: 1e9 * np.median(s) / size for name, s in shown.items()},
        "better": better,
        "ours_to_better": {
            name: asdict(ratio_interval(seconds[better], s)) for name, s in ours.items()
        },
        "default_to_better": asdict(ratio_interval(seconds["default"], seconds[better])),
    }


def machine():
    """Return what the numbers depend on: CPU model, cores, versions."""
    return {
        "cpu": host.cpu_model(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
    }


def findings(rows):
    """Yield a sentence if a user of np.sort would gain from NumPy's other code path."""
    gains = [row for row in rows if row["default_to_better"]["low"] > WORTH_TELLING]
    if gains:
        most = max(gains, key=lambda row: row["default_to_better"]["ratio"])
        times = most["default_to_better"]["ratio"]
        yield (
            f'NPY_DISABLE_CPU_FEATURES="{PATHS[most["better"]]}" would make np.sort up to '
            f"{times:.1f} times faster here ({most['dtype']}, {most['distribution']}, "
            f"{most['size']:.0e} elements), in {len(gains)} of {len(rows)} cases."
        )


def _start_workers(stack, console):
    workers = {}
    for name, disabled in PATHS.items():
        try:
            workers[name] = stack.enter_context(NumpySort(disabled))
        except RuntimeError:
            console.print(f"np.sort has no {name} path here: NumPy cannot disable {disabled}")
    return workers


def _table(report):
    rows = report["rows"]
    facts = ", ".join(f"{key} {value}" for key, value in report["machine"].items())
    table = Table(
        title="ns an element; (times np.sort on its better path, 95 % interval)", caption=facts
    )
    for heading in ("dtype", "distribution", "size"):
        table.add_column(heading, justify="right")
    ours = rows[0]["ours_to_better"]
    baselines = [name for name in rows[0]["ns_per_element"] if name not in ours]
    for name in baselines:
        table.add_column(f"np.sort {name}", justify="right")
    table.add_column("better")
    for name in ours:
        table.add_column(f"{name} thread{'s' * (not name.endswith(' 1'))}", justify="right")
    for row in rows:
        ns = row["ns_per_element"]
        table.add_row(
            row["dtype"],
            row["distribution"],
            f"{row['size']:.0e}",
            *(f"{ns[name]:.2f}" for name in baselines),
            row["better"],
            *(
                f"{ns[name]:.2f} ({r['ratio']:.2f}, {r['low']:.2f}–{r['high']:.2f})"
                for name, r in row["ours_to_better"].items()
            ),
        )
    return table


def _parse():
    def listed(convert):
        return lambda text: [convert(item) for item in text.split(",")]

    def positive(text):
        number = int(float(text))
        if number < 1:
            raise argparse.ArgumentTypeError(f"{text} is below 1")
        return number

    def one_of(names):
        def convert(text):
            if text not in names:
                raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(names)}")
            return text

        return convert

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sizes", type=listed(positive), default=None, help="elements; none: standard cases")
    add("--dtypes", type=listed(one_of(DTYPES)), default=DTYPES, help=f"of {', '.join(DTYPES)}")
    add(
        "--distributions",
        type=listed(one_of(DISTRIBUTIONS)),
        default=None,
        help=", ".join(DISTRIBUTIONS),
    )
    add("--threads", type=listed(positive), default=[1, 2], help="numbers of threads of our sort")
    add("--repeats", type=positive, default=7, help="times each contender sorts")
    add("--json", type=Path, default=None, help="file for the results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
