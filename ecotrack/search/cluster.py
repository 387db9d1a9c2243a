"""Places tasks on machines that can measure, by Dask, and outlives lost workers.

    coordinator ── "one more trial, if the study is short" ──▶ scheduler ──▶ worker, meter=1
         │                                                                       │
         └──────────────▶ the study's storage: which trials there are ◀──────────┘

What a task says is only a hint. How many trials there are, and which are dead, the storage knows.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from distributed import Future
from distributed.scheduler import KilledWorker

from ecotrack.cli import UserError
from ecotrack.search.machines import AWAY, POLL_S, Machines

QUEUED = 2  # tasks a worker, one of them under way
MAX_DEATHS = 20  # of workers in a row, without a trial between them, or without their stores
ASK_S = 5.0
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
) -> None:
    """Hand out `task` until nothing is missing any more, or a task says that it is over.

    A task may be run twice, or not be heard of again; then it is handed out anew. Each machine has
    its first while `missing` is asked for the first time, which takes seconds of thousands of
    trials: one too many finds out for itself.

    Args:
        cluster: where to.
        task: run on one machine at a time; says `tried`, `enough`, `cut off` or why the search is
            over.
        missing: how many more results are wanted. Asked after each task that is done, and else
            each five seconds: it looks at the whole study.

    Raises:
        UserError: there is no scheduler or no worker, workers die of each task, or a task says so.
    """
    pending = {cluster.submit(task) for _ in range(cluster.count())}
    over, deaths, rest_until = False, 0, 0.0
    wanted, ask_at = missing(), time.monotonic() + ASK_S
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
        over = over or bool({"over", "used up"} & set(said))
        if "enough" in said:  # others are at it: ask again, but not at once
            rest_until = time.monotonic() + POLL_S
        if over:
            wanted = 0
        elif said or time.monotonic() >= ask_at:
            wanted, ask_at = missing(), time.monotonic() + ASK_S
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
