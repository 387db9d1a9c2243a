"""When to run the next one: its emissions in the greenest window, now, on average, at worst."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from ecotrack.amount import Amount
from ecotrack.cli import UserError
from ecotrack.commands.greenest import Course, Outlook, outlook
from ecotrack.reading import amount, number

S_PER_H = 3600.0


Rows = list[dict[str, str]]


def windows(
    course: Course, duration_s: float, now_s: float, emissions_g: Callable[[float], Amount]
) -> tuple[Rows, list[str]]:
    """A table of the windows of a course, and what is to be said of it.

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

    def row(name: str, start_s: float | None, g_per_kwh: float) -> dict[str, str]:
        grams = emissions_g(g_per_kwh)
        times = least_g / grams.value if grams.value else 1.0
        return {
            "window": name,
            "begins": "" if start_s is None else _moment(start_s),
            "lasts": "" if start_s is None else _hours(duration_s),
            "mean intensity": f"{number(g_per_kwh)} g/kWh",
            "emissions": amount(grams, "g"),
            "greenest against it": f"{times:.2f} ×",
        }

    rows = [
        row("greenest", *found.greenest),
        *([row("now", *found.now)] if found.now else []),
        row("mean", None, found.mean_g_per_kwh),
        row("worst", *found.worst),
    ]
    return rows, _cautions(course, found)


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
    return f"{datetime.fromtimestamp(round(time_s), UTC):%Y-%m-%d %H:%M:%S} UTC"


def _hours(time_s: float) -> str:
    return f"{time_s / S_PER_H:.3g} h"
