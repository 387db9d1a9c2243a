"""The CUDA rungs: the textbook kernel and a good one.

A count is compiled once, and then is three steps: move its arguments to the device, launch the
kernel (asynchronous), and copy the count back, which waits for the kernel. `Rung` has the count as
a whole and, apart, what only moves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import config, cuda
from numba.cuda.random import (
    init_xoroshiro128p_states_cpu,
    xoroshiro128p_dtype,
    xoroshiro128p_uniform_float32,
)

from .blocks import check

THREADS = 256  # a block of the good kernel at most; its shared memory is 2 KiB
SIMULATED = bool(config.ENABLE_CUDASIM)
MOST_SIMULATED = 20_000  # samples: the simulator takes 0.05 ms for one by the good kernel, or 0.7


class Grid(NamedTuple):
    """How many blocks, and how many threads in each (a power of two, at most 256)."""

    blocks: int
    threads: int


TEXTBOOK = Grid(24, 64)  # as Numba's documentation has it: 1,536 threads, a tenth of a small GPU
SMALL = Grid(1, 8)  # for the simulator, where making a thread's generator takes 40 ms


@cuda.jit
def textbook_kernel(samples, states, hits):
    """Count in `hits`, int64 (threads,): every thread keeps its generator in global memory.

    Known to be slow: each coordinate reads and writes 16 bytes of global memory, the generator
    works in 64 bits on 32-bit hardware, and a grid of this size leaves most of the device idle.
    Source: the xoroshiro128p example of Numba's documentation, with integers instead of means.
    """
    thread = cuda.grid(1)
    inside = 0
    for _ in range(thread, samples, cuda.gridsize(1)):
        x = xoroshiro128p_uniform_float32(states, thread)
        y = xoroshiro128p_uniform_float32(states, thread)
        if x * x + y * y < np.float32(1.0):
            inside += 1
    hits[thread] = inside


@cuda.jit(device=True)
def philox(c0, c1, key0, key1):
    """Return four uint32 random words for the counter (c0, c1, 0, 0): Philox4x32-10.

    J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. A round is two 32-bit
    multiplications with 64-bit results, one instruction each; ten words of state in registers.
    """
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    c2 = c3 = np.uint32(0)
    for _ in range(10):
        a = np.uint64(0xD2511F53) * np.uint64(c0)
        b = np.uint64(0xCD9E8D57) * np.uint64(c2)
        c0 = np.uint32(np.uint32(b >> half) ^ c1 ^ key0)
        c2 = np.uint32(np.uint32(a >> half) ^ c3 ^ key1)
        c1, c3 = np.uint32(b & mask), np.uint32(a & mask)
        key0 = np.uint32((np.uint64(key0) + np.uint64(0x9E3779B9)) & mask)
        key1 = np.uint32((np.uint64(key1) + np.uint64(0xBB67AE85)) & mask)
    return c0, c1, c2, c3


@cuda.jit(device=True)
def is_inside(word):
    """Return 1 if the signed 16-bit halves of a uint32 are a point inside the disc, or else 0."""
    x = np.int32(np.int16(word & np.uint32(0xFFFF)))
    y = np.int32(np.int16(word >> np.uint32(16)))
    square = np.uint32(np.uint32(x * x) + np.uint32(y * y))
    return np.int32(square < np.uint32(1 << 30))


@cuda.jit
def counter_kernel(samples, key0, key1, hits):
    """Add the samples inside to `hits`, int64 (1,): everything but that stays on the chip.

    Words 4 g … 4 g + 3 are Philox of g: no state to keep, and the same count on any grid. The loop
    strides by the grid, so a full device is one launch whatever the number of samples; a block adds
    up in shared memory and pays for one atomic operation.
    """
    inside = np.int64(0)
    for group in range(cuda.grid(1), (samples + 3) // 4, cuda.gridsize(1)):
        low = np.uint32(np.uint64(group) & np.uint64(0xFFFFFFFF))
        high = np.uint32(np.uint64(group) >> np.uint64(32))
        w0, w1, w2, w3 = philox(low, high, key0, key1)
        left = samples - 4 * group  # fewer than 4 in the last group alone
        inside += is_inside(w0)
        inside += is_inside(w1) * np.int32(left > 1)
        inside += is_inside(w2) * np.int32(left > 2)
        inside += is_inside(w3) * np.int32(left > 3)

    sums = cuda.shared.array(THREADS, np.int64)
    thread, width = cuda.threadIdx.x, cuda.blockDim.x // 2
    sums[thread] = inside
    cuda.syncthreads()
    while width > 0:
        if thread < width:
            sums[thread] += sums[thread + width]
        cuda.syncthreads()
        width //= 2
    if thread == 0:
        cuda.atomic.add(hits, 0, sums[0])


def missing() -> str | None:
    """Return why the CUDA rungs cannot run here, in one line, or None if they can."""
    return None if cuda.is_available() else "no CUDA device was found"


def devices() -> list[str]:
    """Return the names of the CUDA devices; the index in the list is what `use_device` takes."""
    if missing():
        return []
    names = [getattr(device, "name", "CUDA simulator") for device in cuda.gpus]
    return [name.decode() if isinstance(name, bytes) else name for name in names]


def use_device(index: int) -> None:
    """Work on this device from now on, in this thread. Raises RuntimeError where there is none."""
    if reason := missing():
        raise RuntimeError(reason)
    cuda.select_device(index)


@dataclass(frozen=True)
class Rung:
    """A kernel and what it is launched with.

    kernel: (samples, *arguments) -> None, leaves its counts in the last argument
    arguments: (seed, grid) -> arrays and numbers, made on the host; the last is the empty count
    default_grid: () -> the grid it has on the current device
    """

    kernel: Any
    arguments: Callable[[int, Grid], tuple]
    default_grid: Callable[[], Grid]

    def __call__(
        self, samples: int, seed: int, threads: int = 1, *, grid: Grid | None = None
    ) -> int:
        """Return the samples inside, once the device has finished.

        `threads` are the CPU's and have no effect. Raises ValueError like the CPU's rungs, and
        RuntimeError without a CUDA device.
        """
        check(samples, seed)
        if reason := missing():
            raise RuntimeError(reason)
        grid = grid or self.default_grid()
        arguments = _to_device(self.arguments(seed, grid))
        self.kernel[grid](samples, *arguments)
        return _count(arguments)

    def transfer(self, seed: int) -> Callable[[], int]:
        """Return a call that moves a count's arguments to the device and the count back: 0."""
        arguments = self.arguments(seed, self.default_grid())
        return lambda: _count(_to_device(arguments))

    def occupancy(self) -> float | None:
        """Return the share of the device's threads that are at work at once, 0 … 1.

        By the driver's account of the compiled kernel: count once before. None in the simulator,
        which keeps no account.
        """
        if SIMULATED:
            return None
        grid, versions = self.default_grid(), self.kernel.overloads.values()
        fit = max(done.max_cooperative_grid_blocks(grid.threads) for done in versions)
        return min(grid.blocks, fit) * grid.threads / _resident_threads()


def textbook_grid() -> Grid:
    """Return the grid of the documentation, or a smaller one in the simulator."""
    return SMALL if SIMULATED else TEXTBOOK


def full_grid() -> Grid:
    """Return a grid that fills the current device four times over, so that it ends evenly."""
    return SMALL if SIMULATED else Grid(4 * _resident_threads() // THREADS, THREADS)


def _resident_threads() -> int:
    device = cuda.get_current_device()
    return device.MULTIPROCESSOR_COUNT * device.MAX_THREADS_PER_MULTI_PROCESSOR


def _textbook_arguments(seed: int, grid: Grid) -> tuple:
    """Return the generators' states, 16 bytes a thread, and a count for each thread."""
    size = grid.blocks * grid.threads
    states = np.empty(size, xoroshiro128p_dtype)
    init_xoroshiro128p_states_cpu(states, seed, 0)  # as create_xoroshiro128p_states does
    return states, np.zeros(size, np.int64)


def _counter_arguments(seed: int, grid: Grid) -> tuple:
    """Return the two words of the key and one count for all."""
    return np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32), np.zeros(1, np.int64)


def _to_device(arguments: tuple) -> list:
    """Return the arguments with their arrays on the device; numbers travel with the launch."""
    return [cuda.to_device(a) if isinstance(a, np.ndarray) else a for a in arguments]


def _count(arguments: list) -> int:
    return int(arguments[-1].copy_to_host().sum())


textbook = Rung(textbook_kernel, _textbook_arguments, textbook_grid)  # another grid: other darts
counter = Rung(counter_kernel, _counter_arguments, full_grid)  # the same darts on any grid
