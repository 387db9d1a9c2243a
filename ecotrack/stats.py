"""Intervals: how far a figure can be trusted."""

from scipy.stats import binomtest


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval (low, high) of a proportion (Wilson 1927).

    Unlike the normal approximation it stays within [0, 1] and holds near both ends.
    """
    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)
