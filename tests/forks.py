"""Programs run in forks of a process that has imported TensorFlow and MLflow once.

A fork starts in a tenth of a second, where a process of its own spends nine seconds of CPU time on
imports. All else is its own: environment, output, signals, exit code. What such a program starts as
`python -m MODULE`, as `mlflow run` does, is a fork, too: the first `python` on its path asks for it
(tests/forked).
"""

import atexit
import multiprocessing
import os
import runpy
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from multiprocessing.connection import Connection, Listener
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory

PRELOADED = [
    *("experiments.main", "experiments.augmentation", "experiments.sorting", "mlflow.cli"),
    *("experiments.workloads.fashion.cheap_layers", "scipy.stats"),  # imported late by a program
]
TIMEOUT_S = 280
FORKED = Path(__file__).parent / "forked"


@cache
def _server() -> tuple[ForkServerContext, frozenset[str]]:
    """Where forks come from, and the names of the variables that it began with."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context, frozenset(os.environ)


def run_module(
    module: str, words: Sequence[str], env: Mapping[str, str], cwd: Path
) -> subprocess.CompletedProcess[str]:
    """`python -m MODULE WORDS` as `subprocess.run` would do it, output captured as text.

    Raises:
        TimeoutExpired: it did not end in time, and was killed.
    """
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        path = f"{FORKED}{os.pathsep}{env['PATH']}"
        asking = {**env, "PATH": path, "ECOTRACK_FORKS": _address()}
        process = _start(module, words, asking, cwd, (out, err))
        process.join(TIMEOUT_S)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired([module, *words], TIMEOUT_S)
        texts = (out.read_text(), err.read_text())
        return subprocess.CompletedProcess([module, *words], process.exitcode, *texts)


@cache
def _address() -> str:
    """Where forked programs ask for forks."""
    listener = Listener(family="AF_UNIX")
    atexit.register(listener.close)

    def listen() -> None:
        while True:
            threading.Thread(target=_answer, args=(listener.accept(),), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    return str(listener.address)


def _answer(asking: Connection) -> None:
    with asking:
        (module, *words), env, cwd, outputs = asking.recv()
        process = _start(module, words, env, cwd, outputs)
        process.join()
        asking.send(process.exitcode)


def _start(
    module: str,
    words: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    outputs: Sequence[Path],
) -> ForkServerProcess:
    context, begun_with = _server()
    removed = begun_with - env.keys()
    process = context.Process(target=_run, args=(module, words, env, removed, cwd, outputs))
    process.start()
    return process


def _run(
    module: str,
    words: Sequence[str],
    env: Mapping[str, str],
    removed: Iterable[str],
    cwd: Path,
    outputs: Sequence[Path],
) -> None:
    os.chdir(cwd)
    os.environ.update(env)  # and what libraries have set when they were imported stays
    for name in removed:
        os.environ.pop(name, None)
    warnings.simplefilter("ignore")  # PYTHONWARNINGS is read when an interpreter starts
    sys.argv = [module, *words]
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # a fork would leave without
        sys.stdout.flush()
        sys.stderr.flush()
