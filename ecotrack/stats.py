"""Intervals: how far a figure can be trusted."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest, bootstrap


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval (low, high) of a proportion (Wilson 1927).

    Unlike the normal approximation it stays within [0, 1] and holds near both ends.
    """
    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def median_interval(
    values: Sequence[float], confidence: float = 0.95
) -> tuple[float, float, float]:
    """Median of the values with its percentile bootstrap interval: (median, low, high).

    It cannot pass the range of the values, which holds the median of five in 94 % of the cases.
    """
    median = float(np.median(values))
    if len(values) < 2:
        return median, median, median
    found = bootstrap(
        (np.asarray(values),),
        np.median,
        confidence_level=confidence,
        method="percentile",
        n_resamples=2000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return median, float(found.low), float(found.high)


def growth_exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """The k of time ~ size^k that fits best (least squares in logarithms); NaN of one point."""
    if len(sizes) < 2:
        return float("nan")
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
