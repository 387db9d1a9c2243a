"""A search as its user sees it while it runs: one line."""

from __future__ import annotations

from collections.abc import Sequence

from ecotrack import reading
from ecotrack.measurement import Measurement


def status(
    spent: Measurement,
    accuracies: Sequence[float],
    *,
    left_s: float | None,
    left_g: float | None,
) -> str:
    """One line while the search runs; `accuracies` are those of the front, if asked for."""
    words = [reading.quantity(spent.co2_g, "g")]
    if accuracies:
        words += [f"best {reading.percent(max(accuracies))}", f"front {len(accuracies)}"]
    if left_s is not None:
        words.append(f"{max(0, left_s):.0f} s left")
    if left_g is not None:
        words.append(f"{reading.quantity(max(0, left_g), 'g')} left")
    return " · ".join(words)
