"""A file of hourly carbon intensities, read and checked: what is wrong with it is one line.

    timestamp,g_per_kwh
    2026-03-28T23:00:00+01:00,312.5

A value holds from its time to the next, but no longer than the file's usual step, which need not be
an hour. Where a row or a value is missing there is a gap. Times carry their zone, so that the night
in which clocks change has all its hours, each once. An export of ElectricityMaps has other names.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from pathlib import Path

import numpy as np

from ecotrack.cli import UserError
from ecotrack.commands.greenest import Course

TIMES: dict[str, tzinfo | None] = {"timestamp": None, "datetime (utc)": UTC}  # zone where none is
VALUES = (  # life cycle, as the averages of countries are
    "g_per_kwh",
    "carbon intensity gco₂eq/kwh (life cycle)",
    "carbon intensity gco₂eq/kwh (lca)",
)
NEEDED = (
    "it needs timestamp (ISO 8601 with zone) and g_per_kwh, or ElectricityMaps' Datetime (UTC) and"
    " Carbon intensity gCO₂eq/kWh (Life cycle)"
)
Reading = tuple[float, float | None]  # Unix time; g/kWh, None where it is missing


def read(path: str) -> Course:
    """The course of carbon intensity in a file.

    Raises:
        UserError: it cannot be read, has other columns, or a row that cannot be right.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            readings = list(_readings(file))
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise UserError(f"--hourly {path}: {error}") from error
    steps = Counter(later - early for (early, _), (later, _) in pairwise(readings))
    if not steps:
        raise UserError(f"--hourly {path}: a course needs two rows; it has {len(readings)}")
    step_s = min(steps, key=lambda step: (-steps[step], step))
    times_s = np.array([time_s for time_s, _ in readings])
    ends_s = np.minimum(times_s + step_s, np.append(times_s[1:], np.inf))
    known = np.array([value is not None for _, value in readings])
    if not known.any():
        raise UserError(f"--hourly {path}: no row has a value")
    values = np.array([value for _, value in readings if value is not None])
    return Course(times_s[known], ends_s[known], values)


def _readings(lines: Iterable[str]) -> Iterator[Reading]:
    """The rows, each later than the one before.

    Raises:
        ValueError: what is wrong, and in which line.
    """
    table = csv.DictReader(lines)
    heads = {head.strip().lower(): head for head in table.fieldnames or ()}
    time = next((name for name in TIMES if name in heads), None)
    value = next((name for name in VALUES if name in heads), None)
    if time is None or value is None:
        raise ValueError(f"{NEEDED}; it has {', '.join(table.fieldnames or ['nothing'])}")
    before: str | None = None
    last_s = -math.inf
    for row in table:
        word, number = ((row[heads[name]] or "").strip() for name in (time, value))
        try:
            time_s = _unix(word, TIMES[time])
            if time_s <= last_s:
                raise ValueError(f"{word} does not come after {before}")
            yield time_s, _intensity(number)
        except ValueError as error:
            raise ValueError(f"line {table.line_num}: {error}") from error
        before, last_s = word, time_s


def _unix(word: str, zone: tzinfo | None) -> float:
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        raise ValueError(f"{word!r} is no ISO 8601 time") from None
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError(f"{word} has no zone, such as Z or +01:00")
        moment = moment.replace(tzinfo=zone)
    return moment.timestamp()


def _intensity(word: str) -> float | None:
    if not word:
        return None
    try:
        value = float(word)
    except ValueError:
        raise ValueError(f"{word!r} is no number of g/kWh") from None
    if not 0 <= value < math.inf:
        raise ValueError(f"{word} g/kWh cannot be")
    return value
