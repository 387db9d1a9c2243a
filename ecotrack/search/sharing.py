"""One process's share of a study: measured, and kept as it goes, whoever else is at it."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

from ecotrack import host, reading
from ecotrack.launch import Session, metering
from ecotrack.measure import Window, measure
from ecotrack.measurement import Measurement
from ecotrack.metered import Metered, grid_tags, meter_for
from ecotrack.meters.turn import turn
from ecotrack.search.mirror import Mirror
from ecotrack.search.objectives import Objectives
from ecotrack.search.storage import is_away
from ecotrack.search.study import Study
from ecotrack.tracking import Record, Store

J = TypeVar("J")
CUT_OFF, AGAIN_S = "cut off", 5.0
UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH}
_spent: dict[str, Measurement] = {}  # by run: what a store that was away could not be told


@dataclass(frozen=True)
class Share:
    """A process at work on a study.

    Attributes:
        started: its meter and its store.
        study: what is known.
        mirror: the same in MLflow.
        before: what earlier shares of this process have cost.
        window: this one.
    """

    started: Session
    study: Study
    mirror: Mirror
    before: Measurement
    window: Window

    def spent(self) -> Measurement:
        """What the study has cost in all, other processes as they last told."""
        return self.study.cost_with(self.so_far())

    def so_far(self) -> Measurement:
        """What this process has cost."""
        return self.before + self.window.so_far()

    def keep(self) -> None:
        """Keep that, in the study and in its run."""
        self.mirror.keep_cost(self.so_far())


@contextmanager
def share(
    started: Session, study: Study, objectives: Objectives, parent: Record
) -> Iterator[Share]:
    """Work on a study whose run is `parent`; however the block ends, its cost is kept."""
    mirror = Mirror(started.store, study, objectives, parent, grid_tags(started.meter))
    known = study.own_cost, _spent.get(parent.run_id, Measurement())
    before = max(known, key=lambda cost: cost.wall_s)
    started.ledger.open(parent.run_id, shared=True, before=before)
    with measure(started.ledger) as window:
        own = Share(started, study, mirror, before, window)
        try:
            yield own
        finally:
            _spent[parent.run_id] = own.so_far()
            own.keep()
            started.ledger.close(parent.run_id)


@contextmanager
def measuring(entry: str, config: Metered, store: Store) -> Iterator[Session]:
    """In a process that takes part: wait for the machine's turn, and start the meter."""
    with (
        turn(entry, wait=not config.no_wait),
        metering(entry, config, store, meter_for(config)) as started,
    ):
        yield started


def agree(started: Session, study: Study, *, mixed: bool = False) -> None:
    """Hold a study to one kind of machine, or each kind to one way of knowing its energy.

    What was measured otherwise ranks no model of the same front.

    Args:
        started: with a meter.
        study: what is held.
        mixed: several kinds may take part.

    Raises:
        UserError: the study was begun otherwise.
    """
    hardware, known = host.hardware(), reading.known(started.ledger.read())
    if mixed:
        study.agree_on({f"energy of {hardware}": known})
    else:
        study.agree_on({"hardware": hardware, "energy": known})


def reaching(task: Callable[[J], str]) -> Callable[[J], str]:
    """A worker's task, which says `cut off` where the stores have not answered for long.

    Of many workers one may be; an error of a task ends the search of all.
    """

    @wraps(task)
    def told(job: J) -> str:
        try:
            return task(job)
        except Exception as error:
            if not is_cut_off(error):
                raise
            print(f"the stores do not answer: {error}", file=sys.stderr, flush=True)
        time.sleep(AGAIN_S)
        return CUT_OFF

    return told


def is_cut_off(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, is that a store could not be reached."""
    if error is None:
        return False
    unreachable = isinstance(error, OSError) and error.errno in UNREACHABLE
    return (
        unreachable
        or isinstance(error, ConnectionError | TimeoutError)
        or is_away(error)
        or is_cut_off(error.__cause__ or error.__context__)
    )
