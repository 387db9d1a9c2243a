"""How sure a front is where every result is one throw of the dice. NumPy and SciPy alone.

Accuracies err by points and costs by factors: so gains are averaged as they are, costs by their
logarithms, and there all candidates are taken to scatter alike. That spread is pooled over all that
was repeated: two results of one candidate say little of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import stdev
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecotrack.fronts.pareto import Direction, front, hypervolume
from ecotrack.stats import student

Array = NDArray[np.float64]
# Candidate -> its results, the first one first -> one value an objective.
Results = Sequence[Sequence[Sequence[float]]]

REPLICATES = 1000
NEAR = 0.05  # probability of being on the front below which nobody asks again
BEYOND_CHANCE = 3.0  # standard deviations by which both must err: 1 in 500 for one column
LEAST_COST = 1e-12  # so that what cost nothing has a logarithm
# What another seed is taken to change where nothing was repeated: points of accuracy, e-folds.
FIRST_GUESS: dict[Direction, float] = {"max": 0.005, "min": 0.1}


class Interval(NamedTuple):
    """A figure and its interval; NaN at the ends where nothing was repeated."""

    value: float
    low: float
    high: float


class Curse(NamedTuple):
    """By how much first results of a front's members beat the means of their repeats.

    Attributes:
        lead: of a gain the difference, of a cost the logarithm of the ratio; better is positive.
        members: how many of them were repeated.
    """

    lead: Interval
    members: int


def means(
    results: Results, directions: Sequence[Direction], confidence: float = 0.95
) -> list[list[Interval]]:
    """Mean of each candidate in each objective, geometric for costs, with Student's interval."""
    middle, counts = _middle(results, directions)
    spread, freedom = _spread(results, directions)
    reach = student((1 + confidence) / 2, freedom) if freedom else np.nan
    half = reach * spread / np.sqrt(counts)[:, None]
    ends = [_back(part, directions) for part in (middle, middle - half, middle + half)]
    return [
        [Interval(*map(float, of)) for of in zip(*row, strict=True)]
        for row in zip(*ends, strict=True)
    ]


def on_front(results: Results, directions: Sequence[Direction], seed: int = 0) -> Array:
    """Probability (n,) that each candidate's true mean is on the front, by parametric bootstrap.

    Where nothing was repeated, `FIRST_GUESS` stands for the spread.
    """
    drawn, among = _drawn(results, directions, np.random.default_rng(seed))
    chances = np.zeros(len(among))
    chances[among] = np.mean([front(each, directions) for each in drawn], axis=0)
    return chances


def hypervolume_interval(
    results: Results,
    reference: Sequence[float],
    directions: Sequence[Direction],
    *,
    log: bool = False,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Hypervolume of the means, with a basic bootstrap interval.

    Basic, because replicates lie too high: what was lucky in one of them joins the front. So the
    interval is mirrored about the figure (Davison, Hinkley 1997, section 5.2).
    """
    middle, _ = _middle(results, directions)
    value = hypervolume(_back(middle, directions), reference, directions, log=log)
    drawn, _ = _drawn(results, directions, np.random.default_rng(seed))
    volumes = [hypervolume(each, reference, directions, log=log) for each in drawn]
    tail = (1 - confidence) / 2
    low, high = np.quantile(volumes, [tail, 1 - tail])
    return Interval(value, max(0.0, 2 * value - float(high)), 2 * value - float(low))


def winners_curse(
    results: Results, directions: Sequence[Direction], column: int, confidence: float = 0.95
) -> Curse | None:
    """First results against the means of the repeats, on the front that first results make.

    None where none of its members was repeated. Of one, there is no interval.
    """
    mask = front([several[0] for several in results], directions)
    sign = 1 if directions[column] == "max" else -1
    leads = []
    for several, on in zip(results, mask, strict=True):
        if on and len(several) > 1:
            first, *again = _working(several, directions)[:, column]
            leads.append(sign * (first - np.mean(again)))
    if not leads:
        return None
    half = np.nan
    if len(leads) > 1:
        half = student((1 + confidence) / 2, len(leads) - 1) * stdev(leads) / len(leads) ** 0.5
    middle = float(np.mean(leads))
    return Curse(Interval(middle, float(middle - half), float(middle + half)), len(leads))


def next_to_repeat(
    results: Results,
    spends: Sequence[float],
    directions: Sequence[Direction],
    *,
    most: int,
    budget: float = np.inf,
) -> int | None:
    """Which candidate of the front and its near misses to try again.

    The one whose mean gains most certainty for its cost: variance that one more result takes from
    a mean of n, 1/n - 1/(n+1), times the probability of being on the front, over the cost.

    Args:
        results: of all candidates.
        spends: what trying each of them takes.
        directions: of the objectives.
        most: results of one candidate, the first included.
        budget: what may still be spent.

    Returns:
        Its index; None where all that matter have `most` results or cost more than the budget.
    """
    if not results:
        return None
    counts = np.array([len(several) for several in results])
    cost = np.maximum(spends, LEAST_COST)
    chance = on_front(results, directions)
    open_ = (counts < most) & (np.asarray(spends) <= budget) & (chance >= NEAR)
    worth = np.where(open_, chance * (1 / counts - 1 / (counts + 1)) / cost, 0.0)
    return int(np.argmax(worth)) if worth.any() else None


def _working(several: Sequence[Sequence[float]], directions: Sequence[Direction]) -> Array:
    values = np.asarray(several, dtype=float).reshape(-1, len(directions)).copy()
    costs = [column for column, way in enumerate(directions) if way == "min"]
    values[:, costs] = np.log(np.maximum(values[:, costs], LEAST_COST))
    return values


def _back(values: Array, directions: Sequence[Direction]) -> Array:
    costs = [column for column, way in enumerate(directions) if way == "min"]
    back = values.copy()
    back[..., costs] = np.exp(back[..., costs])
    return back


def _middle(results: Results, directions: Sequence[Direction]) -> tuple[Array, Array]:
    """Means (n, m) where they are taken, and how many results (n,) each is of."""
    rows = [_working(several, directions).mean(axis=0) for several in results]
    middle = np.array(rows).reshape(-1, len(directions))
    return middle, np.array([len(several) for several in results], dtype=float)


def _spread(results: Results, directions: Sequence[Direction]) -> tuple[Array, int]:
    """Standard deviation (m,) of one result, and its degrees of freedom; 0: it is a guess."""
    freedom = sum(len(several) - 1 for several in results)
    if not freedom:
        return np.array([FIRST_GUESS[way] for way in directions]), 0
    squares = np.zeros(len(directions))
    for several in results:
        values = _working(several, directions)
        squares += ((values - values.mean(axis=0)) ** 2).sum(axis=0)
    return np.sqrt(squares / freedom), freedom


def _drawn(
    results: Results, directions: Sequence[Direction], rng: np.random.Generator
) -> tuple[Array, NDArray[np.bool_]]:
    """Means as they might be, the spread itself being uncertain, too.

    Returns:
        (replicates, k, m), of the k candidates that are not beaten beyond all chance; and who they
        are, (n,).
    """
    middle, counts = _middle(results, directions)
    spread, freedom = _spread(results, directions)
    scale = np.ones((REPLICATES, 1, 1))
    if freedom:
        scale = np.sqrt(freedom / rng.chisquare(freedom, (REPLICATES, 1, 1)))
    own = spread / np.sqrt(counts)[:, None]
    among = _contenders(middle, BEYOND_CHANCE * scale.max() * own, directions)
    normal = rng.standard_normal((REPLICATES, *middle[among].shape))
    return _back(middle[among] + normal * scale * own[among], directions), among


def _contenders(middle: Array, margin: Array, directions: Sequence[Direction]) -> NDArray[np.bool_]:
    """(n,) who may be on the front if each may be better or worse by its margin."""
    signs = np.array([1.0 if way == "min" else -1.0 for way in directions])
    best, worst = middle * signs - margin, middle * signs + margin
    among = np.ones(len(middle), dtype=bool)
    for bar in worst[front(worst, ["min"] * len(directions))]:
        among &= ~(bar < best).all(axis=1)
    return among
