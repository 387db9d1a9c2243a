"""The CUDA rungs in Numba's simulator, which must be chosen before Numba is imported."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numba import cuda, int64, typeof
from numba.cuda.cudadrv import nvvm

from experiments.workloads.jit import compilations
from experiments.workloads.pi import METHODS, gpu
from tests.conftest import need

SIMULATION = """
import json
import numpy as np
from experiments.workloads.pi import METHODS, gpu

zero, ones = [np.uint32(0)] * 4, [np.uint32(0xFFFFFFFF)] * 4
small, odd = gpu.Grid(1, 8), gpu.Grid(3, 16)
gpu.use_device(0)
print(json.dumps({
    "missing": gpu.missing(),
    "devices": len(gpu.devices()),
    "philox": [int(word) for word in gpu.philox.py_func(*zero)],
    "counter": {n: gpu.counter(n, 7, grid=small) for n in (0, 1, 2, 3, 4, 5, 10_007)},
    "other_grid": gpu.counter(10_007, 7, grid=odd),
    "other_seed": gpu.counter(10_007, 7 + (1 << 40), grid=small),
    "textbook": {n: gpu.textbook(n, 7, grid=small) for n in (0, 1, 3, 10_007)},
    "estimate": METHODS["cuda-counter"].function(1000, 1, 2, grid=small),
    "moved": [rung.transfer(7)() for rung in (gpu.textbook, gpu.counter)],
    "occupancy": [rung.occupancy() for rung in (gpu.textbook, gpu.counter)],
}))
"""


@pytest.fixture(scope="module")
def simulated():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SIMULATION],
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def philox(counter, key):
    """Philox4x32-10 in Python's unbounded integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k[0], b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def signed(half):
    return half - (half >> 15 << 16)


def darts(seed, count):
    words = (w for g in range(count) for w in philox((g, 0, 0, 0), (seed & 0xFFFFFFFF, seed >> 32)))
    return [
        signed(word & 0xFFFF) ** 2 + signed(word >> 16) ** 2 < 1 << 30
        for word, _ in zip(words, range(count), strict=False)
    ]


def test_philox_gives_the_published_words(simulated):
    """Known answers of Random123 1.14, kat_vectors: counter and key all zeros."""
    published = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert simulated["philox"] == published
    assert philox((0, 0, 0, 0), (0, 0)) == published


def test_good_kernel_counts_exactly_the_samples_asked_for(simulated):
    expected = darts(7, 10_007)
    assert simulated["counter"] == {n: sum(expected[: int(n)]) for n in simulated["counter"]}
    assert simulated["other_grid"] == simulated["counter"]["10007"]
    assert simulated["other_seed"] == sum(darts(7 + (1 << 40), 10_007))
    assert simulated["estimate"] == sum(darts(1, 1000))


def test_textbook_kernel_estimates_pi(simulated):
    hits = simulated["textbook"]
    assert hits["0"] == 0
    assert hits["1"] <= 1
    assert hits["3"] <= 3
    expected = METHODS["cuda-textbook"].expected_rmse(10_007)
    assert abs(4 * hits["10007"] / 10_007 - math.pi) < 5 * expected


def test_simulator_counts_as_a_device(simulated):
    assert simulated["missing"] is None
    assert simulated["devices"] == 1


def test_moving_alone_throws_nothing(simulated):
    assert simulated["moved"] == [0, 0]


def test_simulator_makes_up_no_occupancy(simulated):
    assert simulated["occupancy"] == [None, None]


# --- a device that is not here ---


@pytest.fixture
def small_gpu(monkeypatch):
    """Stands for a GPU: 20 multiprocessors of 1,024 threads, compute capability 7.5."""
    device = SimpleNamespace(
        MULTIPROCESSOR_COUNT=20,
        MAX_THREADS_PER_MULTI_PROCESSOR=1024,
        compute_capability=(7, 5),
    )
    monkeypatch.setattr(cuda, "get_current_device", lambda: device)
    monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: device)


@pytest.mark.parametrize(
    ("rung", "names"),
    [
        (gpu.textbook, {"textbook_kernel", "xoroshiro128p_uniform_float32", "rotl"}),
        (gpu.counter, {"counter_kernel", "philox", "is_inside"}),
    ],
    ids=["textbook", "counter"],
)
@pytest.mark.usefixtures("small_gpu")
def test_compiles_for_a_device_and_is_seen_to(rung, names):
    """The simulator knows no types. NVVM needs no GPU."""
    need("NVVM, of the CUDA toolkit,", nvvm.is_available())
    signature = (int64, *map(typeof, rung.arguments(1, gpu.TEXTBOOK)))
    with compilations() as compiled:
        ptx, _ = cuda.compile_ptx(rung.kernel.py_func, signature, cc=(7, 5))
    assert names <= {*compiled.names}
    assert ".entry" in ptx


@pytest.mark.parametrize(
    ("grid", "fit", "expected"),
    [
        (gpu.TEXTBOOK, 320, 24 * 64 / 20_480),  # all 24 blocks fit: the launch is the limit
        (gpu.Grid(320, 256), 80, 1.0),
        (gpu.Grid(320, 256), 40, 0.5),  # registers let half the blocks fit
    ],
)
@pytest.mark.usefixtures("small_gpu")
def test_occupancy_is_what_is_launched_and_fits(grid, fit, expected):
    version = SimpleNamespace(max_cooperative_grid_blocks=lambda threads: fit)
    kernel = SimpleNamespace(overloads={"signature": version})
    rung = gpu.Rung(kernel, lambda seed, grid: (), lambda: grid)
    assert rung.occupancy() == pytest.approx(expected)


@pytest.mark.usefixtures("small_gpu")
def test_good_grid_fills_a_device_four_times():
    assert gpu.full_grid() == gpu.Grid(320, 256)
    assert gpu.textbook_grid() == gpu.Grid(24, 64)


@pytest.mark.parametrize("seed", [0, (1 << 63) - 1])
def test_key_is_the_seed(seed):
    low, high, count = gpu.counter.arguments(seed, gpu.SMALL)
    assert int(low) | int(high) << 32 == seed
    assert (low.dtype, high.dtype, count.tolist()) == (np.uint32, np.uint32, [0])


@pytest.mark.skipif(gpu.missing() is None, reason="there is a CUDA device")
@pytest.mark.parametrize("name", ["cuda-textbook", "cuda-counter"])
def test_says_in_one_line_that_there_is_no_device(name):
    assert gpu.devices() == []
    with pytest.raises(RuntimeError, match=r"^no CUDA device was found$"):
        METHODS[name].estimate(1000, 1)
    with pytest.raises(RuntimeError, match="no CUDA device"):
        gpu.use_device(0)


@pytest.mark.parametrize("name", ["cuda-textbook", "cuda-counter"])
@pytest.mark.parametrize(("samples", "seed"), [(-1, 0), (1, -1), (1, 1 << 63)])
def test_refuses_what_it_cannot_run(name, samples, seed):
    with pytest.raises(ValueError, match="="):
        METHODS[name].total(samples, seed)
