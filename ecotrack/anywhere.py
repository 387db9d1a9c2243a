"""Measuring in any script: with a meter of the process's own, where none is given.

import ecotrack

with ecotrack.measure() as window:
    work()
print(window.cost.total_wh)
"""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ecotrack.measure import Meter, Window
from ecotrack.measure import measure as measure_with
from ecotrack.measurement import Measurement

if TYPE_CHECKING:
    from ecotrack.meters.ledger import Ledger
    from ecotrack.repeating import Plan
    from ecotrack.series import Series

_turn = ExitStack()
_blocks, _counting = 0, threading.Lock()  # of all threads


@contextmanager
def measure(meter: Meter | None = None) -> Iterator[Window]:
    """Measure a block; windows may nest. A block that raises is measured too.

    Args:
        meter: whatever has a `read()`; None: CodeCarbon, started when it is first needed, which
            takes some seconds before the block and none of it. Then the block waits for the
            machine's turn, too.
    """
    if meter is not None:
        with measure_with(meter) as window:
            yield window
        return
    meter = own_meter()
    with own_turn(), measure_with(meter) as window:
        yield window


def repeat(
    work: Callable[[], object], meter: Meter | None = None, plan: Plan | None = None
) -> Series:
    """Measure a call until its time is known well enough; see `ecotrack.repeating`.

    >>> ecotrack.repeat(work).energy_j  # median of a call, with its 95 % interval
    """
    from ecotrack.repeating import LOOK
    from ecotrack.repeating import repeat as repeat_with

    if meter is not None:
        return repeat_with(work, meter, plan or LOOK)
    meter = own_meter()
    with own_turn():
        return repeat_with(work, meter, plan or LOOK)


def log(cost: Measurement) -> None:
    """Write a measurement to the MLflow run that is active in this script.

    Raises:
        RuntimeError: none is.
    """
    from ecotrack.tracking.record import log_to_active_run

    log_to_active_run(cost)


def own_meter() -> Meter:
    """The process's own meter: the country is $ECOTRACK_COUNTRY's, rated power the machine file's.

    Within a run of MLflow its readings are written down for that run, so that they outlive us.

    Raises:
        UserError: the country or the file is none.
    """
    if "mlflow" in sys.modules:
        from ecotrack.tracking.record import active_run

        if (run_id := active_run()) is not None:
            return _kept_for(run_id)
    return _started()


@cache
def _kept_for(run_id: str) -> Meter:
    ledger = _ledger()
    ledger.open(run_id)
    atexit.register(ledger.close, run_id)
    return ledger


@cache
def _ledger() -> Ledger:
    from ecotrack.meters.ledger import Ledger
    from ecotrack.tracking.record import ledgers

    ledger = Ledger(_started(), ledgers())
    atexit.register(ledger.__exit__)
    return ledger.__enter__()


@cache
def _started() -> Meter:
    from ecotrack.metered import Metered, meter_for

    meter = meter_for(Metered())
    atexit.register(meter.__exit__)
    return meter.__enter__()


@contextmanager
def own_turn() -> Iterator[None]:
    """The machine's turn, held while any block of this process is measured, on any thread."""
    global _blocks
    from ecotrack.meters.turn import turn

    with _counting:
        if not _blocks:
            _turn.enter_context(turn(Path(sys.argv[0]).name or "python"))
        _blocks += 1
    try:
        yield
    finally:
        with _counting:
            _blocks -= 1
            if not _blocks:
                _turn.close()
