"""Fronts of two or three objectives: who is on one, how good it is, what it asks. Pure NumPy.

Points are arrays (n, m) with a direction for each column, "min" or "max". Without directions the
last column is a gain, better high, and the others are costs, better low.

A point with NaN is no point: it is never on a front and adds nothing. Infinities are compared like
other numbers; where one is measured, each function says what becomes of it. With `log` every "min"
column is measured by its logarithm to base 10: a cost of 0 is then endlessly good, and one below 0
is NaN.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Direction = Literal["min", "max"]
Directions = Sequence[Direction]
Array = NDArray[np.float64]
COST_AND_GAIN: Directions = ("min", "max")


class Price(NamedTuple):
    """What a step along the front asks: from one point, by its index, to the next dearer one.

    Attributes:
        per_point: cost of each percentage point, 0.01 of the gain.
    """

    cheaper: int
    dearer: int
    per_point: float


def front(points: ArrayLike, directions: Directions | None = None) -> NDArray[np.bool_]:
    """Mask (n,) of the points that no other beats: none is as good in all and better in one.

    Equal points stand or fall together.
    """
    return _front(_losses(points, directions))


def hypervolume(
    points: ArrayLike,
    reference: Sequence[float],
    directions: Directions | None = None,
    *,
    log: bool = False,
) -> float:
    """Area or volume that the points dominate, bounded by `reference`, the worst corner.

    Zitzler, Thiele 1998, exactly. It is infinite once a point is endlessly good in one column and
    better than the reference in the others.
    """
    losses = _losses(points, directions, log=log)
    (corner,) = _losses([reference], directions, log=log)
    inside = losses[(losses < corner).all(axis=1)]
    if not len(inside):
        return 0.0
    inside = inside[_front(inside)]  # what is beaten adds nothing, and takes time
    rows = _deep(inside[_by_columns(inside)], 0.0)
    last, *corner_of_slice = _deep(corner[None], 1.0)[0]
    steps = _Steps(*corner_of_slice)
    area = volume = 0.0
    for (depth, *point), next_depth in zip(
        rows, [*(row[0] for row in rows[1:]), last], strict=True
    ):
        area += steps.take(*point)
        if area and next_depth > depth:
            volume += area * (next_depth - depth)
    return float(volume)


def igd_plus(
    points: ArrayLike,
    best_known: ArrayLike,
    directions: Directions | None = None,
    *,
    log: bool = False,
) -> float:
    """Mean distance of the best-known front from the points, counting only what they lack.

    IGD+ (Ishibuchi and others 2015, 10.1007/978-3-319-15892-1_8), each column in units of the
    best-known front's extent. 0: nothing is lacking; infinite without a point. Infinite members of
    the best-known front do not count.

    Raises:
        ValueError: nothing finite is on the best-known front.
    """
    own, best = _scaled(points, best_known, directions, log=log)
    lacking = (np.linalg.norm(np.maximum(own - member, 0), axis=1) for member in best)
    return float(np.mean([distances.min(initial=np.inf) for distances in lacking]))


def epsilon(
    points: ArrayLike,
    best_known: ArrayLike,
    directions: Directions | None = None,
    *,
    log: bool = False,
) -> float:
    """How much better each point must become in each column to leave no best-known one unreached.

    Additive epsilon (Zitzler and others 2003, 10.1109/TEVC.2003.810758), in the units and with the
    exceptions of `igd_plus`. Below 0 the points are better throughout.
    """
    own, best = _scaled(points, best_known, directions, log=log)
    return float(max((own - member).max(axis=1).min(initial=np.inf) for member in best))


def knee(points: ArrayLike, directions: Directions | None = None, *, log: bool = False) -> int:
    """Index of the member of the front that is nearest to having all at once.

    All columns are scaled to [0, 1] along the front, and the way to the ideal corner is added up
    (Chiu and others 2016, 10.1109/TEVC.2016.2564158). Of two objectives that is the point farthest
    above the chord between the front's ends (Das 1999). So the answer depends on the scale of cost:
    with `log` each doubling shall have a fair return. Of a straight front it is the cheapest point.
    Infinite points only count where there are no others.

    Raises:
        ValueError: there is no point without NaN.
    """
    losses = _losses(points, directions, log=log)
    members = np.flatnonzero(_front(losses))
    if not len(members):
        raise ValueError("an empty front has no knee")
    finite = members[np.isfinite(losses[members]).all(axis=1)]
    if not len(finite):
        return int(members[0])
    finite = finite[_by_columns(losses[finite])]
    low, extent = _extent(losses[finite])
    ways = ((losses[finite] - low) / extent).sum(axis=1)
    return int(finite[np.argmin(np.round(ways, 12))])  # a straight front is so up to rounding


def marginal_prices(points: ArrayLike, directions: Directions = COST_AND_GAIN) -> list[Price]:
    """What a percentage point of gain costs, from each member of the front to the next dearer one.

    Of equal points the first one stands for all; infinite points are left out.

    Raises:
        ValueError: the objectives are not one cost and one gain.
    """
    if sorted(directions) != ["max", "min"]:
        raise ValueError("a price needs one cost and one gain")
    losses = _losses(points, directions)
    members = np.flatnonzero(_front(losses) & np.isfinite(losses).all(axis=1))
    distinct, first = np.unique(losses[members], axis=0, return_index=True)
    steps = zip(members[first].tolist(), distinct.tolist(), strict=True)
    return [
        Price(cheaper, dearer, (costs[0] - saved[0]) / (100 * (saved[1] - costs[1])))
        for (cheaper, saved), (dearer, costs) in pairwise(steps)
    ]


class _Steps:
    """The stairs of a front in a plane, both axes better low, and the corner that bounds them."""

    def __init__(self, right: float, top: float) -> None:
        self._x, self._y = [-np.inf, right], [top, -np.inf]

    def take(self, x: float, y: float) -> float:
        """Take in a point within the corner; returns the area that it adds, 0 if it is beaten."""
        at = bisect_right(self._x, x) - 1
        if self._y[at] <= y:
            return 0.0
        end, area, left, top = at + 1, 0.0, x, self._y[at]
        while self._y[end] > y:
            area += (self._x[end] - left) * (top - y)
            left, top = self._x[end], self._y[end]
            end += 1
        area += (self._x[end] - left) * (top - y)
        start = at if self._x[at] == x else at + 1
        self._x[start:end], self._y[start:end] = [x], [y]
        return area


def _losses(points: ArrayLike, directions: Directions | None, *, log: bool = False) -> Array:
    """The points with every column better low, costs before gains."""
    points = np.asarray(points, dtype=float)
    if not points.size:
        return np.empty((0, 1))  # goes with any number of columns
    columns = points.shape[-1]
    if directions is None:
        directions = ("min",) * (columns - 1) + ("max",)
    known = len(directions) == columns and {*directions} <= {"min", "max"}
    if points.ndim != 2 or columns not in (2, 3) or not known:
        raise ValueError('points need two or three columns, and "min" or "max" for each')
    costs = points[:, [direction == "min" for direction in directions]]
    gains = points[:, [direction == "max" for direction in directions]]
    if log:
        with np.errstate(divide="ignore", invalid="ignore"):
            costs = np.log10(costs)
    return np.hstack([costs, -gains])


def _front(losses: Array) -> NDArray[np.bool_]:
    """By ranks, which infinities have too: a member is what adds to the stairs before it."""
    mask = np.zeros(len(losses), dtype=bool)
    known = np.flatnonzero(~np.isnan(losses).any(axis=1))
    if len(known) and losses.shape[1] == 2:  # the same without a loop: thousands are no trouble
        order = known[_by_columns(losses[known])]
        rows = losses[order]
        lower = np.append(True, rows[1:, 1] < np.minimum.accumulate(rows[:, 1])[:-1])
        new = np.append(True, (rows[1:] != rows[:-1]).any(axis=1))
        mask[order] = lower[np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0))]
        return mask
    ranks = np.column_stack(
        [np.unique(column, return_inverse=True)[1] for column in losses[known].T]
    )
    order = _by_columns(ranks)
    steps = _Steps(len(known), len(known))
    before, stands = None, False
    for i, row in zip(known[order], _deep(ranks[order], 0), strict=True):
        if row != before:
            before, stands = row, steps.take(*row[1:]) > 0
        mask[i] = stands
    return mask


def _deep(rows: NDArray[Any], depth: float) -> list[list[float]]:
    """The rows with three columns each: what is flat gets a depth."""
    flat = rows.shape[1] == 2
    return np.insert(rows, 0, depth, axis=1).tolist() if flat else rows.tolist()


def _by_columns(rows: NDArray[Any]) -> NDArray[np.intp]:
    """The order of the rows by their first column, ties by the next."""
    return np.lexsort(rows.T[::-1])


def _extent(losses: Array) -> tuple[Array, Array]:
    """Least value and extent of each column; an extent of 1 where there is none."""
    low, high = losses.min(axis=0), losses.max(axis=0)
    return low, np.where(high > low, high - low, 1.0)


def _scaled(
    points: ArrayLike, best_known: ArrayLike, directions: Directions | None, *, log: bool
) -> tuple[Array, Array]:
    """Losses of both fronts, in units of the best-known one's extent."""
    own, best = (_losses(each, directions, log=log) for each in (points, best_known))
    best = best[_front(best) & np.isfinite(best).all(axis=1)]
    if not len(best):
        raise ValueError("nothing finite is on the best-known front")
    low, extent = _extent(best)
    return (own[_front(own)] - low) / extent, (best - low) / extent
