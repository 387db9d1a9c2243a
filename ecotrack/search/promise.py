"""How much a configuration promises before it is tried: hypervolume that it may add, a gram. Pure.

gain                ┌────── front so far
  │        ╔════╗ ┌─┘
  │    ┌───║────╝─┘         the area is what the new point would add;
  │ ┌──┘   ║                its cost is forecast, its gain a bell curve
  └────────┴──────────▶ log10 grams
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ecotrack.fronts.pareto import front

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
LEAST_ERROR = 1e-4  # where the logarithm of an error rate ends
LENGTHS, NOISES = (0.3, 0.6, 1.2, 2.4, 5.0), (0.003, 0.02, 0.1, 0.5)  # of the Gaussian process
Points = Sequence[tuple[float, float]]


def promises(
    tried: NDArray[np.float64],
    accuracies: NDArray[np.float64],
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
        tried: (n, k) coordinates of trials.
        accuracies: n, that they reached.
        points: pairs (grams, accuracy) of what is finished.
        asked: (m, k) coordinates of configurations.
        costs_g: m forecasts of their grams.
        reference: worst corner (grams, accuracy) of the hypervolume.

    Returns:
        m areas, decades of grams times accuracy.
    """
    mean, deviation = foretold(tried, accuracies, asked)
    logs = mean[:, None] + deviation[:, None] * NODES
    gains = 1 - np.exp(logs)
    return added(points, costs_g, gains, reference) @ WEIGHTS


def foretold(
    tried: NDArray[np.float64], accuracies: NDArray[np.float64], asked: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation, (m,) each, of the logarithm of the error rates asked for."""
    # Imported here: scikit-learn takes a second, and the first trials need none.
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    kernel = Matern(1.0, nu=2.5) + WhiteKernel(0.01)
    process = GaussianProcessRegressor(kernel, optimizer=_likeliest, normalize_y=True)
    process.fit(tried, np.log(np.maximum(1 - accuracies, LEAST_ERROR)))
    return process.predict(asked, return_std=True)


def _likeliest(
    surprise: Callable[..., float], initial: NDArray[np.float64], bounds: object
) -> tuple[NDArray[np.float64], float]:
    """The likeliest of some lengths and noises: between them, suggestions hardly differ."""
    found = [
        (surprise(theta, eval_gradient=False), theta)
        for theta in (np.log(each) for each in product(LENGTHS, NOISES))
    ]
    least, theta = min(found, key=lambda pair: pair[0])
    return theta, least


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
