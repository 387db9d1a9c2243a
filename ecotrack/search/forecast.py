"""What a trial will cost, before it starts and while it runs. NumPy and SciPy alone.

The logarithm of the grams is a Student-t process (Shah, Wilson, Ghahramani 2014, arXiv:1402.4306):
a linear regression with a prior, and a smooth rest for what is not linear. The prior says that a
trial costs in proportion to its operations; finished trials take it from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ecotrack.stats import student

Features = Mapping[str, float | str]
CUT = "a forecast while a trial runs needs one epoch at least, and fewer than all"
Array = NDArray[np.float64]

COVERED = 0.9  # of the truths lie between low_g and high_g
PROPORTIONAL_TO = "operations"
# Variances a priori, in squares of the noise's: of the level, of the power of each number, of
# each word's factor, of the smooth rest. Chosen on bench/tables/one.csv.gz.
LEVEL, POWER, WORD, REST = 1e6, 25.0, 9.0, 9.0
REACH = 3.0  # e-folds over which the smooth rest may turn
NOISE, NOISE_WEIGHT = 0.15, 3.0  # a priori: its standard deviation in e-folds, worth such trials
DRIFT = 0.05  # a priori: how far, in e-folds, epochs differ from those before


@dataclass(frozen=True)
class Forecast:
    """Grams that a trial will have cost at its end.

    Attributes:
        expected_g: as likely too low as too high.
        low_g, high_g: the truth lies between them in nine of ten cases.
    """

    expected_g: float
    low_g: float
    high_g: float


@dataclass(frozen=True)
class CostModel:
    """The cost of trials, learnt from those that have finished; see `fit`."""

    trials: tuple[Features, ...]
    log_g: tuple[float, ...]

    @classmethod
    def fit(cls, trials: Sequence[Features], grams: Sequence[float]) -> CostModel:
        """Learn from finished trials.

        Args:
            trials: features by name, such as {"operations": 3e11, "epochs": 4, "family": "cnn"}.
                Numbers are positive and enter as logarithms, words as categories; a trial may
                lack some.
            grams: of each trial, positive.

        Raises:
            ValueError: a number is not positive and finite, or the lengths differ.
        """
        if len(trials) != len(grams):
            raise ValueError(f"{len(trials)} trials, but the grams of {len(grams)}")
        return cls(tuple(trials), tuple(_log("grams", g) for g in grams))

    def predict(self, features: Features) -> Forecast | None:
        """The cost of a trial like this; None where no trial has finished."""
        return self.predict_all([features])[0] if self.trials else None

    def predict_all(self, asked: Sequence[Features]) -> list[Forecast]:
        """The cost of each of many trials, from one finished trial at least.

        The interval is Student's, with as many degrees of freedom as finished trials and the
        prior are worth.
        """
        across = _covariance(asked, self.trials)
        middle = np.array([_prior(features) for features in asked]) + across @ self._weights
        own = np.array([_variance(features) for features in asked]) + 1.0
        known = np.einsum("ij,ji->i", across, linalg.cho_solve(self._factor, across.T))
        half = student((1 + COVERED) / 2, self._freedom) * self._scale * np.sqrt(own - known)
        ends = np.exp(middle + np.outer([0.0, -1.0, 1.0], half))
        return [Forecast(*map(float, end)) for end in ends.T]

    @property
    def error(self) -> float | None:
        """Half of the forecasts are within this share, leaving one trial out; None below three."""
        if len(self.trials) < 3:
            return None
        inverse = linalg.cho_solve(self._factor, np.eye(len(self.trials)))
        left_out = self._weights / np.diag(inverse)
        return float(np.median(np.abs(np.expm1(-left_out))))

    @cached_property
    def _factor(self) -> tuple[Array, bool]:
        covariance = _covariance(self.trials, self.trials) + np.eye(len(self.trials))
        return linalg.cho_factor(covariance, lower=True)

    @cached_property
    def _surprise(self) -> Array:
        return np.array(self.log_g) - [_prior(trial) for trial in self.trials]

    @cached_property
    def _weights(self) -> Array:
        return linalg.cho_solve(self._factor, self._surprise)

    @property
    def _freedom(self) -> float:
        return NOISE_WEIGHT + len(self.trials) - 1  # the level takes one

    @property
    def _scale(self) -> float:
        """Standard deviation of the noise, as far as the trials tell."""
        squares = NOISE_WEIGHT * NOISE**2 + self._surprise @ self._weights
        return float(np.sqrt(squares / self._freedom))


def running(costs_g: Sequence[float], epochs: int, before: Sequence[Sequence[float]]) -> Forecast:
    """What a training will have cost, while it runs: what its epochs cost so far, times `epochs`.

    How far epochs drift apart is learnt from finished trainings at the same epoch; the interval
    is Student's, with a prior worth a few of them.

    Args:
        costs_g: grams until the end of each epoch so far.
        epochs: how many there will be.
        before: the same of finished trainings.

    Raises:
        ValueError: there is no epoch yet, or none is left.
    """
    done = len(costs_g)
    if not 0 < done < epochs:
        raise ValueError(f"{CUT}: {done} of {epochs}")
    expected = costs_g[-1] / done * epochs
    drifts = [
        np.log(known[-1] / (known[done - 1] / done * len(known)))
        for known in before
        if len(known) > done and known[done - 1] > 0
    ]
    weight = NOISE_WEIGHT + len(drifts)
    middle = sum(drifts) / weight
    squares = NOISE_WEIGHT * DRIFT**2 + sum((drift - middle) ** 2 for drift in drifts)
    half = student((1 + COVERED) / 2, weight) * np.sqrt(squares / weight * (1 + 1 / weight))
    low, at, high = np.exp(middle + np.array([-half, 0.0, half])) * expected
    return Forecast(float(at), float(low), float(high))


def _log(name: str, value: float | str) -> float:
    number = float(value)
    if not 0 < number < np.inf:
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return float(np.log(number))


def _prior(features: Features) -> float:
    """Proportional to the operations, by a factor that nobody knows yet."""
    operations = features.get(PROPORTIONAL_TO, 1.0)
    return _log(PROPORTIONAL_TO, operations)


def _covariance(some: Sequence[Features], others: Sequence[Features]) -> Array:
    """A priori, (some, others), in squares of the noise, which is left out."""
    covariance = np.full((len(some), len(others)), LEVEL)
    apart = np.zeros_like(covariance)
    for name in sorted({name for trial in (*some, *others) for name in trial}):
        one, other = ([trial.get(name) for trial in trials] for trials in (some, others))
        if any(isinstance(value, str) for value in one + other):
            same = np.equal.outer(np.array(one, dtype=object), np.array(other, dtype=object))
            covariance += WORD * same
            apart += ~same.astype(bool)
        else:
            x, y = ([_log(name, 1.0 if v is None else v) for v in vs] for vs in (one, other))
            covariance += POWER * np.outer(x, y)
            apart += (np.subtract.outer(x, y) / REACH) ** 2
    return covariance + REST * np.exp(-apart / 2)


def _variance(features: Features) -> float:
    """`_covariance` of a trial with itself."""
    words = sum(isinstance(value, str) for value in features.values())
    numbers = [_log(name, v) for name, v in features.items() if not isinstance(v, str)]
    return LEVEL + WORD * words + POWER * sum(x * x for x in numbers) + REST
