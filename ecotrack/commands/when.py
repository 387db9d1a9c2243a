"""When to run the next one: its emissions in the greenest window, now, on average, at worst."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ecotrack.amount import Amount, columns, of_columns
from ecotrack.cli import UserError
from ecotrack.commands.greenest import Course, Outlook, outlook
from ecotrack.reading import amount, number

S_PER_H = 3600.0


@dataclass(frozen=True)
class Windows:
    """One row a window, for a program that reads on, and what is to be said of them."""

    rows: list[dict[str, Any]]
    cautions: list[str]


def windows(
    course: Course, duration_s: float, now_s: float, emissions_g: Callable[[float], Amount]
) -> Windows:
    """The windows of a course that matter.

    Args:
        course: of the carbon intensity.
        duration_s: how long the next one takes.
        now_s: Unix time.
        emissions_g: of the next one, at an intensity in g/kWh.

    Raises:
        UserError: no stretch of the course is as long as that.
    """
    found = outlook(course, duration_s, now_s)
    if found is None:
        raise UserError(
            f"--hourly: no stretch of the file is {_hours(duration_s)} long; the longest without a"
            f" gap is {_hours(course.longest_s)}"
        )
    least_g = emissions_g(found.greenest.g_per_kwh).value

    def row(name: str, start_s: float | None, g_per_kwh: float) -> dict[str, Any]:
        grams = emissions_g(g_per_kwh)
        return {
            "window": name,
            "begins": None if start_s is None else _moment(start_s),
            "duration_s": duration_s,
            "g_per_kwh": g_per_kwh,
            **columns("g", grams),
            "greenest_against_it": least_g / grams.value if grams.value else 1.0,
        }

    rows = [
        row("greenest", *found.greenest),
        *([row("now", *found.now)] if found.now else []),
        row("mean", None, found.mean_g_per_kwh),
        row("worst", *found.worst),
    ]
    return Windows(rows, _cautions(course, found))


def readable(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The same as people read it."""
    return [
        {
            "window": row["window"],
            "begins": row["begins"] or "",
            "lasts": _hours(row["duration_s"]),
            "mean intensity": f"{number(row['g_per_kwh'])} g/kWh",
            "emissions": amount(of_columns("g", row), "g"),
            "greenest against it": f"{row['greenest_against_it']:.2f} ×",
        }
        for row in rows
    ]


def _cautions(course: Course, found: Outlook) -> list[str]:
    said = []
    if found.is_over:
        said.append("The file holds no such window from now on: these are over, and foretell none.")
    elif not found.now:
        said.append("What the next one would emit now is not told: the file does not hold it.")
    if course.unknown_s:
        said.append(f"Gaps in the file: {_hours(course.unknown_s)} in all. No window crosses one.")
    return said


def _moment(time_s: float) -> str:
    return datetime.fromtimestamp(round(time_s), UTC).isoformat(sep=" ")


def _hours(time_s: float) -> str:
    return f"{time_s / S_PER_H:.3g} h"
