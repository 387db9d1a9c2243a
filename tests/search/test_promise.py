"""What a configuration promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack.fronts.pareto import hypervolume
from ecotrack.search.promise import added, foretold, promises

REFERENCE = (100.0, 0.1)
POINT = st.tuples(st.floats(0.01, 200), st.floats(0, 1))


@given(st.lists(POINT, max_size=8), POINT)
def test_what_a_point_adds_is_the_difference_of_two_hypervolumes(points, new):
    grams, gain = new
    before = hypervolume(points, REFERENCE, log=True) if points else 0.0
    after = hypervolume([*points, new], REFERENCE, log=True)
    more = added(points, np.array([grams]), np.array([[gain]]), REFERENCE)
    assert more == pytest.approx(after - before, abs=1e-9)


def test_errors_between_trials_are_foretold_and_far_away_doubted():
    tried = np.linspace(0, 1, 12)[:, None]
    accuracies = 0.9 - 0.3 * (tried[:, 0] - 0.5) ** 2
    mean, deviation = foretold(tried, accuracies, np.array([[0.5], [4.0]]))
    assert np.exp(mean[0]) == pytest.approx(0.1, rel=0.05)
    assert deviation[1] > 3 * deviation[0]


def test_of_two_equal_models_the_cheaper_promises_more():
    tried = np.array([[0.0], [0.5], [1.0]])
    accuracies = np.array([0.6, 0.8, 0.7])
    points = [(1.0, 0.6), (5.0, 0.8), (9.0, 0.7)]
    cheap, dear = promises(
        tried, accuracies, points, np.array([[0.5], [0.5]]), np.array([2.0, 20.0]), REFERENCE
    )
    assert cheap > dear >= 0
