"""Fronts of two objectives. Pure NumPy.

Points are arrays (n, 2) of (cost, gain): cost is better low, gain is better high.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def front(points: ArrayLike) -> NDArray[np.bool_]:
    """Mask (n,) of the points that no other beats: none is as good in both and better in one.

    Equal points stand or fall together; a point with NaN is never on the front.
    """
    cost, gain = _columns(points)
    known = ~(np.isnan(cost) | np.isnan(gain))
    mask = np.zeros(len(cost), dtype=bool)
    order = np.lexsort((-gain, cost))
    order = order[known[order]]
    best_gain, best_cost = np.nan, np.nan
    for i in order:
        if not gain[i] <= best_gain:
            best_gain, best_cost = gain[i], cost[i]
            mask[i] = True
        elif gain[i] == best_gain:
            mask[i] = cost[i] == best_cost
    return mask


def hypervolume(points: ArrayLike, reference: tuple[float, float]) -> float:
    """Area dominated by the points and bounded by `reference` (cost, gain), the worst corner.

    Zitzler, Thiele 1998; in two dimensions a sum of rectangles along the front.
    """
    points = np.asarray(points, dtype=float).reshape(-1, 2)
    reference_cost, reference_gain = reference
    inside = (points[:, 0] < reference_cost) & (points[:, 1] > reference_gain)
    members = np.unique(points[inside & front(points)], axis=0)  # sorted by cost, then gain
    if not len(members):
        return 0.0
    widths = np.diff(members[:, 0], append=reference_cost)
    return float(np.sum(widths * (members[:, 1] - reference_gain)))


def hypervolume_history(points: ArrayLike, reference: tuple[float, float]) -> list[float]:
    """Hypervolume after each point, in the order given."""
    points = np.asarray(points, dtype=float).reshape(-1, 2)
    return [hypervolume(points[: n + 1], reference) for n in range(len(points))]


def knee(points: ArrayLike) -> int:
    """Index of the point farthest above the chord between the ends of the front.

    Both axes are scaled to [0, 1] first (Das 1999), so the answer depends on the scale that the
    caller chose for cost: log cost asks for a fair return on each doubling. Of a straight front
    it is the cheapest point. Infinite points only count where there are no others.

    Raises:
        ValueError: there is no point without NaN.
    """
    points = np.asarray(points, dtype=float).reshape(-1, 2)
    members = np.flatnonzero(front(points))
    if not len(members):
        raise ValueError("an empty front has no knee")
    finite = members[np.isfinite(points[members]).all(axis=1)]
    if not len(finite):
        return int(members[0])
    members = finite[np.argsort(points[finite, 0], kind="stable")]
    low, high = points[members].min(axis=0), points[members].max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    cost, gain = ((points[members] - low) / span).T
    return int(members[np.argmax(gain - cost)])


def _columns(points: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    cost, gain = np.asarray(points, dtype=float).reshape(-1, 2).T
    return cost, gain
