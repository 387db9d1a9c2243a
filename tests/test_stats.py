import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import gmean, norm

from ecotrack.stats import (
    NO_DIFFERENCE,
    TRIMMED,
    Difference,
    median_interval,
    more_repeats,
    newcombe,
    ratio_interval,
    trend,
    unpaired_difference,
    unpaired_ratio,
    wilson,
)
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


def test_newcombe_agrees_with_his_first_example():
    """56 of 70 against 48 of 80: 0.2, 0.0524 to 0.3339 (1998, table II, method 10)."""
    found = newcombe((56 / 70, *wilson(56, 70)), (48 / 80, *wilson(48, 80)))
    assert found.difference == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.differs


@given(counts, counts)
def test_newcombe_turned_around_is_the_mirror_image(one, other):
    p, q = ((n[0] / n[1], *wilson(*n)) for n in (one, other))
    there, back = newcombe(p, q), newcombe(q, p)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-12)
    assert there.low <= there.difference <= there.high


ROUNDING = 1e-12
values = st.lists(st.floats(0.1, 10), min_size=1, max_size=12)
pairs = st.lists(st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)), min_size=2, max_size=12)


@given(values)
def test_the_interval_of_a_median_holds_it_within_the_values(values):
    interval = median_interval(values)
    assert interval.low <= interval.median <= interval.high
    assert interval.low >= min(values) * (1 - ROUNDING)
    assert interval.high <= max(values) * (1 + ROUNDING)
    assert interval.median == np.median(values)
    assert interval.half_width >= 0


@given(values, st.sampled_from([2.0**-30, 4.0, 2.0**20]))  # without rounding: no tie breaks
def test_the_interval_of_a_median_scales_with_its_values(values, factor):
    interval = median_interval(values)
    scaled = median_interval([factor * value for value in values])
    assert scaled == pytest.approx([factor * end for end in interval])


def test_where_bca_has_nothing_to_say_the_interval_is_the_percentile_one():
    median, low, high = median_interval([1.0, 1.0, 1.0, 1.0, 2.0])
    assert (median, low) == (1, 1)
    assert 1 <= high <= 2
    assert median_interval([7.0]) == (7.0, 7.0, 7.0)
    assert median_interval([7.0] * 5).half_width == 0


def test_the_interval_of_a_median_holds_the_true_one_as_often_as_it_says():
    random = np.random.default_rng(0)
    intervals = [median_interval(random.lognormal(size=15)) for _ in range(200)]
    assert sum(low <= 1 <= high for _, low, high in intervals) >= 0.9 * 200


@given(pairs)
def test_a_ratio_agrees_with_the_textbook(pairs):
    slow, fast = zip(*pairs, strict=True)
    ratio = ratio_interval(slow, fast)
    low, high = naive.trimmed_ratio(slow, fast, TRIMMED)
    assert (ratio.low, ratio.high) == pytest.approx((low, high), rel=1e-6)
    assert ratio.low <= ratio.ratio <= ratio.high


@given(values)
def test_nothing_differs_from_itself(values):
    ratio = ratio_interval(values, values)
    assert ratio.ratio == 1
    assert ratio.verdict == NO_DIFFERENCE
    assert not ratio.differs


@given(pairs)
def test_a_ratio_turned_round_is_its_inverse(pairs):
    slow, fast = zip(*pairs, strict=True)
    ratio, inverse = ratio_interval(slow, fast), ratio_interval(fast, slow)
    assert ratio.differs == inverse.differs
    assert inverse.ratio == pytest.approx(1 / ratio.ratio)
    assert inverse.low == pytest.approx(1 / ratio.high)


@given(pairs, st.lists(st.floats(0.5, 2), min_size=12, max_size=12), st.floats(0.01, 100))
def test_a_pace_that_pairs_share_changes_no_ratio_and_a_factor_all_of_it(pairs, paces, factor):
    slow, fast = zip(*pairs, strict=True)
    paced = [
        [time * pace for time, pace in zip(times, paces, strict=False)] for times in (slow, fast)
    ]
    before, after = ratio_interval(slow, fast), ratio_interval(*paced)
    more = ratio_interval([factor * time for time in slow], fast)
    assert (after.ratio, after.high) == pytest.approx((before.ratio, before.high))
    assert (more.ratio, more.low) == pytest.approx((factor * before.ratio, factor * before.low))


def test_an_outlier_in_a_pair_hides_no_difference():
    fast = [1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.01]
    slow = [1.1 * time for time in fast]
    slow[3] *= 10
    assert ratio_interval(slow, fast).verdict == "1.1 times as much (1.1 to 1.1)"


def test_one_pair_tells_nothing():
    ratio = ratio_interval([2.0], [1.0])
    assert (ratio.ratio, ratio.low, ratio.high) == (2, 0, math.inf)
    assert ratio.verdict == NO_DIFFERENCE


@pytest.mark.parametrize(("slow", "fast"), [([1.0, 2.0], [1.0]), ([1.0, 0.0], [1.0, 1.0])])
def test_what_is_no_pair_of_positive_values_has_no_ratio(slow, fast):
    with pytest.raises(ValueError, match="pairs of positive values"):
        ratio_interval(slow, fast)


groups = st.lists(st.integers(1, 1000).map(lambda n: n / 100), min_size=2, max_size=8)


@given(groups, groups)
def test_an_unpaired_difference_agrees_with_the_textbook(one, other):
    assume(len(set(one)) > 1 or len(set(other)) > 1)
    found = unpaired_difference(one, other)
    assert (found.low, found.high) == pytest.approx(naive.welch(one, other), rel=1e-6, abs=1e-9)
    assert found.difference == pytest.approx(np.mean(one) - np.mean(other), abs=1e-12)
    assert found.differs == (not found.low <= 0 <= found.high)


@given(groups, groups)
def test_an_unpaired_ratio_is_of_geometric_means_and_within_its_interval(one, other):
    found = unpaired_ratio(one, other)
    assert found.ratio == pytest.approx(gmean(one) / gmean(other))
    assert found.low <= found.ratio * (1 + ROUNDING)
    assert found.high >= found.ratio * (1 - ROUNDING)


@given(groups, groups)
def test_an_unpaired_ratio_turned_round_is_its_inverse(one, other):
    found, inverse = unpaired_ratio(one, other), unpaired_ratio(other, one)
    ends = (1 / found.ratio, 1 / found.high, 1 / found.low)
    assert (inverse.ratio, inverse.low, inverse.high) == pytest.approx(ends)


@given(groups, groups, st.floats(0.01, 100), st.floats(0.01, 100))
def test_units_change_no_unpaired_ratio_and_a_factor_all_of_it(one, other, unit, factor):
    before = unpaired_ratio(one, other)
    after = unpaired_ratio([factor * unit * x for x in one], [unit * x for x in other])
    ends = [factor * end for end in (before.ratio, before.low, before.high)]
    assert (after.ratio, after.low, after.high) == pytest.approx(ends, rel=1e-6)


@given(groups, groups, st.permutations(range(8)))
def test_the_order_of_unpaired_values_tells_nothing(one, other, order):
    shuffled = [other[place] for place in order if place < len(other)]
    before, after = unpaired_ratio(one, other), unpaired_ratio(one, shuffled)
    assert (after.low, after.high) == pytest.approx((before.low, before.high))


def test_the_interval_of_an_unpaired_ratio_holds_the_true_one_as_often_as_it_says():
    random = np.random.default_rng(0)
    found = [
        unpaired_ratio(2 * random.lognormal(sigma=0.3, size=3), random.lognormal(size=5))
        for _ in range(1000)
    ]
    assert 0.93 <= sum(ratio.low <= 2 <= ratio.high for ratio in found) / 1000 <= 0.98


def test_a_single_value_tells_no_interval_and_equal_ones_a_point():
    alone = unpaired_ratio([2.0], [1.0, 1.0])
    assert (alone.ratio, alone.low, alone.high, alone.differs) == (2, 0, math.inf, False)
    assert not unpaired_difference([2.0, 3.0], [1.0]).differs
    assert unpaired_difference([0.75, 0.75], [0.5, 0.5]) == Difference(0.25, 0.25, 0.25)
    assert unpaired_difference([0.75, 0.75], [0.5, 0.5]).differs


@pytest.mark.parametrize(("one", "other"), [([], [1.0]), ([1.0], []), ([1.0], [1.0, 0.0])])
def test_what_is_not_positive_has_no_unpaired_ratio(one, other):
    with pytest.raises(ValueError, match="positive values"):
        unpaired_ratio(one, other)


widths = st.floats(0.001, 10)


@given(st.integers(1, 100), widths, widths, st.floats(1, 10))
def test_wider_intervals_and_narrower_aims_take_more_repeats(repeats, half_width, aim, factor):
    more = more_repeats(repeats, half_width, aim)
    assert more >= 0
    assert more_repeats(repeats, half_width * factor, aim) >= more
    assert more_repeats(repeats, half_width, aim / factor) >= more


def test_half_the_width_takes_four_times_the_repeats():
    assert more_repeats(5, 0.04, 0.02) == 15
    assert more_repeats(5, 0.02, 0.02) == 0


@given(st.integers(5, 30), st.floats(0.5, 2), st.floats(-0.01, 0.01))
def test_the_trend_of_a_line_is_its_change_over_its_middle(length, start, slope):
    line = [start + slope * number for number in range(length)]
    change = slope * (length - 1) / np.median(line)
    assert trend(line) == pytest.approx(change, abs=1e-9)
    assert trend(line[::-1]) == pytest.approx(-change, abs=1e-9)


def test_what_goes_up_and_down_or_is_too_short_has_no_trend():
    assert trend([1.0, 2.0, 1.0, 2.0, 1.0, 2.0]) == 0
    assert trend([1.0, 2.0, 3.0, 4.0]) == 0
