"""How good a training may still become, from the learning curves of finished ones. NumPy and SciPy.

A training in progress stands at some share of its epochs. Where finished trainings stood at that
share, and where they ended, is a line in log odds with a scatter: its upper prediction bound is
the best that this training may reasonably hope for. Log odds, because from 0.5 a training gains
more than from 0.9; the share and not the epoch, because with a one-cycle learning rate the last
epochs bring most, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ecotrack.stats import student

Array = NDArray[np.float64]

NO_BOUND = 1.0
FEWEST = 6  # finished curves below which nothing is said
EARLIEST = 0.5  # share of the epochs before which nothing is said
EDGE = 1e-3  # of accuracy: log odds end there


def optimistic(
    so_far: Sequence[float],
    epochs: int,
    finished: Sequence[Sequence[float]],
    confidence: float = 0.95,
) -> float:
    """Upper bound of the accuracy at the end of a training.

    The final log odds of finished trainings are regressed on their log odds at the same share of
    their epochs; the bound is the upper end of the one-sided prediction interval (Student's).

    Args:
        so_far: validation accuracy, 0 to 1, after each epoch until now.
        epochs: how many there will be.
        finished: accuracies after each epoch of trainings that reached their end.
        confidence: of a training's accuracy staying below the bound.

    Returns:
        An accuracy; 1.0, which stops nothing, while it is too early or too few have finished.

    Raises:
        ValueError: there is no epoch yet, or there are more than `epochs`.
    """
    if not 0 < len(so_far) <= epochs:
        raise ValueError(f"{len(so_far)} epochs of {epochs} are no curve so far")
    if len(so_far) == epochs:
        return so_far[-1]
    if len(so_far) < EARLIEST * epochs:
        return NO_BOUND
    pairs = np.array(list(_then_and_at_last(finished, len(so_far) / epochs))).reshape(-1, 2)
    if len(pairs) < FEWEST:
        return NO_BOUND
    then, last = special.logit(np.clip(pairs, EDGE, 1 - EDGE)).T
    now = special.logit(np.clip(so_far[-1], EDGE, 1 - EDGE))
    return float(max(so_far[-1], special.expit(_upper(then, last, now, confidence))))


def _upper(x: Array, y: Array, at: float, confidence: float) -> float:
    """One-sided prediction bound of a straight line through the points."""
    off = x - x.mean()
    squares = off @ off or np.inf  # where all x are one, there is a level and no slope
    slope = off @ y / squares
    rest = y - y.mean() - slope * off
    freedom = len(x) - 2
    spread = np.sqrt(rest @ rest / freedom * (1 + 1 / len(x) + (at - x.mean()) ** 2 / squares))
    reach = student(confidence, freedom) * spread
    return float(y.mean() + slope * (at - x.mean()) + reach)


def _then_and_at_last(
    finished: Sequence[Sequence[float]], share: float
) -> Iterator[tuple[float, float]]:
    """Accuracy at this share of the epochs and at the end, of each training known so early."""
    for curve in finished:
        epochs = len(curve)
        if share * epochs >= 1:
            yield float(np.interp(share * epochs, np.arange(1, epochs + 1), curve)), curve[-1]
