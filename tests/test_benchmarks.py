"""The two benchmarks end to end, small, and the arithmetic that they rest on."""

import itertools
import json
import math
import os

import mlflow
import numba
import numpy as np
import pytest

from ecotrack import metrics, terminal
from ecotrack.fronts.lifetime import break_even
from ecotrack.stats import growth_exponent
from ecotrack.tracking import Store
from experiments import pi
from experiments.workloads.jit import CompiledInBlockError, nothing_compiled
from experiments.workloads.pi import METHODS
from experiments.workloads.pi.blocks import BLOCK
from experiments.workloads.pi.digits import samples_for
from tests.conftest import Home

CORES = os.cpu_count() or 1
BAD = [
    ("sorting", "--sizes=0", "--sizes must be at least 1, got 0"),
    ("sorting", "--sizes=1e12", "--sizes must be at most 100000000"),
    ("sorting", "--algorithms=bogo", "--algorithms has no 'bogo'; there are python-bubble"),
    ("sorting", f"--threads={CORES + 1}", f"--threads must be at most {CORES}"),
    ("pi", "--samples=1e12", "--samples must be at most 100000000000"),
    ("pi", "--methods=buffon", "--methods has no 'buffon'; there are python"),
    ("pi", "--threads=0", "--threads must be at least 1, got 0"),
    ("pi", f"--threads=1,{CORES + 1}", f"--threads must be at most {CORES}"),
    ("pi", "--device=-1", "--device must be at least 0, got -1"),
]
SIMULATOR = {"NUMBA_ENABLE_CUDASIM": "1"}


@pytest.mark.parametrize(("entry", "option", "line"), BAD, ids=[" ".join(b[:2]) for b in BAD])
def test_bad_input_is_one_line_and_code_2_and_no_run(home: Home, entry, option, line):
    done = home.python(entry, option)
    assert done.returncode == 2
    (printed,) = done.stderr.splitlines()
    assert line in printed
    assert [e.name for e in Store().client.search_experiments()] == ["Default"]


def test_a_type_that_no_sort_can_do_is_refused(home: Home):
    done = home.python("sorting", "--algorithms=numba-radix", "--dtype=float64")
    assert done.returncode == 2
    assert "none of --algorithms can sort random float64" in done.stderr


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--device=1", "--samples=100"], "--device has no 1; there is 0 (CUDA simulator)"),
        (["--samples=20001"], "--samples must be at most 20000 in Numba's CUDA simulator"),
    ],
    ids=["device", "samples"],
)
def test_what_the_device_cannot_do_is_refused(home: Home, options, line):
    done = home.python("pi", "--methods=cuda-counter", *options, **SIMULATOR)
    assert done.returncode == 2
    (printed,) = done.stderr.splitlines()
    assert line in printed
    assert [e.name for e in Store().client.search_experiments()] == ["Default"]


def test_sorting_keeps_a_run_for_each_sort_with_curves_by_size(home: Home):
    done = home.python(
        "sorting",
        "--sizes=1000,3000,1e5",
        "--algorithms=python-bubble,python-merge,numba-merge,np-quicksort,fast",
        "--repeats=3",
        "--time-limit=4",  # ten times what bubble sort takes at 3,000, and a hundredth at 1e5
        NUMBA_CACHE_DIR=str(home.folder / "numba"),
    )
    assert done.returncode == 0, done.stderr
    assert "python-bubble stops before 100,000 elements" in done.stdout
    assert "When compiling has paid, against pure Python" in done.stdout
    store = Store()
    (parent,) = store.runs("sorting", {metrics.KIND_TAG: "sorting"})
    children = store.children(parent.run_id)
    assert {c.name for c in children} == {
        "python-bubble", "python-merge", "numba-merge", "np-quicksort", "fast"
    }  # fmt: skip
    assert all(child.params == parent.params for child in children)
    assert parent.params["sizes"] == "1000,3000,100000"
    (merge,) = (c for c in children if c.name == "numba-merge")
    curve = store.client.get_metric_history(merge.run_id, metrics.SORT_NS)
    assert {point.step for point in curve} == {1000, 3000, 100_000}
    files = {file.path for file in store.client.list_artifacts(parent.run_id)}
    assert {"sorting.csv", "sorting.json", "time.png", "emissions.png", "billion.png"} <= files
    rows = table(store, parent.run_id, "sorting.json")
    assert {row["size"] for row in rows if row["algorithm"] == "python-bubble"} == {1000, 3000}
    for row in rows:
        for key in ("ns_per_element", "uj_per_element", "g_per_element"):
            assert 0 < row[f"{key}_low"] <= row[key] <= row[f"{key}_high"]
        assert row["short"]
    assert parent.metrics["time/compile_s"] > 0
    assert set(parent.metrics) <= set(metrics.TABLE)
    (paid,) = table(store, parent.run_id, "compiling.json")
    for key in ("paid in time", "paid in energy"):
        assert paid[key] == "never" or paid[key].endswith(" elements")


def test_what_an_earlier_run_compiled_is_told_and_costs_nothing(home: Home):
    small = ("--sizes=100", "--algorithms=python-merge,numba-merge,np-quicksort", "--repeats=2")
    cache = {"NUMBA_CACHE_DIR": str(home.folder / "numba")}
    assert "had these compiled already" not in home.python("sorting", *small, **cache).stdout
    again = home.python("sorting", *small, **cache)
    assert "cache on disk had these compiled already: numba-merge." in again.stdout
    assert "When compiling has paid" not in again.stdout
    store = Store()
    runs = [run.metrics for run in store.runs("sorting", {metrics.KIND_TAG: "sorting"})]
    assert sorted("time/compile_s" in found for found in runs) == [False, True]


def test_pi_keeps_a_run_for_each_method_and_answers_for_parallelism(home: Home):
    done = home.python(
        "pi",
        "--samples=1e7",
        "--methods=numpy-chunked,numba-lanes,cuda-counter,midpoint",
        "--repeats=2",
        "--idle-s=1",
        f"--threads={CORES}",
        NUMBA_CACHE_DIR=str(home.folder / "numba"),
    )
    assert done.returncode == 0, done.stderr
    store = Store()
    (parent,) = store.runs("pi", {metrics.KIND_TAG: "pi"})
    children = store.children(parent.run_id)
    names = {child.name for child in children}
    assert all(child.params == parent.params for child in children)
    (midpoint,) = (child for child in children if child.name == "midpoint")
    assert midpoint.metrics.keys().isdisjoint(metrics.phase_metrics("transfer"))
    assert metrics.DEVICE_TAG not in midpoint.tags
    assert {"numpy-chunked", "numba-lanes", "midpoint"} <= names
    assert ("The CUDA rungs were skipped" in done.stdout) == ("cuda-counter" not in names)
    if CORES > 1:
        assert f"numba-lanes, 1 to {CORES}" in done.stdout
    assert parent.metrics[metrics.IDLE_W] > 0
    assert parent.metrics["time/compile_s"] > 0
    rows = table(store, parent.run_id, "pi.json")
    for row in rows:
        assert row["expected_error"] == METHODS[row["method"]].expected_rmse(10_000_000)
        assert row["error"] < 6 * row["expected_error"]
    files = {file.path for file in store.client.list_artifacts(parent.run_id)}
    assert {"pi.csv", "digits.png", "time.png", "emissions.png"} <= files
    undisturbed = any(row["speed_up"] is not None for row in rows if row["threads"] > 1)
    assert ("speed_up.png" in files) == undisturbed


def test_cuda_rungs_run_from_end_to_end_in_the_simulator(home: Home):
    """It stands for a GPU, and takes a CPU's time: what it cannot tell must be missing."""
    methods = ("cuda-textbook", "cuda-counter")
    done = home.python(
        "pi",
        "--samples=2000",
        f"--methods={','.join(methods)}",
        "--repeats=2",
        "--idle-s=1",
        **SIMULATOR,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("occupancy") == 1, "said once to be left out, and no column of it"
    assert "Numba's CUDA simulator stood in for a GPU" in done.stdout
    assert "skipped" not in done.stdout
    store = Store()
    (parent,) = store.runs("pi", {metrics.KIND_TAG: "pi"})
    assert parent.tags[metrics.DEVICE_TAG] == "CUDA simulator"
    children = {child.name: child for child in store.children(parent.run_id)}
    assert set(children) == set(methods)
    for name, child in children.items():
        expected = METHODS[name].expected_rmse(2000)
        assert child.metrics[metrics.PI_EXPECTED_ERROR] == expected
        assert child.metrics[metrics.PI_ERROR] < 5 * expected
        assert all(child.metrics[metric] > 0 for metric in metrics.phase_metrics("transfer"))
        assert metrics.PI_OCCUPANCY not in child.metrics
        assert child.tags[metrics.DEVICE_TAG] == "CUDA simulator"
        assert child.params == parent.params
    assert [row["method"] for row in table(store, parent.run_id, "cuda.json")] == list(methods)


def table(store: Store, run_id: str, name: str) -> list[dict]:
    content = json.loads(
        mlflow.artifacts.load_text(f"{store.client.get_run(run_id).info.artifact_uri}/{name}")
    )
    return [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]


def test_a_signature_compiled_while_measuring_is_an_error():
    @numba.njit
    def double(x):
        return x + x

    with pytest.raises(CompiledInBlockError, match="double"), nothing_compiled():
        double(1)
    with nothing_compiled():
        double(1)
    with pytest.raises(CompiledInBlockError), nothing_compiled():
        double(1.0)


@pytest.mark.parametrize(
    ("once", "dear", "cheap", "expected"),
    [(10, 3, 1, 5), (10, 1, 1, math.inf), (10, 1, 2, math.inf), (0, 2, 1, 0)],
)
def test_break_even(once, dear, cheap, expected):
    assert break_even(once, dear, cheap) == expected


def test_a_long_call_tells_how_far_it_is(monkeypatch):
    clock = itertools.count(step=10.0)
    monkeypatch.setattr(terminal.time, "perf_counter", lambda: next(clock))
    totals, config = {}, pi.Config(samples=3 * BLOCK)
    with terminal.bar("π", 1) as progress:
        pi.work(("numba-lanes", 1), config, totals, progress)()
        (task,) = progress._progress.tasks
    assert task.fields["status"] == "numba-lanes on 1: 100% of a call, 0:00:00 left"
    assert totals == {("numba-lanes", 1): METHODS["numba-lanes"].total(config.samples, 0)}


def test_growth_exponent_of_a_power_law():
    sizes = [10, 100, 1000]
    assert growth_exponent(sizes, [3 * n**1.7 for n in sizes]) == pytest.approx(1.7)
    assert math.isnan(growth_exponent([10], [1]))


@pytest.mark.parametrize("name", ["numba-lanes", "quasi-r2", "stratified", "midpoint"])
def test_samples_for_some_digits_are_the_fewest_expected_to_do(name):
    method = METHODS[name]
    for digits in (2, 4, 6):
        rmse = math.pi * 10**-digits
        samples = samples_for(method, rmse)
        assert samples is not None
        assert method.expected_rmse(samples) <= rmse < method.expected_rmse(samples * 0.99)


def test_rounding_ends_the_digits_of_an_integral():
    assert samples_for(METHODS["midpoint"], 1e-17) is None
    assert np.isfinite(samples_for(METHODS["midpoint"], 1e-12))
