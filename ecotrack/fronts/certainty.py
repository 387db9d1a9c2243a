"""How sure one may be of an accuracy, from the images counted and the trainings repeated. Pure.

Both functions turn the same inequality around: `accuracy_bound` is at least `x` exactly where
`how_sure` of `x` is at least the confidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

import scipy


def accuracy_bound(correct: Sequence[float], images: int, confidence: float) -> float:
    """Lower confidence bound, one-sided, of an accuracy.

    Of one training it is that of Clopper and Pearson (1934) and holds at least as often as it says,
    for that very model. Of several it is of their recipe's mean accuracy, and the lower of two:
    Clopper and Pearson's, and Student's from the images' variance plus that of the repeats, its
    degrees of freedom by Welch and Satterthwaite (1946). The images were the same each time, so
    repeats do not make their variance smaller.

    Args:
        correct: share of the images named rightly, by each training of one recipe.
        images: how many were counted, the same each time.
        confidence: 0 to 1.
    """
    mean, error, freedom = _known(correct, images)
    named = mean * images
    counted = (
        float(scipy.stats.beta.ppf(1 - confidence, named, images - named + 1)) if named else 0.0
    )
    if len(correct) == 1:
        return counted
    spread = mean + error * float(scipy.stats.t.ppf(1 - confidence, freedom)) if error else mean
    return max(0.0, min(counted, spread))


def how_sure(correct: Sequence[float], images: int, at_least: float) -> float:
    """The confidence, 0 to 1, at which `accuracy_bound` is this accuracy."""
    if at_least <= 0:
        return 1.0
    mean, error, freedom = _known(correct, images)
    named = mean * images
    counted = float(scipy.stats.beta.sf(at_least, named, images - named + 1)) if named else 0.0
    if len(correct) == 1 or not error:
        return counted
    return min(counted, float(scipy.stats.t.cdf((mean - at_least) / error, freedom)))


def _known(correct: Sequence[float], images: int) -> tuple[float, float, float]:
    """Mean, its standard error and the degrees of freedom of that."""
    mean, trainings = fmean(correct), len(correct)
    between = variance(correct) / trainings if trainings > 1 else 0.0
    squared = mean * (1 - mean) / images + between
    freedom = (trainings - 1) * (squared / between) ** 2 if between else math.inf
    return mean, math.sqrt(squared), freedom
