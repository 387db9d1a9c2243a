"""Measuring in any script: with a meter of the process's own, where none is given.

import ecotrack

with ecotrack.measure() as window:
    work()
print(window.cost.total_wh)
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from ecotrack.measure import Meter, Window
from ecotrack.measure import measure as measure_with
from ecotrack.measurement import Measurement

if TYPE_CHECKING:
    from ecotrack.repeating import Plan, Series


@contextmanager
def measure(meter: Meter | None = None) -> Iterator[Window]:
    """Measure a block; windows may nest. A block that raises is measured too.

    Args:
        meter: whatever has a `read()`; None: CodeCarbon, started when it is first needed, which
            takes some seconds before the block and none of it.
    """
    with measure_with(meter or own_meter()) as window:
        yield window


def repeat(
    work: Callable[[], object], meter: Meter | None = None, plan: Plan | None = None
) -> Series:
    """Measure a call until its time is known well enough; see `ecotrack.repeating`.

    >>> ecotrack.repeat(work).energy_j  # median of a call, with its 95 % interval
    """
    from ecotrack.repeating import LOOK
    from ecotrack.repeating import repeat as repeat_with

    return repeat_with(work, meter or own_meter(), plan or LOOK)


def log(cost: Measurement) -> None:
    """Write a measurement to the MLflow run that is active in this script.

    Raises:
        RuntimeError: none is.
    """
    from ecotrack.tracking.record import log_to_active_run

    log_to_active_run(cost)


@cache
def own_meter() -> Meter:
    """The process's own meter: the country is $ECOTRACK_COUNTRY's, rated power the machine file's.

    Raises:
        UserError: the country or the file is none.
    """
    from ecotrack.launch import Metered, meter_for

    meter = meter_for(Metered())
    atexit.register(meter.__exit__)
    return meter.__enter__()
