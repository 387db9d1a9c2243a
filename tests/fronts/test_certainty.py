"""Bounds of an accuracy: against the binomial distribution itself, and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ecotrack.fronts.certainty import accuracy_bound, how_sure
from tests import naive

counts = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
IMAGES = 500
trainings = st.lists(st.integers(0, IMAGES).map(lambda n: n / IMAGES), min_size=1, max_size=6)
confidences = st.floats(0.5, 0.999)


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))), confidences)
def test_as_good_a_result_would_be_so_rare_at_the_bound(count, confidence):
    named, images = count
    bound = accuracy_bound([named / images], images, confidence)
    assert naive.binomial_tail(named, images, bound) == pytest.approx(1 - confidence)


@given(counts, confidences)
def test_one_training_has_scipy_s_clopper_pearson_bound(count, confidence):
    named, images = count
    test = binomtest(named, images, alternative="greater")
    low = test.proportion_ci(confidence, method="exact").low
    assert accuracy_bound([named / images], images, confidence) == pytest.approx(low, abs=1e-9)


@given(st.integers(1, 10_000), confidences)
def test_nothing_named_rightly_bounds_nothing(images, confidence):
    assert accuracy_bound([0.0], images, confidence) == 0
    assert how_sure([0.0], images, 0.01) == 0


@given(trainings, confidences)
def test_a_bound_is_an_accuracy_below_the_mean(correct, confidence):
    bound = accuracy_bound(correct, IMAGES, confidence)
    assert 0 <= bound <= np.mean(correct) + 1e-12


@given(trainings)
def test_to_be_surer_is_to_promise_less(correct):
    bounds = [accuracy_bound(correct, IMAGES, c) for c in (0.5, 0.8, 0.95, 0.99, 0.9999)]
    assert bounds == sorted(bounds, reverse=True)


@given(trainings)
def test_no_spread_makes_the_bound_better(correct):
    counted = accuracy_bound([float(np.mean(correct))], IMAGES, 0.95)
    assert accuracy_bound(correct, IMAGES, 0.95) <= counted + 1e-9


def test_repeats_that_differ_lower_it_and_more_of_them_less_so():
    alike = accuracy_bound([0.90, 0.90, 0.90], 5000, 0.95)
    unlike = accuracy_bound([0.88, 0.90, 0.92], 5000, 0.95)
    more = accuracy_bound([0.88, 0.90, 0.92] * 4, 5000, 0.95)
    assert unlike < more < alike
    assert accuracy_bound([0.90], 5000, 0.95) == pytest.approx(alike, abs=5e-4)


@given(trainings, st.floats(0.55, 0.99))
def test_one_is_as_sure_of_the_bound_as_was_asked(correct, confidence):
    bound = accuracy_bound(correct, IMAGES, confidence)
    if bound > 0:
        assert how_sure(correct, IMAGES, bound) == pytest.approx(confidence, abs=1e-6)
    assert how_sure(correct, IMAGES, bound + 1e-4) <= confidence + 1e-6


def test_a_figure_by_hand():
    """4,500 of 5,000: 0.9 less 1.645 standard errors of 0.00424, and half an image."""
    assert accuracy_bound([0.9], 5000, 0.95) == pytest.approx(0.8927, abs=1e-4)
    assert how_sure([0.9], 5000, 0.89) == pytest.approx(0.988, abs=1e-3)
    assert how_sure([0.9], 5000, 0.0) == 1
    assert how_sure([0.9], 5000, 0.95) < 1e-6


def test_a_figure_of_three_trainings_by_hand():
    """Variance 1.8e-5 of images and 0.02² / 3 of repeats: 2.58 degrees of freedom, Student's 2.52.

    With a normal deviate instead, or two degrees of freedom, it were 0.8798 or 0.8641.
    """
    assert accuracy_bound([0.88, 0.90, 0.92], 5000, 0.95) == pytest.approx(0.8690, abs=5e-4)


@pytest.mark.parametrize("trainings", [1, 2, 3, 8])
@pytest.mark.parametrize("between", [0.002, 0.01])
def test_it_holds_as_often_as_it_says(trainings, between):
    """A recipe's mean, 0.9, is below the bound in at most 5 % of the cases, and some for chance.

    The same 5,000 images are hard for all trainings alike: that error they share. Of one training
    the bound is of that model, not of its recipe.
    """
    rng = np.random.default_rng(trainings)
    cases, images, recipe = 800, 5000, 0.9
    missed = 0
    for _ in range(cases):
        true = np.clip(recipe + between * rng.standard_normal(trainings), 0, 1)
        shared = math.sqrt(recipe * (1 - recipe) / images) * rng.standard_normal()
        seen = np.clip(np.round((true + shared) * images) / images, 0, 1)
        promised = true[0] if trainings == 1 else recipe
        missed += accuracy_bound(list(seen), images, 0.95) > promised
    assert missed / cases < 0.05 + 3 * math.sqrt(0.05 * 0.95 / cases)
