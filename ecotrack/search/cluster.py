"""Dask, spoken once: it places tasks on machines that can measure, and outlives lost workers.

    coordinator ── "one more trial, if the study is short" ──▶ scheduler ──▶ worker, meter=1
         │                                                                       │
         └──────────────▶ the study's storage: which trials there are ◀──────────┘

What a task says is only a hint. How many trials there are, and which are dead, the storage knows.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, Future, Nanny, Scheduler, SpecCluster
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from ecotrack import terminal
from ecotrack.cli import UserError

METER = {"meter": 1}  # a machine has it once: two measurements would count each other's energy
QUEUED = 2  # tasks a worker, one of them under way
POLL_S = 1.0
PATIENCE_S = 300.0  # for a scheduler that is away, or for the first worker
MAX_DEATHS = 20  # of workers in a row, without a trial between them, or without their stores
LOOPBACK = "127.0.0.1"
AWAY = (CommClosedError, OSError, TimeoutError)
FAILED = ("died", "cut off")


def check(workers: str) -> None:
    """Refuse what is neither a scheduler's address nor a number of local workers.

    Raises:
        UserError: it is none.
    """
    if not re.fullmatch(r"[1-9]\d{0,3}|(tcp|tls)://[\w.\-\[\]:]+:\d+", workers):
        raise UserError(
            f"--workers takes a scheduler such as tcp://host:8786, or a number; got {workers!r}"
        )


def keep_placing(
    cluster: Machines,
    task: Callable[[], str],
    missing: Callable[[], int],
    told: Callable[[], object] = lambda: None,
) -> None:
    """Hand out `task` until nothing is missing any more, or a task says that it is over.

    A task may be run twice, or not be heard of again; then it is handed out anew.

    Args:
        cluster: where to.
        task: run on one machine at a time; says `tried`, `enough`, `cut off` or why the search is
            over.
        missing: how many more results are wanted. Asked each second.
        told: called after each task that is done.

    Raises:
        UserError: there is no scheduler or no worker, workers die of each task, or a task says so.
    """
    pending: set[Future] = set()
    over, deaths, rest_until = False, 0, 0.0
    while True:
        done = {future for future in pending if future.status != "pending"}
        pending -= done
        said = [outcome(future) for future in done]
        deaths = 0 if "tried" in said else deaths + sum(word in FAILED for word in said)
        if deaths > MAX_DEATHS:
            raise UserError(
                f"{deaths} times in a row a worker died in a trial, or did not reach the stores:"
                " see their logs"
            )
        if said:
            told()
        over = over or bool({"over", "used up"} & set(said))
        if "enough" in said:  # others are at it: ask again, but not at once
            rest_until = time.monotonic() + POLL_S
        wanted = 0 if over else missing()
        if not wanted and not pending:
            return
        if time.monotonic() >= rest_until:
            most = min(wanted, QUEUED * cluster.count())
            pending |= {cluster.submit(task) for _ in range(most - len(pending))}
        cluster.wait()


def on_one_of_each(
    cluster: Machines, task: Callable[[], str], kind: Callable[[], str], kinds: Sequence[str]
) -> list[str]:
    """Run a task on one machine of each kind; again on another one, if that is lost.

    Args:
        cluster: where.
        task: safe to repeat.
        kind: says on a worker of what kind its machine is.
        kinds: those that are wanted.

    Returns:
        The kinds of which there was no machine.
    """
    missed = []
    for wanted in kinds:
        for _ in range(MAX_DEATHS):
            address = cluster.one_of_each(kind).get(wanted)
            if address is None:
                missed.append(wanted)
                break
            future = cluster.submit(task, workers=[address])
            while future.status == "pending" and cluster.has(address):
                cluster.wait()
            if future.status != "pending" and outcome(future) not in (*FAILED, "lost"):
                break
            future.cancel()
    return missed


def outcome(future: Future) -> str:
    """What a task said; `died` with its worker, or `lost` with the scheduler.

    Raises:
        Exception: whatever the task raised.
    """
    if future.status == "finished":
        try:
            return str(future.result(timeout=POLL_S))
        except AWAY:
            return "lost"
    if future.status != "error":
        return "lost"
    error = future.exception(timeout=POLL_S)
    if isinstance(error, KilledWorker):
        return "died"
    raise error


class Machines:
    """A Dask cluster, reached again when its scheduler comes back."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = _client(address)
        self._bell = threading.Event()
        self._seen_s = time.monotonic()

    def count(self) -> int:
        """How many workers can measure.

        Raises:
            UserError: there has been none for five minutes.
        """
        found = [w for w in self._workers().values() if w["resources"].get("meter")]
        if found:
            self._seen_s = time.monotonic()
        elif time.monotonic() - self._seen_s > PATIENCE_S:
            raise UserError(
                f"no worker of {self._address} has had the resource meter=1 for"
                f" {PATIENCE_S:.0f} s; start one with --resources meter=1"
            )
        return len(found)

    def submit(self, task: Callable[[], str], **where: Any) -> Future:
        """Hand out a task to a machine that can measure."""
        future = self._client.submit(task, pure=False, resources=METER, **where)
        future.add_done_callback(lambda _: self._bell.set())
        return future

    def wait(self) -> None:
        """Until one is done, a second at most."""
        self._bell.wait(POLL_S)
        self._bell.clear()

    def one_of_each(self, kind: Callable[[], str]) -> dict[str, str]:
        """What `kind` says on a worker -> the address of one that says so."""
        able = [name for name, w in self._workers().items() if w["resources"].get("meter")]
        return {said: address for address, said in self._client.run(kind, workers=able).items()}

    def has(self, address: str) -> bool:
        """Whether this worker is there."""
        return address in self._workers()

    def close(self) -> None:
        """Leave the cluster to others."""
        self._client.close()

    def _workers(self) -> dict[str, Any]:
        begun = time.monotonic()
        while True:
            try:
                if self._client.status != "running":
                    self._client.close(timeout=POLL_S)
                    self._client = _client(self._address)
                found: dict[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
                return found
            except AWAY as error:
                if time.monotonic() - begun > PATIENCE_S:
                    raise UserError(f"the scheduler {self._address} does not answer") from error
                time.sleep(POLL_S)


@contextmanager
def machines(workers: str) -> Iterator[Machines]:
    """A running cluster by its address, or so many workers on this machine, ended with the block.

    Raises:
        UserError: no scheduler answers.
    """
    if not workers.isdigit():
        found = _reached(workers)
        try:
            yield found
        finally:
            found.close()
        return
    number = int(workers)
    if number > 1:
        terminal.say(
            f"{number} workers on one machine measure one trial at a time: only one has its meter."
        )
    # Nannies would hold the libraries of linear algebra to one thread.
    with dask.config.set({"distributed.nanny.pre-spawn-environ": {}}), _local(number) as cluster:
        found = Machines(cluster.scheduler_address)
        try:
            yield found
        finally:
            found.close()


def _local(number: int) -> SpecCluster:
    spec = {
        index: {
            "cls": Nanny,
            "options": {
                "host": LOOPBACK,
                "nthreads": 1,
                "resources": {} if index else METER,
                "dashboard": False,
                "silence_logs": logging.ERROR,
            },
        }
        for index in range(number)
    }
    scheduler = {"cls": Scheduler, "options": {"host": LOOPBACK, "port": 0, "dashboard": False}}
    return SpecCluster(workers=spec, scheduler=scheduler, silence_logs=logging.ERROR)


def _reached(address: str) -> Machines:
    try:
        return Machines(address)
    except AWAY as error:
        raise UserError(f"no Dask scheduler answers at {address}; start one first") from error


def _client(address: str) -> Client:
    return Client(address, timeout=10, set_as_default=False, name="ecotrack")
