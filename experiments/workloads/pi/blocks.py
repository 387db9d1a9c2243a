"""The driver of every CPU rung: cut the samples into fixed blocks, hand the blocks to threads, add.

A kernel is `kernel(first, count, samples, seed)`: it visits the samples first … first + count - 1
of `samples` and returns what they add up to. A block's random numbers depend on the seed and on
`first` alone, and block totals are added in order, so neither threads nor chunks change one bit.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

BLOCK = 1 << 22  # samples: 0.3 ms of the fastest rung, which a call and its seeding slow by 1 %
CHUNK = 16  # blocks a task at most: bounds what an interrupt has to wait for

Kernel = Callable[[int, int, int, int], int | float]


def check(samples: int, seed: int) -> None:
    """Raise ValueError for samples < 0 and for a seed outside 0 … 2^63 - 1."""
    if samples < 0:
        raise ValueError(f"{samples=} is negative")
    if not 0 <= seed < 1 << 63:  # beyond it Numba would compile a second, unsigned, signature
        raise ValueError(f"{seed=} is outside 0 … 2^63 - 1")


def count(samples: int) -> int:
    """How many blocks so many samples fill, the last one perhaps in part."""
    return -(-samples // BLOCK)


def total(
    kernel: Kernel,
    samples: int,
    seed: int,
    threads: int = 1,
    *,
    chunks: int | None = None,
    progress: Callable[[float], None] | None = None,
    add: Callable[[Iterable], int | float] = sum,
) -> int | float:
    """Sum the kernel over all its blocks on `threads` threads; the result is the same for any.

    Threads and not `prange`: a kernel that releases the interpreter lock needs no second, parallel
    compilation, and no OpenMP worker is left spinning (9 ms of CPU time after every region, which
    the next measurement would pay for). Fewer samples than two blocks stay on one thread.

    Memory hardly grows with the samples: tasks and block totals take a few MB at 1e11, beside what
    the kernel itself needs a thread.

    `progress` is told the share done, 0 … 1, after every chunk. `add` sums the blocks: of 24,000
    floats, at 1e11 samples, `math.fsum` loses nothing.

    Raises ValueError for samples < 0, a seed outside 0 … 2^63 - 1, and threads or chunks < 1.
    """
    blocks = count(samples)
    if chunks is None:  # four tasks a thread, so that a slow core does not keep a fast one waiting
        chunks = max(-(-blocks // CHUNK), min(blocks, 4 * threads), 1)
    check(samples, seed)
    if threads < 1 or chunks < 1:
        raise ValueError(f"{threads=}, {chunks=}: at least 1 of each is needed")

    def chunk(index: int) -> list[int | float]:
        own = range(blocks * index // chunks, blocks * (index + 1) // chunks)
        return [kernel(b * BLOCK, min(BLOCK, samples - b * BLOCK), samples, seed) for b in own]

    def values(finished: Iterable[list[int | float]]) -> Iterator[int | float]:
        for index, own in enumerate(finished, start=1):
            yield from own
            if progress:
                progress(index / chunks)

    if threads == 1:
        return add(values(map(chunk, range(chunks))))
    pool = ThreadPoolExecutor(threads)
    try:
        return add(values(pool.map(chunk, range(chunks))))
    finally:  # an interrupted run must not first finish every chunk that waits
        pool.shutdown(cancel_futures=True)
