"""How sure a study's front is, what its points cost, and what was given up: tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ecotrack import reading
from ecotrack.fronts import pareto, uncertain
from ecotrack.search.objectives import Objectives
from ecotrack.search.trials import Finished, Stopped

Rows = list[dict[str, Any]]


def certainty(
    several: Sequence[Sequence[Finished]], objectives: Objectives, names: Mapping[str, str]
) -> Rows:
    """One row a candidate that may be on the front: means with intervals, and how likely it is.

    Args:
        several: each finished trial with its repeats.
        objectives: of the study.
        names: run id -> the name of the trial.
    """
    results = [[trial.values for trial in each] for each in several]
    if not results:
        return []
    chances = uncertain.on_front(results, objectives.ways)
    means = uncertain.means(results, objectives.ways)
    rows = []
    for each, chance, intervals in zip(several, chances, means, strict=True):
        if chance < uncertain.NEAR:
            continue
        row: dict[str, Any] = {"model": names.get(each[0].run_id, ""), "results": len(each)}
        for goal, interval in zip(objectives.goals, intervals, strict=True):
            low, high = (None if math.isnan(end) else end for end in interval[1:])
            row |= {goal: interval.value, f"{goal}_low": low, f"{goal}_high": high}
        rows.append({**row, "on_front": float(chance)})
    return sorted(rows, key=lambda row: row[objectives.costs[0]])


def told_certainty(rows: Rows, objectives: Objectives) -> list[dict[str, str]]:
    """The same as people read it."""
    return [
        {
            "model": row["model"],
            "results": str(row["results"]),
            **{goal: _told(goal, row) for goal in objectives.goals},
            "on the front": f"{100 * row['on_front']:.0f} %",
        }
        for row in rows
    ]


def prices(points: Sequence[Sequence[float]], objectives: Objectives, names: Sequence[str]) -> Rows:
    """One row a step along the front: grams of each percentage point; only of two objectives."""
    if sorted(objectives.ways) != ["max", "min"] or not points:
        return []
    return [
        {"from": names[step.cheaper], "to": names[step.dearer], "g_per_point": step.per_point}
        for step in pareto.marginal_prices(points, objectives.ways)
    ]


def told_prices(rows: Rows) -> list[dict[str, str]]:
    """The same as people read it."""
    return [
        {
            "from": row["from"],
            "to": row["to"],
            "a point of accuracy": reading.quantity(row["g_per_point"], "g"),
        }
        for row in rows
    ]


def stopped(trials: Sequence[Stopped], names: Mapping[str, str]) -> Rows:
    """One row a trial that was given up: when, why, and what it had cost."""
    return [
        {
            "model": names.get(trial.run_id, str(trial.number)),
            "after_epoch": len(trial.curve),
            "of_epochs": trial.params["epochs"],
            "spent_g": trial.spent_g,
            "reason": trial.reason,
        }
        for trial in trials
    ]


def told_stopped(rows: Rows) -> list[dict[str, str]]:
    """The same as people read it."""
    return [
        {
            "model": row["model"],
            "after epoch": f"{row['after_epoch']} of {row['of_epochs']}",
            "had cost": reading.quantity(row["spent_g"] or 0.0, "g"),
            "because": row["reason"],
        }
        for row in rows
    ]


def _told(goal: str, row: Mapping[str, Any]) -> str:
    value, low, high = (row[key] for key in (goal, f"{goal}_low", f"{goal}_high"))
    if goal == "accuracy":
        ends = "" if low is None else f" ({100 * low:.2f}–{100 * high:.2f})"
        return f"{reading.percent(value)}{ends}"
    ends = "" if low is None else f" ({reading.quantity(low, 'g')}–{reading.quantity(high, 'g')})"
    return f"{reading.quantity(value, 'g')}{ends}"
