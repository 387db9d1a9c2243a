"""One process's share of a study: measured, and kept as it goes, whoever else is at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ecotrack import host, reading
from ecotrack.launch import Metered, Session, grid_tags, meter_for, metering
from ecotrack.measure import Window, measure
from ecotrack.measurement import Measurement
from ecotrack.meters.turn import turn
from ecotrack.search.mirror import Mirror
from ecotrack.search.objectives import Objectives
from ecotrack.search.study import Study
from ecotrack.tracking import Record, Store


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
    before = study.own_cost
    started.ledger.open(parent.run_id, shared=True, before=before)
    with measure(started.ledger) as window:
        own = Share(started, study, mirror, before, window)
        try:
            yield own
        finally:
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
