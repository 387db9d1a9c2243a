import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from ecotrack.stats import wilson
from tests import naive

counts = st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_agrees_with_the_textbook(count, confidence):
    z = norm.ppf(0.5 + confidence / 2)
    assert wilson(*count, confidence) == pytest.approx(naive.wilson(*count, z), abs=1e-9)


@given(counts)
def test_wilson_holds_the_share_within_zero_and_one(count):
    low, high = wilson(*count)
    assert 0 <= low <= count[0] / count[1] <= high <= 1
    assert low < high


@given(counts)
def test_wilson_of_the_failures_is_the_mirror_image(count):
    successes, trials = count
    low, high = wilson(*count)
    assert wilson(trials - successes, trials) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(st.integers(1, 100), st.integers(2, 100))
def test_more_trials_of_the_same_share_tell_more(trials, times):
    low, high = wilson(trials, 2 * trials)
    closer_low, closer_high = wilson(times * trials, 2 * times * trials)
    assert low < closer_low < closer_high < high


def test_wilson_of_ten_thousand_images_is_a_point_wide():
    low, high = wilson(9_100, 10_000)
    assert (low, high) == pytest.approx((0.90423, 0.91545), abs=1e-5)
