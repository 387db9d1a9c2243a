"""The π ladder on the CPU: one contract for every rung, slow oracles, statistics."""

import math
import time
from statistics import fmean, variance

import numpy as np
import pytest
from numba import njit

from experiments.workloads.pi import METHODS, compiled, plain, registers, vector
from experiments.workloads.pi.blocks import BLOCK, total
from experiments.workloads.pi.splitmix import GOLDEN, mix, stream

CPU = {name: method for name, method in METHODS.items() if not method.needs_cuda}
DARTS = [name for name, method in CPU.items() if name not in ("stratified", "midpoint")]
SLOW = {"python", "numpy-one-shot", "numpy-chunked", "numba-naive"}
MASK = (1 << 64) - 1


# --- the contract ---


@pytest.mark.parametrize("name", CPU)
@pytest.mark.parametrize("samples", [1, 3, 10_007, BLOCK + 7])
def test_lands_within_five_expected_errors(name, samples):
    error = abs(CPU[name].estimate(samples, 2) - math.pi)
    assert error < 5 * CPU[name].expected_rmse(samples)


@pytest.mark.parametrize("name", CPU)
def test_threads_and_chunks_change_no_bit(name):
    samples = (1 if name in SLOW else 9) * BLOCK + 10_007
    expected = CPU[name].total(samples, 3)
    assert isinstance(expected, int if name in DARTS else float)
    assert [CPU[name].total(samples, 3, threads) for threads in (1, 2, 3)] == [expected] * 3
    assert [CPU[name].total(samples, 3, 2, chunks=chunks) for chunks in (1, 3, 7)] == [expected] * 3


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_reaches_the_end(threads):
    shares = []
    CPU["numba-lanes"].total(5 * BLOCK, 0, threads, chunks=3, progress=shares.append)
    assert shares == [1 / 3, 2 / 3, 1.0]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_failure_does_not_wait_for_the_rest(threads):
    started = []

    def kernel(first, count, samples, seed):
        started.append(first)
        time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        total(kernel, 64 * BLOCK, 0, threads, chunks=64)
    assert len(started) < 8


@pytest.mark.parametrize("name", [n for n in DARTS if not n.startswith("numpy")])
def test_draws_exactly_the_samples_asked_for(name):
    """One more sample adds one dart at most, so no count includes a dart it was not asked for."""
    edges = (0, 127, 128, 255, 1023, 1024, 2048, 10_006)
    starts = [start for edge in edges for start in range(max(0, edge - 2), edge + 3)] + [BLOCK]
    totals = [(CPU[name].total(n, 4), CPU[name].total(n + 1, 4)) for n in starts]
    assert {after - before for before, after in totals} == {0, 1}
    assert totals[0][0] == 0
    assert CPU[name].total(10_007, 4) != CPU[name].total(10_007, 5)


@pytest.mark.parametrize("samples", [1, 3, 10_007])
def test_integrals_visit_every_slice_once(samples):
    middles = math.fsum(1 / (1 + ((i + 0.5) / samples) ** 2) for i in range(samples))
    assert CPU["midpoint"].total(samples, 0) == pytest.approx(middles, rel=1e-14)
    lefts = math.fsum(1 / (1 + (i / samples) ** 2) for i in range(samples))
    assert lefts - 0.5 <= CPU["stratified"].total(samples, 0) <= lefts


@pytest.mark.parametrize("name", CPU)
def test_refuses_what_it_cannot_run(name):
    for samples, seed, threads in ((-1, 0, 1), (1, -1, 1), (1, 1 << 63, 1)):
        with pytest.raises(ValueError, match="="):
            CPU[name].total(samples, seed, threads)
    with pytest.raises(ValueError, match="threads=0"):
        CPU[name].total(1, 0, 0)
    assert CPU[name].total(0, 0) == 0
    with pytest.raises(ValueError, match="at least 1 sample"):
        CPU[name].estimate(0, 0)


# --- oracles ---


def inside(x, y):
    return x * x + y * y < 1 << 30


def test_splitmix_gives_the_published_words():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert splitmix_words(1234567 + int(GOLDEN), 3) == published


def splitmix_words(start, count):
    return [mix(np.uint64((start + i * int(GOLDEN)) & MASK)) for i in range(count)]


@pytest.mark.parametrize("samples", [1, 3, plain.CHUNK + 7])
def test_numpy_rungs_draw_exactly_the_samples_asked_for(samples):
    x, y = np.random.default_rng([8, 0]).random((2, samples)).tolist()
    expected = sum(a * a + b * b < 1 for a, b in zip(x, y, strict=True))
    assert plain.numpy_one_shot(0, samples, samples, 8) == expected

    rng, expected = np.random.default_rng([8, 0]), 0
    for start in range(0, samples, plain.CHUNK):
        x, y = rng.random((2, min(plain.CHUNK, samples - start))).tolist()
        expected += sum(a * a + b * b < 1 for a, b in zip(x, y, strict=True))
    assert plain.numpy_chunked(0, samples, samples, 8) == expected


def xoroshiro_words(s0, s1, count):
    """xoroshiro128+ in Python's unbounded integers."""
    for _ in range(count):
        yield (s0 + s1) & MASK
        s1 ^= s0
        s0 = ((s0 << 24 | s0 >> 40) ^ s1 ^ (s1 << 16)) & MASK
        s1 = (s1 << 37 | s1 >> 27) & MASK


def signed_pairs(word):
    halves = np.array([word], np.uint64).view(np.int16).tolist()
    return [(halves[0], halves[1]), (halves[2], halves[3])]


@pytest.mark.parametrize("samples", [1, 128, 10_007])
def test_lanes_are_64_generators_side_by_side(samples):
    state = splitmix_words(stream(5, 0), 128)
    steps = -(-samples // 128)
    lanes = [list(xoroshiro_words(state[i], state[64 + i], steps)) for i in range(64)]
    pairs = [p for step in range(steps) for lane in lanes for p in signed_pairs(lane[step])]
    assert registers.lanes(0, samples, samples, 5) == sum(inside(*p) for p in pairs[:samples])


def test_the_oracle_gives_the_published_xoroshiro_words():
    assert list(xoroshiro_words(1, 2, 3)) == [3, 412333834243, 2360170716294286339]


@pytest.fixture(scope="module")
def edges():
    """Pairs on and beside the circle, and the corner where x² + y² is 2^31; int16 (128, 2)."""
    rng = np.random.default_rng(0)
    x = rng.integers(-(2**15), 2**15, 120)
    y = np.sqrt(2.0**30 - np.minimum(x * x, 2**30)) + rng.integers(-1, 2, 120)
    corners = [(-32768, -32768), (-32768, 0), (0, -32768), (32767, 32767), (32767, 256)]
    around = np.stack([x, np.minimum(y, 32767)], axis=1)
    return np.concatenate([around, corners, [(0, 0), (1, -1), (-32768, 1)]]).astype(np.int16)


def test_pairs_are_tested_exactly(edges):
    expected = [inside(x, y) for x, y in edges.tolist()]
    assert [compiled.pairs_inside(pair, 1) for pair in edges] == expected


@njit
def count_vector(s0, s1):
    return vector.step_and_count(vector.load(s0), vector.load(s1))[2]


def test_vectors_are_tested_exactly(edges):
    """64 words of two pairs each, as the sum of themselves and nothing."""
    expected = sum(inside(x, y) for x, y in edges.tolist())
    words = edges.reshape(-1).view(np.uint64)
    assert count_vector(words, np.zeros_like(words)) == expected


# --- statistics ---


@pytest.mark.parametrize("name", [n for n in DARTS if n not in ("quasi-r2", "all-cores")])
def test_hits_are_binomial(name):
    """1,000 seeds, the first ones: fewer would leave the variance itself too uncertain."""
    seeds, samples = 1000, 1 << (10 if name == "python" else 14 if name in SLOW else 18)
    p = math.pi / 4
    hits = [CPU[name].total(samples, seed) for seed in range(seeds)]
    z = [(h - samples * p) / math.sqrt(samples * p * (1 - p)) for h in hits]
    assert abs(fmean(z)) * math.sqrt(seeds) < 4
    assert 0.8 < variance(z) < 1.2


@pytest.mark.parametrize("name", ["quasi-r2", "stratified", "midpoint"])
@pytest.mark.parametrize("samples", [1 << 10, 1 << 14, 1 << 18])
def test_better_algorithms_keep_their_rate(name, samples):
    errors = [CPU[name].estimate(samples, seed) - math.pi for seed in range(100)]
    assert 0.7 < math.sqrt(fmean(e * e for e in errors)) / CPU[name].expected_rmse(samples) < 1.4


def test_lattice_of_signed_pairs_is_all_but_unbiased():
    """Exact counts of the 2^32 equally likely pairs, column by column."""

    def heights(radius):  # for every x ≥ 0, how many y ≥ 0 are inside
        return [math.isqrt(radius**2 - x * x - 1) + 1 for x in range(radius)]

    columns = [2 * height - 1 for height in heights(2**15)]  # y and -y, and 0 once
    signed = 4 * (2 * sum(columns) - columns[0]) / 2**32
    unsigned = 4 * sum(heights(2**16)) / 2**32
    assert signed - math.pi == pytest.approx(-9.0e-7, rel=0.01)
    assert unsigned - math.pi == pytest.approx(6.1e-5, rel=0.01)
