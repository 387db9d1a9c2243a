"""How good a study's front is, how sure, and what its points cost: tables and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from ecotrack import metrics, reading
from ecotrack.fronts import pareto, uncertain
from ecotrack.fronts.uncertain import Interval
from ecotrack.search.objectives import Objectives
from ecotrack.search.trials import Finished, Stopped
from ecotrack.tracking import RunView

Rows = list[dict[str, Any]]
FINEST = 200  # rows of a course
PROXY = 0.98  # rank correlation from which energy orders the trials as time does


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


def course(
    points: Sequence[Sequence[float]], reference: Sequence[float], objectives: Objectives
) -> Rows:
    """One row a trial: how good the front was by then, against the one that is known now.

    Of more than 200 trials, 200 rows: the picture is not finer.
    """
    if not points or not all(reference):
        return []
    ways, rows = objectives.ways, []
    numbers = np.linspace(1, len(points), min(len(points), FINEST)).round().astype(int)
    for number in map(int, numbers):
        known = points[:number]
        rows.append(
            {
                "trials": number,
                "hypervolume": pareto.hypervolume(known, reference, ways),
                "hypervolume_log": pareto.hypervolume(known, reference, ways, log=True),
                "igd_plus_log": pareto.igd_plus(known, points, ways, log=True),
                "epsilon_log": pareto.epsilon(known, points, ways, log=True),
            }
        )
    return rows


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


def sentences(
    several: Sequence[Sequence[Finished]],
    objectives: Objectives,
    reference: Sequence[float],
    runs: Sequence[RunView],
) -> list[str]:
    """What a reader should know of this front before trusting it."""
    results = [[trial.values for trial in each] for each in several]
    if len(results) < 2:
        return []
    return [
        *_volume(results, objectives, reference),
        *_curse(results, objectives),
        *_proxy(runs),
    ]


def _volume(
    results: uncertain.Results, objectives: Objectives, reference: Sequence[float]
) -> list[str]:
    if not all(reference):
        return []
    linear, log = (
        uncertain.hypervolume_interval(results, reference, objectives.ways, log=log)
        for log in (False, True)
    )
    corner = " and ".join(
        f"accuracy {value:g}" if goal == "accuracy" else reading.quantity(value, "g")
        for goal, value in zip(objectives.goals, reference, strict=True)
    )
    spread = "" if _repeated(results) else ", its spread a guess, for nothing was repeated"
    return [
        f"Hypervolume {_interval(linear)}, or {_interval(log)} with costs as powers of ten; counted"
        f" from {corner}{spread}."
    ]


def _curse(results: uncertain.Results, objectives: Objectives) -> list[str]:
    at = objectives.position("accuracy")
    curse = None if at is None else uncertain.winners_curse(results, objectives.ways, at)
    if curse is None:
        return []
    low, high = 100 * curse.lead.low, 100 * curse.lead.high
    within = "" if math.isnan(low) else f" ({low:+.2f} to {high:+.2f})"
    return [
        f"Winner's curse: first results of {curse.members} models on the front beat their repeats"
        f" by {100 * curse.lead.value:+.2f} points{within}."
    ]


def _proxy(runs: Sequence[RunView]) -> list[str]:
    """Whether energy orders the trials otherwise than time does."""
    known = [
        (run.metrics[metrics.TOTAL_WH], run.metrics[metrics.WALL_S])
        for run in runs
        if {metrics.TOTAL_WH, metrics.WALL_S} <= set(run.metrics)
    ]
    if len(known) < 4:
        return []
    rank = float(stats.spearmanr(*zip(*known, strict=True)).statistic)
    verdict = "is little more than" if rank >= PROXY else "is more than"
    return [f"Energy {verdict} a proxy for time here: rank correlation {rank:.3f}."]


def _repeated(results: uncertain.Results) -> bool:
    return any(len(several) > 1 for several in results)


def _interval(known: Interval) -> str:
    return f"{known.value:.4g} ({known.low:.4g}–{known.high:.4g})"


def _told(goal: str, row: Mapping[str, Any]) -> str:
    value, low, high = (row[key] for key in (goal, f"{goal}_low", f"{goal}_high"))
    if goal == "accuracy":
        ends = "" if low is None else f" ({100 * low:.2f}–{100 * high:.2f})"
        return f"{reading.percent(value)}{ends}"
    ends = "" if low is None else f" ({reading.quantity(low, 'g')}–{reading.quantity(high, 'g')})"
    return f"{reading.quantity(value, 'g')}{ends}"
