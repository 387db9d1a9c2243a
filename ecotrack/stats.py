"""Intervals: how far a figure can be trusted."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy  # scipy.stats is imported at its first use: it takes a second
from scipy import special

NO_DIFFERENCE = "no difference seen"
TRIMMED = 0.25  # at each end
FEWEST_FOR_TREND = 5  # of four values in a row, one series in twelve rises or falls by chance


class Interval(NamedTuple):
    """A median and the interval that holds it."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g}–{self.high:.3g})"

    @property
    def half_width(self) -> float:
        """Half of the interval over the median: the 0.02 of `±2 %`."""
        return _half_width(*self)


@dataclass(frozen=True)
class Ratio:
    """How many times as much, and the interval that holds it."""

    ratio: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of the interval over the ratio: the 0.02 of `±2 %`."""
        return _half_width(self.ratio, self.low, self.high)

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 1."""
        return not self.low <= 1 <= self.high

    @property
    def verdict(self) -> str:
        """The sentence that these repeats allow."""
        if not self.differs:
            return NO_DIFFERENCE
        return f"{self.ratio:.3g} times as much ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class Difference:
    """How much more, and the interval that holds it; infinite where nothing tells."""

    difference: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 0."""
        return not self.low <= 0 <= self.high


def student(share: float, freedom: float) -> float:
    """The quantile of Student's distribution below which this share of it lies."""
    return float(special.stdtrit(freedom, share))


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval (low, high) of a proportion (Wilson 1927).

    Unlike the normal approximation it stays within [0, 1] and holds near both ends.
    """
    interval = scipy.stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def newcombe(one: tuple[float, float, float], other: tuple[float, float, float]) -> Difference:
    """How much larger proportion `one` is than `other`, by Newcombe's method 10 (1998).

    Args:
        one, other: proportion and the ends of its Wilson interval, of samples of their own. Of the
            same sample it errs to the wide side.
    """
    (p, low, high), (q, other_low, other_high) = one, other
    difference = p - q
    below = math.hypot(p - low, other_high - q)
    return Difference(
        difference, difference - below, difference + math.hypot(high - p, q - other_low)
    )


def median_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Median of the values with its bootstrap interval, BCa (Efron 1987).

    It cannot pass the range of the values, which holds the median of five in 94 % of the cases.
    BCa fails where leaving out any one value changes nothing: then the interval is the percentile
    one. Of one value, or of equal ones, it is a point.
    """
    median = float(np.median(values))
    if len(set(values)) < 2:
        return Interval(median, median, median)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the degenerate case, met below
        found = _bootstrap(values, confidence, "BCa")
    if not np.isfinite(found).all():
        found = _bootstrap(values, confidence, "percentile")
    low, high = found
    return Interval(median, min(low, median), max(high, median))  # quantiles are rounded


def ratio_interval(slow: Sequence[float], fast: Sequence[float], confidence: float = 0.95) -> Ratio:
    """How many times as much `slow` took as `fast`, from turns taken in pairs.

    From the logarithms of the pairs' ratios: the mean of their middle half, with the interval that
    Tukey and McLaughlin (1963) gave a trimmed mean. Pairs share the machine's pace, and a turn that
    another process disturbed is an outlier, which is trimmed. Of five pairs of the same work,
    recorded on a busy machine (tests/data/turns.json.gz), 4 % differed by this interval and by
    Student's, 6 % by Wilcoxon's, 14 to 16 % by the BCa bootstrap of the ratio of medians; of thirty
    pairs with a tenth more work on the clock, this one told 82 %, Student's 68 %.

    Args:
        slow, fast: positive, equally many, the same place in both from the same round.

    Raises:
        ValueError: they are not.
    """
    if len(slow) != len(fast) or min(*slow, *fast) <= 0:
        raise ValueError("a ratio needs pairs of positive values")
    logs = np.log(slow) - np.log(fast)
    if len(logs) < 2:
        return Ratio(math.exp(logs[0]), 0.0, math.inf)
    low, high = scipy.stats.mstats.trimmed_mean_ci(
        logs, limits=(TRIMMED, TRIMMED), alpha=1 - confidence
    )
    return Ratio(math.exp((low + high) / 2), math.exp(low), math.exp(high))


def unpaired_difference(
    one: Sequence[float], other: Sequence[float], confidence: float = 0.95
) -> Difference:
    """How much more `one` is than `other` on average, from values that form no pairs.

    Welch's interval (1947, 10.1093/biomet/34.1-2.28): each group varies in its own way. A single
    value tells nothing of its group's variation: then the interval is infinite. Where no value
    differs from others of its group it is a point.

    Args:
        one, other: at least one value each; they need not be equally many.
    """
    difference = float(np.mean(one) - np.mean(other))
    if min(len(one), len(other)) < 2:
        return Difference(difference, -math.inf, math.inf)
    if len(set(one)) == len(set(other)) == 1:
        return Difference(difference, difference, difference)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one group of equal values, which Welch allows
        welch = scipy.stats.ttest_ind(one, other, equal_var=False)
        interval = welch.confidence_interval(confidence)
    return Difference(difference, float(interval.low), float(interval.high))


def unpaired_ratio(one: Sequence[float], other: Sequence[float], confidence: float = 0.95) -> Ratio:
    """How many times as much `one` is as `other`: of geometric means, from logarithms.

    Costs vary by factors. The interval is that of `unpaired_difference`, back from logarithms; of a
    single value it goes from 0 to infinity.

    Args:
        one, other: positive, at least one value each; they need not be equally many.

    Raises:
        ValueError: they are not.
    """
    if not len(one) or not len(other) or min(*one, *other) <= 0:
        raise ValueError("a ratio needs positive values")
    logs = unpaired_difference(
        [math.log(value) for value in one], [math.log(value) for value in other], confidence
    )
    return Ratio(math.exp(logs.difference), math.exp(logs.low), math.exp(logs.high))


def more_repeats(repeats: int, half_width: float, precision: float) -> int:
    """How many more repeats narrow an interval so far: its width falls as their square root."""
    return max(0, math.ceil(repeats * ((half_width / precision) ** 2 - 1)))


def trend(values: Sequence[float]) -> float:
    """Change from the first value to the last over their median, along Theil and Sen's line.

    0 where the 95 % interval of the line's slope holds 0, or the values are too few to tell.
    """
    if len(values) < FEWEST_FOR_TREND:
        return 0.0
    slope, _, low, high = scipy.stats.theilslopes(values)
    if low <= 0 <= high:
        return 0.0
    return float(slope * (len(values) - 1) / np.median(values))


def growth_exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """The k of time ~ size^k that fits best (least squares in logarithms); NaN of one point."""
    if len(sizes) < 2:
        return float("nan")
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def _bootstrap(values: Sequence[float], confidence: float, method: str) -> tuple[float, float]:
    found = scipy.stats.bootstrap(
        (np.asarray(values),),
        np.median,
        confidence_level=confidence,
        method=method,
        n_resamples=2000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def _half_width(middle: float, low: float, high: float) -> float:
    if low == high:
        return 0.0
    return (high - low) / 2 / middle if middle else math.inf
