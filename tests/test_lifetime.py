import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack.lifetime import lifetime_g

grams = st.floats(0, 1e9)
predictions = st.floats(0, 1e18)


def test_a_life_is_training_and_predictions():
    assert lifetime_g(5.0, 0.25, 8_000) == 5.0 + 8 * 0.25


@given(grams, grams)
def test_a_model_that_predicts_nothing_cost_its_training(training_g, inference_g):
    assert lifetime_g(training_g, inference_g, 0) == training_g


@given(grams, grams, predictions, predictions)
def test_more_predictions_never_cost_less(training_g, inference_g, fewer, more):
    fewer, more = sorted((fewer, more))
    costs = [lifetime_g(training_g, inference_g, n) for n in (fewer, more)]
    assert costs == sorted(costs)


@given(grams, grams, st.floats(0, 1e6), st.floats(0, 1e6))
def test_each_prediction_costs_the_same(training_g, inference_g, n, further):
    whole = lifetime_g(training_g, inference_g, n + further)
    in_two_steps = lifetime_g(lifetime_g(training_g, inference_g, n), inference_g, further)
    assert whole == pytest.approx(in_two_steps)


def test_a_dearer_training_is_paid_back_by_cheaper_predictions():
    sturdy, quick = (10.0, 0.1), (1.0, 1.0)  # (training g, g of 1,000 predictions)
    assert lifetime_g(*sturdy, 9_000) > lifetime_g(*quick, 9_000)
    assert lifetime_g(*sturdy, 10_000) == pytest.approx(lifetime_g(*quick, 10_000))
    assert lifetime_g(*sturdy, 11_000) < lifetime_g(*quick, 11_000)
