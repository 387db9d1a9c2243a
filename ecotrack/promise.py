"""How much a configuration promises before it is tried: hypervolume that it may add, a gram. Pure.

gain                ┌────── front so far
  │        ╔════╗ ┌─┘
  │    ┌───║────╝─┘         the area is what the new point would add;
  │ ┌──┘   ║                its cost is forecast, its gain a bell curve
  └────────┴──────────▶ log10 grams
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecotrack.pareto import front

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
LEAST_ERROR = 1e-4  # where the logarithm of an error rate ends
Points = Sequence[tuple[float, float]]


def promises(
    tried: NDArray[np.float64],
    points: Points,
    asked: NDArray[np.float64],
    costs_g: NDArray[np.float64],
    reference: tuple[float, float],
) -> NDArray[np.float64]:
    """Hypervolume that each configuration is expected to add, cost on a logarithmic axis.

    Expected improvement of the hypervolume (Emmerich 2005) where the cost is known and the error
    rate has a lognormal distribution, which a Gaussian process foretells (Rasmussen, Williams
    2006, chapter 2) from what was tried.

    Args:
        tried: (n, k) coordinates of finished trials.
        points: n pairs (grams, accuracy) that they reached.
        asked: (m, k) coordinates of configurations.
        costs_g: m forecasts of their grams.
        reference: worst corner (grams, accuracy) of the hypervolume.

    Returns:
        m areas, decades of grams times accuracy.
    """
    mean, deviation = foretold(tried, np.array([gain for _, gain in points]), asked)
    logs = mean[:, None] + deviation[:, None] * NODES
    gains = 1 - np.exp(logs)
    return added(points, costs_g, gains, reference) @ WEIGHTS


def foretold(
    tried: NDArray[np.float64], accuracies: NDArray[np.float64], asked: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation, (m,) each, of the logarithm of the error rates asked for."""
    # Imported here: scikit-learn takes a second, and the first trials need none.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    kernel = ConstantKernel(1.0, (0.1, 10.0)) * Matern(1.0, (0.1, 100.0), nu=2.5) + WhiteKernel(
        0.01, (1e-4, 1.0)
    )
    process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound is an answer
        process.fit(tried, np.log(np.maximum(1 - accuracies, LEAST_ERROR)))
    return process.predict(asked, return_std=True)


def added(
    points: Points,
    costs_g: NDArray[np.float64],
    gains: NDArray[np.float64],
    reference: tuple[float, float],
) -> NDArray[np.float64]:
    """Hypervolume that each of (m, nodes) gains at its cost would add to that of the points."""
    reference_g, least_gain = reference
    known = np.asarray(points, dtype=float).reshape(-1, 2)
    members = np.unique(known[front(known) & (known[:, 0] < reference_g)], axis=0)
    edges = np.log10(np.concatenate([members[:, 0], [reference_g]]))
    floor = np.maximum(least_gain, np.concatenate([[least_gain], members[:, 1]]))
    starts = np.concatenate([[-np.inf], edges[:-1]])
    here = np.log10(costs_g)[:, None]
    widths = np.maximum(0.0, edges - np.maximum(starts, here))  # (m, steps of the front)
    heights = np.maximum(0.0, gains[:, :, None] - floor)  # (m, nodes, steps)
    return np.einsum("ms,mns->mn", widths, heights)
