"""How good a training may still become."""

import numpy as np
import pytest

from ecotrack.search.curves import FEWEST, NO_BOUND, optimistic


def curve(rng: np.random.Generator, epochs: int) -> list[float]:
    best = rng.uniform(0.6, 0.95)
    shares = np.arange(1, epochs + 1) / epochs
    return list(
        np.clip(best - 0.3 * np.exp(-4 * shares) + 0.01 * rng.standard_normal(epochs), 0, 1)
    )


def test_nothing_is_said_while_too_few_have_finished():
    rng = np.random.default_rng(0)
    few = [curve(rng, 8) for _ in range(FEWEST - 1)]
    assert optimistic([0.5] * 6, 8, few) == NO_BOUND
    assert optimistic([0.5] * 6, 8, [*few, curve(rng, 8)]) < NO_BOUND


def test_nothing_is_said_in_the_first_half():
    known = [curve(np.random.default_rng(i), 8) for i in range(20)]
    assert optimistic([0.1, 0.1, 0.1], 8, known) == NO_BOUND
    assert optimistic([0.1, 0.1, 0.1, 0.1], 8, known) < NO_BOUND


def test_the_end_of_a_training_is_what_it_is():
    assert optimistic([0.4, 0.7], 2, []) == 0.7


def test_a_training_ends_below_its_bound_as_often_as_it_says():
    rng, below, median = np.random.default_rng(1), [], []
    for _ in range(400):
        known = [curve(rng, int(rng.integers(4, 12))) for _ in range(20)]
        asked = curve(rng, 8)
        below.append(asked[-1] <= optimistic(asked[:5], 8, known))
        median.append(asked[-1] <= optimistic(asked[:5], 8, known, confidence=0.5))
    assert np.mean(below) >= 0.92
    assert 0.35 < np.mean(median) < 0.75


def test_a_bound_is_never_below_what_was_seen():
    known = [curve(np.random.default_rng(i), 8) for i in range(20)]
    assert optimistic([0.99] * 5, 8, known) >= 0.99


def test_equal_curves_give_their_own_end():
    assert optimistic([0.5] * 5, 8, [[0.5] * 7 + [0.8]] * 9) == pytest.approx(0.8)


@pytest.mark.parametrize("so_far", [[], [0.1] * 9])
def test_a_curve_of_no_epochs_or_too_many_is_none(so_far):
    with pytest.raises(ValueError, match="are no curve so far"):
        optimistic(so_far, 8, [])
