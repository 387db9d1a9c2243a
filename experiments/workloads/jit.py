"""Numba's compiler, watched: nothing may be compiled while work is measured."""

from collections.abc import Iterator
from contextlib import contextmanager

from numba.core import event


@contextmanager
def compilations() -> Iterator[list[str]]:
    """The names of what Numba compiles in this block; what its cache holds is not compiled.

    Told by the compiler's passes: `numba:compile` is silent about kernels of CUDA.
    """
    names: list[str] = []
    with event.install_recorder("numba:run_pass") as recorder:
        yield names
    names += dict.fromkeys(str(seen.data["qualname"]) for _, seen in recorder.buffer)


class CompiledInBlockError(Exception):
    """A new signature was compiled where only work should have run."""


@contextmanager
def nothing_compiled() -> Iterator[None]:
    """Check that Numba compiles nothing in this block.

    Raises:
        CompiledInBlockError: it did; the times of the block are not those of the work.
    """
    with compilations() as compiled:
        yield
    if compiled:
        raise CompiledInBlockError(f"compiled while measuring: {compiled[0]}; warm it up before")
