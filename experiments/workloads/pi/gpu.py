"""The CUDA rungs: the textbook kernel and a good one.

A count is four steps that a caller may time apart: compile (throw no samples once), prepare (move
the state to the device), throw (asynchronous: `synchronize` waits), and copy the count back.
"""

from typing import NamedTuple

import numpy as np
from numba import cuda
from numba.cuda.random import create_xoroshiro128p_states, xoroshiro128p_uniform_float32

from .blocks import check

THREADS = 256  # a block of the good kernel at most; its shared memory is 2 KiB


class Grid(NamedTuple):
    """How many blocks, and how many threads in each (a power of two, at most 256)."""

    blocks: int
    threads: int


TEXTBOOK = Grid(24, 64)  # as Numba's documentation has it: 1,536 threads, a tenth of a small GPU


@cuda.jit
def textbook_kernel(states, samples, hits):
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
    """Work on this device from now on. Raises RuntimeError where there is none."""
    if reason := missing():
        raise RuntimeError(reason)
    cuda.select_device(index)


def occupancy(kernel, threads: int = THREADS) -> float:
    """Return the share of the current device's threads that fit at once, by the driver's account.

    Of the kernel's compiled version: throw no samples first. `threads` are those of a block.
    """
    device = cuda.get_current_device()
    blocks = max(done.max_cooperative_grid_blocks(threads) for done in kernel.overloads.values())
    resident = device.MULTIPROCESSOR_COUNT * device.MAX_THREADS_PER_MULTI_PROCESSOR
    return blocks * threads / resident


def full_grid() -> Grid:
    """Return a grid that fills the current device four times over, so that it ends evenly."""
    device = cuda.get_current_device()
    resident = device.MULTIPROCESSOR_COUNT * device.MAX_THREADS_PER_MULTI_PROCESSOR
    return Grid(4 * resident // THREADS, THREADS)


def _check(samples: int, seed: int) -> None:
    check(samples, seed)
    if reason := missing():
        raise RuntimeError(reason)


def prepare_textbook(seed: int, grid: Grid = TEXTBOOK) -> tuple:
    """Return the generators' states (16 bytes a thread) and an empty count, both on the device."""
    size = grid.blocks * grid.threads
    return create_xoroshiro128p_states(size, seed=seed), cuda.to_device(np.zeros(size, np.int64))


def textbook(samples: int, seed: int, threads: int = 1, *, grid: Grid = TEXTBOOK) -> int:
    """Return the samples inside, by the textbook kernel; another grid is another sequence.

    `threads` are the CPU's and have no effect. Raises ValueError like the CPU's rungs, and
    RuntimeError without a CUDA device.
    """
    _check(samples, seed)
    states, hits = prepare_textbook(seed, grid)
    textbook_kernel[grid](states, samples, hits)
    return int(hits.copy_to_host().sum())


def throw(samples: int, seed: int, hits, grid: Grid) -> None:
    """Launch the good kernel, which adds to `hits`, int64 (1,) on the device; returns at once."""
    counter_kernel[grid](samples, np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32), hits)


def counter(samples: int, seed: int, threads: int = 1, *, grid: Grid | None = None) -> int:
    """Return the samples inside, by the good kernel: the same for any grid; None fills the device.

    `threads` are the CPU's and have no effect. Raises ValueError like the CPU's rungs, and
    RuntimeError without a CUDA device.
    """
    _check(samples, seed)
    hits = cuda.to_device(np.zeros(1, np.int64))
    throw(samples, seed, hits, grid or full_grid())
    return int(hits.copy_to_host()[0])
