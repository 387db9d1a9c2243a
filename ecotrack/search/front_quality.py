"""How good a study's front is: hypervolume, its knees, luck, and whether energy is only time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import scipy

from ecotrack import metrics, reading
from ecotrack.fronts import pareto, uncertain
from ecotrack.search.objectives import Objectives
from ecotrack.search.trials import Finished
from ecotrack.tracking import RunView

Rows = list[dict[str, Any]]
SCALES = {False: "grams", True: "log10 of grams"}  # of the costs, wherever it matters
HYPERVOLUME, KNEE, RANKS = "hypervolume", "knee", "rank correlation of energy and time"
PROXY = 0.98  # rank correlation from which energy orders the trials as time does
FINEST = 200  # rows of a course
FEWEST = 4  # trials whose ranks can tell something


def quality(
    several: Sequence[Sequence[Finished]],
    objectives: Objectives,
    reference: Sequence[float],
    names: Sequence[str],
    runs: Sequence[RunView],
) -> Rows:
    """Figures of the front, each by the scale of its costs; `value` is a model's name for a knee.

    Args:
        several: each finished trial with its repeats.
        objectives: of the study.
        reference: the worst corner of the hypervolume; zeros while it is not known.
        names: of the finished trials, in the same order.
        runs: theirs, or of many some: their energies and times are ranked.
    """
    results = [[trial.values for trial in each] for each in several]
    if not results:
        return []
    means = [[mean.value for mean in row] for row in uncertain.means(results, objectives.ways)]
    rows: Rows = []
    for log, scale in SCALES.items():
        if all(reference):
            found = uncertain.hypervolume_interval(results, reference, objectives.ways, log=log)
            rows.append({"figure": HYPERVOLUME, "costs": scale, **found._asdict()})
    for log, scale in SCALES.items():
        name = names[pareto.knee(means, objectives.ways, log=log)]
        rows.append({"figure": KNEE, "costs": scale, "value": name, "low": None, "high": None})
    rank = _rank_correlation(runs)
    if rank is not None:
        rows.append({"figure": RANKS, "costs": "", "value": rank, "low": None, "high": None})
    return rows


def told_quality(rows: Rows) -> list[dict[str, str]]:
    """The same as people read it."""
    return [
        {
            "figure": row["figure"],
            "costs": row["costs"],
            "value": row["value"] if isinstance(row["value"], str) else f"{row['value']:.4g}",
            "95 %": "" if row["low"] is None else f"{row['low']:.4g}–{row['high']:.4g}",
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
    best = _front(points, objectives)
    known: Sequence[Sequence[float]] = []
    for before, number in pairwise([0, *map(int, numbers)]):
        known = _front([*known, *points[before:number]], objectives)
        rows.append(
            {
                "trials": number,
                "hypervolume": pareto.hypervolume(known, reference, ways),
                "hypervolume_log": pareto.hypervolume(known, reference, ways, log=True),
                "igd_plus_log": pareto.igd_plus(known, best, ways, log=True),
                "epsilon_log": pareto.epsilon(known, best, ways, log=True),
            }
        )
    return rows


def _front(points: Sequence[Sequence[float]], objectives: Objectives) -> Sequence[Sequence[float]]:
    """Those of the points that are on their front: the others tell nothing of it."""
    return [p for p, on in zip(points, pareto.front(points, objectives.ways), strict=True) if on]


def sentences(
    rows: Rows,
    several: Sequence[Sequence[Finished]],
    objectives: Objectives,
    reference: Sequence[float],
) -> list[str]:
    """What a reader should know of this front before trusting it; `rows` are those of `quality`."""
    if len(several) < 2:
        return []
    known = {row["figure"]: row["value"] for row in rows}
    return [
        *(_corner(several, objectives, reference) if HYPERVOLUME in known else []),
        *_curse([[trial.values for trial in each] for each in several], objectives),
        *(_proxy(known[RANKS]) if RANKS in known else []),
    ]


def _corner(
    several: Sequence[Sequence[Finished]], objectives: Objectives, reference: Sequence[float]
) -> list[str]:
    corner = " and ".join(
        f"accuracy {value:g}" if goal == "accuracy" else reading.quantity(value, "g")
        for goal, value in zip(objectives.goals, reference, strict=True)
    )
    repeated = any(len(each) > 1 for each in several)
    spread = "" if repeated else "; its spread is a guess, for nothing was repeated"
    return [f"Hypervolume is counted from {corner}{spread}."]


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


def _proxy(rank: float) -> list[str]:
    """Whether energy orders the trials otherwise than time does."""
    verdict = "is little more than" if rank >= PROXY else "is more than"
    return [f"Energy {verdict} a proxy for time here: rank correlation {rank:.3f}."]


def _rank_correlation(runs: Sequence[RunView]) -> float | None:
    """Spearman's, of the energies and the times of trainings; None of a few, or of equal ones."""
    known = [
        (run.metrics[metrics.TOTAL_WH], run.metrics[metrics.WALL_S])
        for run in runs
        if {metrics.TOTAL_WH, metrics.WALL_S} <= set(run.metrics)
    ]
    if len(known) < FEWEST or min(len(set(column)) for column in zip(*known, strict=True)) < 2:
        return None
    return float(scipy.stats.spearmanr(*zip(*known, strict=True)).statistic)
