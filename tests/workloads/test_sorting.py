import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from experiments.workloads.sorting import (
    ALGORITHMS,
    compiled,
    distinct,
    fast,
    inputs,
    native,
    radix,
)
from experiments.workloads.sorting.fast import fast_sort
from experiments.workloads.sorting.numpy_paths import PATHS, NumpySort

ROOT = Path(__file__).parents[2]
EXAMPLES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CASES = [
    pytest.param(algorithm, dtype, id=f"{algorithm.name}-{dtype}")
    for algorithm in ALGORITHMS.values()
    for dtype in algorithm.dtypes
]


def arrays(dtype, most_values=None, max_size=60):
    """Arrays with duplicates, extremes, NaNs of both signs, signed zeros; some of them in order."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        special = [0.0, -0.0, np.inf, -np.inf, np.nan, np.copysign(np.nan, -1), 1.0]
        elements = hnp.from_dtype(dtype) | st.sampled_from(special)
    elif most_values:
        elements = st.integers(-1000, 1000)
    else:
        limits = np.iinfo(dtype)
        elements = hnp.from_dtype(dtype) | st.sampled_from([limits.min, limits.max, 0, -1])
    any_order = hnp.arrays(dtype, st.integers(0, max_size), elements=elements)
    return any_order | any_order.map(np.sort) | any_order.map(lambda a: np.sort(a)[::-1].copy())


def assert_sorts(sort, array, prepare=lambda array: array):
    """``sort`` gives what np.sort gives and leaves its input alone."""
    before = array.tobytes()
    out = np.asarray(sort(prepare(array)), array.dtype)
    np.testing.assert_array_equal(out, np.sort(array))
    assert array.tobytes() == before
    return out


def assert_keeps_every_zero(out, array):
    """No zero changed its sign, which the comparison of values does not see."""
    assert np.signbit(out[out == 0]).sum() == np.signbit(array[array == 0]).sum()


@pytest.mark.parametrize(("algorithm", "dtype"), CASES)
@EXAMPLES
@given(data=st.data())
def test_every_algorithm_sorts_like_numpy(algorithm, dtype, data):
    array = data.draw(arrays(dtype, algorithm.most_values))
    out = assert_sorts(algorithm.function, array, algorithm.prepare)
    if algorithm.name not in ("np-quicksort", "fast"):  # NumPy's vector code may change a zero
        assert_keeps_every_zero(out, array)


@pytest.mark.parametrize(("algorithm", "dtype"), CASES)
@pytest.mark.parametrize("distribution", inputs.DISTRIBUTIONS)
def test_every_algorithm_sorts_what_we_measure(algorithm, dtype, distribution):
    array = inputs.make(300, dtype, distribution, seed=1)
    if algorithm.most_values:
        array %= 5000
    assert_sorts(algorithm.function, array, algorithm.prepare)


@pytest.mark.parametrize("algorithm", [a for a in ALGORITHMS.values() if a.takes_list])
def test_lists_stay_as_they_are(algorithm):
    values = [3, 1, 2]
    assert algorithm.function(values) == [1, 2, 3]
    assert values == [3, 1, 2]


@pytest.mark.parametrize("name", ["python-counting", "numba-counting"])
def test_counting_refuses_a_range_that_needs_too_much_memory(name):
    algorithm = ALGORITHMS[name]
    array = np.array([-(2**62), 2**62])
    with pytest.raises(ValueError, match="counting sort"):
        algorithm.function(algorithm.prepare(array))


def test_the_table_says_what_each_is():
    for name, algorithm in ALGORITHMS.items():
        assert algorithm.name == name
        assert len(algorithm.summary) > 20
        assert algorithm.steps(2000) > algorithm.steps(1000)


@pytest.fixture
def uncompiled(monkeypatch):
    """Run every kernel, and those it calls, as plain Python."""
    for module in (compiled, distinct, radix):
        for name, function in vars(module).items():
            if hasattr(function, "py_func"):
                monkeypatch.setattr(module, name, function.py_func)
    with np.errstate(over="ignore"):  # keys wrap around on purpose
        yield


@pytest.mark.parametrize(
    ("algorithm", "dtype"), [case for case in CASES if case.id.startswith("numba")]
)
@pytest.mark.usefixtures("uncompiled")
def test_textbook_kernels_sort_uncompiled(algorithm, dtype):
    for distribution in inputs.DISTRIBUTIONS:
        array = inputs.make(120, dtype, distribution, seed=1)
        array = array % 100 if algorithm.most_values else array
        assert_sorts(algorithm.function.py_func, array)


@pytest.fixture
def small(monkeypatch):
    """Let the fast sort do with a few elements what it does with millions."""
    monkeypatch.setattr(fast, "SMALL", 0)
    monkeypatch.setattr(native, "np_sort_is_quick", lambda dtype: False)
    monkeypatch.setattr(fast, "SMALLEST_SHARE", 1)
    monkeypatch.setattr(fast, "SMALLEST_BUCKET", 4)
    monkeypatch.setattr(fast, "OVERSIZED", 2)
    monkeypatch.setattr(fast, "MOST_DISPLACED", 3)


@pytest.mark.parametrize("counts", [True, False], ids=["counting", "buckets"])
@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.usefixtures("small")
@EXAMPLES
@given(data=st.data(), threads=st.sampled_from([1, 2, 3]))
def test_fast_sorts_small_arrays_by_itself(dtype, counts, data, threads):
    array = data.draw(arrays(dtype))
    with pytest.MonkeyPatch.context() as patch:
        if not counts:
            patch.setattr(distinct, "few_values", lambda bits: None)
        out = assert_sorts(lambda a: fast_sort(a, threads), array)
    if array.size:
        assert_keeps_every_zero(out, array)


def crowded(dtype, size):
    """Named arrays whose values crowd in a small part of their range."""
    rng, dtype = np.random.default_rng(2), np.dtype(dtype)
    few = rng.integers(0, 1 << 15, size).astype(dtype)
    few[:3] = [-(2**30), 2**30, 7]
    yield "outliers", few
    yield "powers", (2.0 ** rng.uniform(0, 30, size)).astype(dtype)
    half = rng.integers(0, 2**30, size).astype(dtype)
    half[::2] = 17
    yield "half the same", half
    yield "many values", rng.integers(0, 3000, size).astype(dtype)
    yield "more values", rng.integers(0, 6000, size).astype(dtype)
    yield "two runs", np.concatenate([np.sort(half[::2]), np.sort(half[1::2])])
    ascending = np.sort(rng.integers(-(2**30), 2**30, size).astype(dtype))
    ascending[rng.integers(0, size, size // 100)] = 2**30
    yield "some too high", ascending
    ascending = np.sort(ascending)
    ascending[-1] = ascending[0]
    yield "last too low", ascending
    yield "two values", rng.integers(0, 2, size).astype(dtype)
    if dtype == "int64":
        yield "equal leading bits", (rng.integers(0, 9, size) << 58) + rng.integers(0, 2**20, size)
    if dtype.kind == "f":
        special = rng.standard_normal(size).astype(dtype)
        for i, value in enumerate([np.nan, np.copysign(np.nan, -1), np.inf, -np.inf, 0.0, -0.0]):
            special[i::17] = value
        yield "special", special


@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.usefixtures("small")
@EXAMPLES
@given(data=st.data())
def test_what_is_out_of_place_is_merged_with_what_is_in_order(dtype, data):
    places = st.integers(0, 255)
    swaps = data.draw(st.lists(st.tuples(places, places), max_size=5))
    array = inputs.make(256, dtype, "sorted", seed=data.draw(places))
    for here, there in swaps:
        array[[here, there]] = array[[there, here]]
    merged = []

    def merge(keys, dropped, scratch, coding, merge=radix.merge_displaced):
        merged.append(dropped.size)
        merge(keys, dropped, scratch, coding)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "few_values", lambda bits: None)
        patch.setattr(radix, "merge_displaced", merge)
        assert_sorts(fast_sort, array)
    if (np.diff(array) < 0).any():
        assert len(merged) == 1
        assert 2 <= merged[0] <= 4 * len(swaps)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", inputs.DTYPES)
def test_fast_sorts_above_its_hand_over(dtype, threads, monkeypatch):
    monkeypatch.setattr(fast, "SMALLEST_SHARE", 50_000)
    monkeypatch.setattr(native, "np_sort_is_quick", lambda dtype: False)
    size = 200_003
    named = [(name, inputs.make(size, dtype, name, seed=4)) for name in inputs.DISTRIBUTIONS]
    for _, array in (*named, *crowded(dtype, size)):
        assert_keeps_every_zero(assert_sorts(lambda a: fast_sort(a, threads), array), array)


@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.usefixtures("uncompiled", "small")
def test_fast_kernels_sort_uncompiled(dtype):
    named = [(name, inputs.make(700, dtype, name, seed=4)) for name in inputs.DISTRIBUTIONS]
    for _, array in (*named, *crowded(dtype, 700)):
        assert_sorts(fast_sort, array)


def test_fast_takes_strided_and_read_only_arrays():
    array = inputs.make(1_000_006, "int32", "random", seed=5)[::-2]
    array.flags.writeable = False
    assert_sorts(fast_sort, array)


@pytest.mark.parametrize(
    ("array", "threads", "error"),
    [
        (np.zeros(3, np.int16), 1, TypeError),
        (np.zeros(3, ">i4"), 1, TypeError),
        (np.zeros((3, 3), np.int32), 1, ValueError),
        (np.zeros(3, np.int32), 0, ValueError),
    ],
)
def test_fast_says_what_it_cannot_sort(array, threads, error):
    with pytest.raises(error, match=r"fast_sort|threads"):
        fast_sort(array, threads)


@pytest.mark.parametrize("dtype", inputs.DTYPES)
def test_inputs_are_what_they_are_called(dtype):
    made = {name: inputs.make(5000, dtype, name, seed=6) for name in inputs.DISTRIBUTIONS}
    for name, array in made.items():
        assert array.dtype == dtype
        assert array.size == 5000
        np.testing.assert_array_equal(array, inputs.make(5000, dtype, name, seed=6))
    assert not np.array_equal(made["random"], inputs.make(5000, dtype, "random", seed=7))
    np.testing.assert_array_equal(made["sorted"], np.sort(made["random"]))
    np.testing.assert_array_equal(made["reversed"], made["sorted"][::-1])
    assert 0 < (made["nearly-sorted"] != made["sorted"]).mean() <= inputs.SWAPPED
    assert np.unique(made["few-unique"]).size == inputs.UNIQUE


@pytest.mark.parametrize(
    "arguments", [(0, "int32", "random"), (9, "int8", "random"), (9, "int32", "chaotic")]
)
def test_inputs_say_what_they_cannot_make(arguments):
    with pytest.raises(ValueError, match="use"):
        inputs.make(*arguments, seed=0)


SORT_WITH_ALL_KERNELS = """
import json, numpy as np
from numba.core.dispatcher import Dispatcher
from experiments.workloads.sorting import ALGORITHMS, compiled, distinct, fast, inputs, radix

few = inputs.make(1_000, "int32", "few-unique", 0)
for algorithm in ALGORITHMS.values():
    if algorithm.is_compiled:
        algorithm.function(few)
for dtype, distribution in (
    ("int32", "random"), ("int32", "few-unique"), ("int32", "nearly-sorted"), ("float64", "random")
):
    fast.fast_sort(inputs.make(500_003, dtype, distribution, 0))
fast.fast_sort(np.tile(np.arange(3, dtype="int32"), 200_000))
modules = (compiled, distinct, radix)
kernels = {n: k for m in modules for n, k in vars(m).items() if isinstance(k, Dispatcher)}
print(json.dumps({
    "all": sorted(kernels),
    "hit": sorted(n for n, k in kernels.items() if sum(k.stats.cache_hits.values())),
    "missed": sorted(n for n, k in kernels.items() if sum(k.stats.cache_misses.values())),
}))
"""


def test_a_second_process_hits_the_cache(tmp_path):
    """A kernel that calls another made in a function would miss it in every process.

    All kernels are compiled once; what Python calls comes from the cache, with all that it calls.
    """
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def kernels():
        command = [sys.executable, "-c", SORT_WITH_ALL_KERNELS]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    first, second = kernels(), kernels()
    assert first["missed"] == first["all"]
    assert (first["hit"], second["missed"]) == ([], [])
    entries = {a.function.__name__ for a in ALGORITHMS.values() if a.is_compiled and not a.threaded}
    assert entries | {"tally", "survey", "scatter", "merge_displaced"} <= set(second["hit"])


def test_numpy_and_ours_sort_in_a_process_of_its_own_path():
    with NumpySort(PATHS["default"]) as worker:
        worker.prepare(2000, "float32", "random", 8)
        assert worker.seconds() > 0
        assert worker.seconds(threads=2) > 0


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("dtype", inputs.DTYPES)
def test_on_a_quick_path_more_is_handed_over(dtype, quick, monkeypatch):
    handed_over = []
    monkeypatch.setattr(native, "np_sort_is_quick", lambda dtype: quick)
    monkeypatch.setattr(fast, "_sort_into", lambda *_: None)
    monkeypatch.setattr(fast.np, "sort", lambda array: handed_over.append(array.size))
    sizes = (fast.SMALL, fast.SMALL + 1, fast.HAND_OVER[dtype], fast.HAND_OVER[dtype] + 1)
    for size in sizes:
        fast_sort(np.zeros(size, dtype))
    assert handed_over == list(sizes[: 3 if quick else 1])


def test_vector_code_is_quick_and_scalar_code_is_not(monkeypatch):
    monkeypatch.setattr(native, "np_quicksort", native.np_stable)
    native.np_sort_is_quick.cache_clear()
    assert not native.np_sort_is_quick(np.dtype("int32"))
    monkeypatch.setattr(native, "np_quicksort", lambda array: None)
    native.np_sort_is_quick.cache_clear()
    assert native.np_sort_is_quick(np.dtype("int32"))
    native.np_sort_is_quick.cache_clear()


def test_a_path_that_numpy_has_not_is_an_error():
    with pytest.raises(RuntimeError, match="NO_SUCH_FEATURE"), NumpySort("NO_SUCH_FEATURE"):
        pass
