"""Numba's compiler, watched: nothing may be compiled while work is measured."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from numba.core import event


@dataclass
class Seen:
    """What Numba did in a block, known at its end.

    names: what it compiled
    from_cache: whether it loaded what an earlier process had compiled, and compiled nothing
    """

    names: list[str] = field(default_factory=list)
    from_cache: bool = False


@contextmanager
def compilations() -> Iterator[Seen]:
    """Watch what Numba compiles in this block.

    Told by the compiler's passes: `numba:compile` is silent about kernels of CUDA. What the cache
    on disk holds takes the compiler's lock and no pass.
    """
    seen = Seen()
    with (
        event.install_recorder("numba:run_pass") as passes,
        event.install_recorder("numba:compiler_lock") as locks,
    ):
        yield seen
    seen.names += dict.fromkeys(str(one.data["qualname"]) for _, one in passes.buffer)
    seen.from_cache = bool(locks.buffer) and not seen.names


class CompiledInBlockError(Exception):
    """A new signature was compiled where only work should have run."""


@contextmanager
def nothing_compiled() -> Iterator[None]:
    """Check that Numba compiles nothing in this block.

    Raises:
        CompiledInBlockError: it did; the times of the block are not those of the work.
    """
    with compilations() as seen:
        yield
    if seen.names:
        raise CompiledInBlockError(f"compiled while measuring: {seen.names[0]}; warm it up before")
