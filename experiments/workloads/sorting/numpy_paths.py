"""Sorts in a process of its own: NumPy chooses its code path once, when it is imported."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import IO, cast

import numpy as np

from experiments.workloads.sorting.fast import fast_sort
from experiments.workloads.sorting.inputs import make

PATHS = {"default": "", "AVX2": "X86_V4 AVX512_ICL"}  # values of NPY_DISABLE_CPU_FEATURES
BATCH = 2_000_000  # elements sorted for one time, in many different arrays if these are small
MOST_ARRAYS = 1000


class NumpySort:
    """A process that sorts, with one of NumPy's code paths, when it is told to.

    Use with ``with``. Raises RuntimeError with the stderr of the process if it ended, as it
    does on a machine that has not these features to disable.
    """

    def __init__(self, disabled):
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled}
        command = [sys.executable, "-W", "error::ImportWarning", "-m", __spec__.name]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    def __enter__(self):
        try:
            self.prepare(1000, "int32", "random", 0)
        except RuntimeError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with suppress(BrokenPipeError):
            self._pipes[0].close()
        self.process.wait()
        for pipe in self._pipes[1:]:
            pipe.close()

    @property
    def _pipes(self) -> tuple[IO[str], IO[str], IO[str]]:
        pipes = (self.process.stdin, self.process.stdout, self.process.stderr)
        return cast(tuple[IO[str], IO[str], IO[str]], pipes)

    def prepare(self, *case):
        """Make the arrays of a case: size, dtype, distribution, seed."""
        self._ask({"make": case})

    def seconds(self, threads=None):
        """Return the seconds for one of these arrays: of np.sort, or ours on so many threads."""
        return self._ask({"threads": threads})

    def _ask(self, request):
        stdin, stdout, stderr = self._pipes
        with suppress(BrokenPipeError):  # what killed it is on its stderr
            print(json.dumps(request), file=stdin, flush=True)
        answer = stdout.readline()
        if not answer:
            raise RuntimeError(stderr.read())
        return json.loads(answer)


def make_batch(size, dtype, distribution, seed):
    """Return enough arrays of one kind for a time that can be measured."""
    count = min(max(1, BATCH // size), MOST_ARRAYS)
    return [make(size, dtype, distribution, seed + i) for i in range(count)]


def seconds_per_array(sort, arrays):
    """Return the mean wall-clock seconds of ``sort`` over the arrays.

    As much memory as a result takes is used and freed before the clock starts. What lay idle for
    two seconds a virtual machine may have given back to its host: it then costs whoever asks for it
    next 6 to 14 ns for each int32, more than to sort them.
    """
    np.empty_like(arrays[0]).fill(0)
    start = perf_counter()
    for array in arrays:
        sort(array)
    return (perf_counter() - start) / len(arrays)


def _sort(threads):
    """Return np.sort, or ours on so many threads."""
    return np.sort if threads is None else partial(fast_sort, threads=threads)


def _serve():
    arrays: list[np.ndarray] = []
    for line in sys.stdin:
        request = json.loads(line)
        answer = None
        if "make" in request:
            arrays.clear()
            arrays = make_batch(*request["make"])
        else:
            answer = seconds_per_array(_sort(request["threads"]), arrays)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
