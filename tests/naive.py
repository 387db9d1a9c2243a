"""Slow obvious oracles: what the fast code must agree with."""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise, product

from scipy.stats import t

Point = tuple[float, ...]
COST_AND_GAIN = ("min", "max")


def losses(point: Point, directions: Sequence[str] = COST_AND_GAIN) -> Point:
    """Everything better low."""
    return tuple(
        x if direction == "min" else -x for x, direction in zip(point, directions, strict=True)
    )


def beats(one: Point, other: Point, directions: Sequence[str] = COST_AND_GAIN) -> bool:
    """As good in all, better in one."""
    pairs = zip(losses(one, directions), losses(other, directions), strict=True)
    return all(x <= y for x, y in pairs) and one != other


def front(points: Sequence[Point], directions: Sequence[str] = COST_AND_GAIN) -> list[bool]:
    """Compare each point with every other; one with NaN is no point at all."""
    known = [p for p in points if not any(math.isnan(x) for x in p)]
    return [
        not any(math.isnan(x) for x in p)
        and not any(beats(other, p, directions) for other in known)
        for p in points
    ]


def hypervolume(
    points: Sequence[Point], reference: Point, directions: Sequence[str] = COST_AND_GAIN
) -> float:
    """Cut the space along every coordinate and add up the cells that some point dominates."""
    corner = losses(reference, directions)
    inside = [
        p
        for p in (losses(point, directions) for point in points)
        if all(x < limit for x, limit in zip(p, corner, strict=True))
    ]
    axes = [list(pairwise(sorted({*column}))) for column in zip(*inside, corner, strict=True)]
    return math.fsum(
        math.prod(high - low for low, high in cell)
        for cell in product(*axes)
        if any(all(x <= low for x, (low, _) in zip(p, cell, strict=True)) for p in inside)
    )


def igd_plus(points: Sequence[Point], best: Sequence[Point], directions: Sequence[str]) -> float:
    """The definition, of points that are on scales which compare."""
    return statistics.fmean(
        min(math.hypot(*(max(x, 0) for x in _ahead(point, member, directions))) for point in points)
        for member in best
    )


def epsilon(points: Sequence[Point], best: Sequence[Point], directions: Sequence[str]) -> float:
    """The definition, of points that are on scales which compare."""
    return max(min(max(_ahead(p, member, directions)) for p in points) for member in best)


def _ahead(point: Point, member: Point, directions: Sequence[str]) -> list[float]:
    """How far the member is ahead of the point in each column."""
    pairs = zip(losses(point, directions), losses(member, directions), strict=True)
    return [x - y for x, y in pairs]


def distance_above_chord(
    point: tuple[float, float], start: tuple[float, float], end: tuple[float, float]
) -> float:
    """Signed distance of a point from the line through start and end; above is positive."""
    along = (end[0] - start[0], end[1] - start[1])
    away = (point[0] - start[0], point[1] - start[1])
    return (along[0] * away[1] - along[1] * away[0]) / math.hypot(*along)


def wilson(successes: int, trials: int, z: float) -> tuple[float, float]:
    """The textbook formula of Wilson's interval; z: standard deviations to each side."""
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return (centre - spread) / scale, (centre + spread) / scale


def trimmed_ratio(
    slow: Sequence[float], fast: Sequence[float], share: float
) -> tuple[float, float]:
    """Tukey and McLaughlin's interval of 95 % by hand, of the logarithms of ratios.

    The extremes, a share at each end, are left out of the mean, and drawn in for the deviation.
    """
    logs = sorted(math.log(one / other) for one, other in zip(slow, fast, strict=True))
    count = len(logs)
    cut = int(share * count)
    kept = logs[cut : count - cut]
    drawn_in = [min(max(value, kept[0]), kept[-1]) for value in logs]
    error = statistics.stdev(drawn_in) / ((1 - 2 * share) * math.sqrt(count))
    half = float(t.ppf(0.975, len(kept) - 1)) * error
    middle = statistics.mean(kept)
    return math.exp(middle - half), math.exp(middle + half)


def welch(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """The textbook formula of Welch's interval of 95 %, for the difference of two means."""
    parts = [statistics.variance(group) / len(group) for group in (one, other)]
    weights = [part**2 / (len(group) - 1) for part, group in zip(parts, (one, other), strict=True)]
    half = float(t.ppf(0.975, sum(parts) ** 2 / sum(weights))) * math.sqrt(sum(parts))
    middle = statistics.mean(one) - statistics.mean(other)
    return middle - half, middle + half


def confusion(truth: Sequence[int], predicted: Sequence[int], classes: int) -> list[list[int]]:
    """Count each pair by hand: true class by predicted class."""
    pairs = list(zip(truth, predicted, strict=True))
    return [[pairs.count((i, j)) for j in range(classes)] for i in range(classes)]
