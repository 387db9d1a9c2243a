"""A Dask cluster: reached by its scheduler's address, or begun here with so many workers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, Future, Nanny, Scheduler, SpecCluster
from distributed.comm.core import CommClosedError

from ecotrack import terminal
from ecotrack.cli import UserError
from ecotrack.tracking.place import project_root

METER = {"meter": 1}  # a machine has it once: two measurements would count each other's energy
POLL_S = 1.0
PATIENCE_S = 300.0  # for a scheduler that is away, or for the first worker
LOOPBACK = "127.0.0.1"
AWAY = (CommClosedError, OSError, TimeoutError)


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
    own = dask.config.collect_yaml([str(project_root() / "deploy" / "dask.yaml")])
    with dask.config.set(dask.config.merge(dask.config.config, *own)), _local(number) as cluster:
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
