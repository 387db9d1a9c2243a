"""What a trial will cost: before it starts, and while it runs."""

import numpy as np
import pytest

from ecotrack.search.forecast import COVERED, CostModel, running


def trials(rng: np.random.Generator, number: int) -> tuple[list[dict], list[float]]:
    """Costs in proportion to the operations, a factor for each family, and 15 % of noise."""
    features, grams = [], []
    for _ in range(number):
        family = str(rng.choice(["mlp", "cnn"]))
        epochs, operations = int(rng.integers(1, 9)), float(10 ** rng.uniform(9, 12))
        features.append({"operations": operations, "epochs": epochs, "family": family})
        factor = 3.0 if family == "cnn" else 1.0
        grams.append(1e-12 * operations * factor * float(np.exp(0.15 * rng.standard_normal())))
    return features, grams


def test_nothing_is_foretold_before_the_first_trial():
    assert CostModel.fit([], []).predict({"operations": 1e9}) is None


def test_the_first_trial_tells_the_next_in_proportion():
    model = CostModel.fit([{"operations": 1e9, "epochs": 2}], [0.5])
    known = model.predict({"operations": 2e9, "epochs": 2})
    assert known is not None
    assert known.expected_g == pytest.approx(1.0, rel=0.25)
    assert known.low_g < known.expected_g < known.high_g


def test_intervals_cover_what_they_say_and_errors_are_small():
    rng, held, errors = np.random.default_rng(0), [], []
    for _ in range(200):
        features, grams = trials(rng, 16)
        model = CostModel.fit(features[:15], grams[:15])
        known = model.predict(features[15])
        assert known is not None
        held.append(known.low_g <= grams[15] <= known.high_g)
        errors.append(abs(known.expected_g / grams[15] - 1))
    assert np.mean(held) >= COVERED - 0.05
    assert np.median(errors) < 0.2


def test_the_error_is_that_of_leaving_one_out():
    features, grams = trials(np.random.default_rng(1), 12)
    left_out = []
    for i in range(12):
        rest = [j for j in range(12) if j != i]
        known = CostModel.fit([features[j] for j in rest], [grams[j] for j in rest])
        left_out.append(abs(known.predict(features[i]).expected_g / grams[i] - 1))
    error = CostModel.fit(features, grams).error
    assert error == pytest.approx(np.median(left_out), rel=0.01)
    assert CostModel.fit(features[:2], grams[:2]).error is None


def test_many_are_foretold_as_each_alone():
    features, grams = trials(np.random.default_rng(2), 10)
    model = CostModel.fit(features[:6], grams[:6])
    for one, each in zip(model.predict_all(features[6:]), features[6:], strict=True):
        assert vars(one) == pytest.approx(vars(model.predict(each)))


@pytest.mark.parametrize("grams", [0.0, -1.0, float("nan"), float("inf")])
def test_a_cost_that_is_none_is_refused(grams):
    with pytest.raises(ValueError, match="positive and finite"):
        CostModel.fit([{"operations": 1.0}], [grams])


def test_a_training_that_runs_costs_as_its_epochs_so_far():
    known = running([1.0, 2.0], 8, [])
    assert known.expected_g == pytest.approx(8.0)
    assert 2.0 < known.low_g < 8.0 < known.high_g


def test_a_dear_first_epoch_is_learnt_from_the_finished():
    before = [[2.0, 3.0, 4.0, 5.0]] * 12  # the first epoch costs twice
    known = running([20.0], 4, before)
    assert known.expected_g == pytest.approx(50.0, rel=0.2)
    assert running([20.0], 4, []).expected_g == pytest.approx(80.0)


def test_forecasts_while_running_cover_what_they_say():
    rng, held, errors = np.random.default_rng(3), [], []
    for _ in range(300):
        costs = [np.cumsum(1 + 0.1 * rng.standard_normal(8)) for _ in range(11)]
        known = running(costs[0][:2], 8, costs[1:])
        held.append(known.low_g <= costs[0][-1] <= known.high_g)
        errors.append(abs(known.expected_g / costs[0][-1] - 1))
    assert np.mean(held) >= 0.85
    assert np.median(errors) < 0.1


@pytest.mark.parametrize("costs_g", [[], [1.0, 2.0], [1.0, 2.0, 3.0]])
def test_no_epoch_or_all_of_them_are_no_training_that_runs(costs_g):
    with pytest.raises(ValueError, match="one epoch at least"):
        running(costs_g, 2, [])
