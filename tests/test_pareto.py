import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ecotrack import pareto
from tests import naive

MANY = 100_000
REFERENCE = (10.0, 0.0)

coarse = st.integers(0, 6).map(float)  # collides often: ties and duplicates
fine = st.floats(-1e6, 1e6)
wild = st.one_of(coarse, st.sampled_from([math.inf, -math.inf, math.nan, 0.0, -0.0]))


def points_of(number, **size):
    return st.lists(st.tuples(number, number), **size)


some_points = st.one_of(points_of(coarse), points_of(fine))


@settings(max_examples=400)
@given(st.one_of(points_of(coarse), points_of(fine), points_of(wild)))
def test_front_agrees_with_comparing_each_pair(points):
    assert pareto.front(points).tolist() == naive.front(points)


@given(some_points, st.randoms())
def test_front_does_not_depend_on_the_order(points, random):
    order = list(range(len(points)))
    random.shuffle(order)
    mask = pareto.front(points)
    assert pareto.front([points[i] for i in order]).tolist() == [mask[i] for i in order]


@given(some_points)
def test_front_of_the_front_is_all_of_it(points):
    members = [p for p, on_front in zip(points, pareto.front(points), strict=True) if on_front]
    assert pareto.front(members).all()
    assert bool(members) == bool(points), "a set has a front unless it is empty"


@given(some_points)
def test_what_is_not_on_the_front_is_beaten_by_a_member(points):
    mask = pareto.front(points)
    members = [p for p, on_front in zip(points, mask, strict=True) if on_front]
    for point, on_front in zip(points, mask, strict=True):
        assert on_front or any(naive.beats(member, point) for member in members)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param([], [], id="empty"),
        pytest.param([(1, 1)], [True], id="one point"),
        pytest.param([(1, 1), (1, 1)], [True, True], id="duplicates stand together"),
        pytest.param([(1, 1), (1, 1), (0, 2)], [False, False, True], id="and fall together"),
        pytest.param([(1, 1), (1, 2)], [False, True], id="equal cost"),
        pytest.param([(1, 1), (2, 1)], [True, False], id="equal gain"),
        pytest.param([(1, math.nan), (math.nan, 1)], [False, False], id="NaN"),
        pytest.param([(2, 1), (1, math.nan), (math.nan, 9)], [True, False, False], id="beside NaN"),
        pytest.param([(-math.inf, 1), (0, math.inf)], [True, True], id="the best infinities"),
        pytest.param([(math.inf, 1), (0, 1)], [False, True], id="infinite cost"),
        pytest.param([(0, -math.inf)], [True], id="one point of gain minus infinity"),
    ],
)
def test_front_of_special_points(points, expected):
    assert pareto.front(points).tolist() == expected


def test_front_of_a_hundred_thousand_points_is_complete():
    rng = np.random.default_rng(0)
    curve = np.linspace(0, 1, MANY // 2)
    on_curve = np.column_stack([curve, np.sqrt(curve)])
    below = on_curve + rng.uniform([1e-9, -1e-3], [1e-3, -1e-9], on_curve.shape)
    points = np.concatenate([on_curve, below])
    order = rng.permutation(len(points))
    mask = pareto.front(points[order])
    assert len(points) == MANY
    assert set(order[mask]) >= set(range(MANY // 2)), "no member is missed"
    best_until = np.maximum.accumulate(points[np.lexsort((-points[:, 1], points[:, 0])), 1])
    assert mask.sum() == len(np.unique(best_until)), "and nothing else is taken for one"


@given(points_of(coarse, max_size=8), st.tuples(coarse, coarse))
def test_hypervolume_agrees_with_counting_cells(points, reference):
    assert pareto.hypervolume(points, reference) == pytest.approx(
        naive.hypervolume(points, reference)
    )


@given(points_of(st.floats(-1e3, 1e3), max_size=8))
def test_hypervolume_of_uneven_points_agrees_too(points):
    assert pareto.hypervolume(points, REFERENCE) == pytest.approx(
        naive.hypervolume(points, REFERENCE), rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize(
    ("points", "area"),
    [
        pytest.param([], 0, id="empty"),
        pytest.param([(2, 3)], 24, id="one rectangle"),
        pytest.param([(2, 3), (2, 3)], 24, id="a duplicate adds nothing"),
        pytest.param([(2, 3), (4, 5)], 2 * 3 + 6 * 5, id="two steps"),
        pytest.param([(10, 5)], 0, id="at the reference cost"),
        pytest.param([(5, 0)], 0, id="at the reference gain"),
        pytest.param([(2, 3), (math.nan, 9), (1, math.nan)], 24, id="NaN adds nothing"),
        pytest.param([(2, 3), (math.inf, 9), (1, -math.inf)], 24, id="useless infinities"),
        pytest.param([(2, math.inf)], math.inf, id="infinite gain"),
    ],
)
def test_hypervolume_of_special_points(points, area):
    assert pareto.hypervolume(points, REFERENCE) == area


@given(points_of(coarse))
def test_hypervolume_history_never_goes_down_and_ends_at_the_whole(points):
    history = pareto.hypervolume_history(points, REFERENCE)
    assert len(history) == len(points)
    assert history == sorted(history)
    if points:
        assert history[-1] == pareto.hypervolume(points, REFERENCE)


@given(points_of(coarse, min_size=1))
def test_hypervolume_grows_exactly_when_a_new_point_is_not_dominated(points):
    *earlier, last = points
    grows = pareto.hypervolume(points, REFERENCE) > pareto.hypervolume(earlier, REFERENCE)
    dominated = any(p == last or naive.beats(p, last) for p in earlier)
    inside = last[0] < REFERENCE[0] and last[1] > REFERENCE[1]
    assert grows == (inside and not dominated)


@given(st.one_of(points_of(coarse, min_size=1), points_of(fine, min_size=1)))
def test_the_knee_is_on_the_front(points):
    assert pareto.front(points)[pareto.knee(points)]


@given(points_of(wild, min_size=1))
def test_the_knee_of_infinities_is_on_the_front_without_a_warning(points):
    assume(any(naive.front(points)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pareto.front(points)[pareto.knee(points)]


@given(points_of(st.integers(0, 40).map(float), min_size=3))
def test_no_member_is_farther_above_the_chord_than_the_knee(points):
    members = sorted(p for p, on in zip(points, naive.front(points), strict=True) if on)
    start, end = members[0], members[-1]
    assume(start != end)

    def height(point):
        """Above the chord, once both axes run from 0 to 1."""
        x = (point[0] - start[0]) / (end[0] - start[0])
        y = (point[1] - start[1]) / (end[1] - start[1])
        return naive.distance_above_chord((x, y), (0, 0), (1, 1))

    knee = height(points[pareto.knee(points)])
    assert knee == pytest.approx(max(map(height, members)))


@given(points_of(coarse, min_size=1), st.sampled_from([0.5, 4.0, 1024.0]))
def test_the_knee_does_not_depend_on_the_unit(points, factor):
    scaled = [(factor * cost, gain) for cost, gain in points]
    assert pareto.knee(scaled) == pareto.knee(points)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param([(3, 4)], 0, id="one point"),
        pytest.param([(0, 0), (1, 1)], 0, id="two points: the cheaper"),
        pytest.param([(2, 2), (0, 0), (1, 1)], 1, id="a straight front: the cheapest"),
        pytest.param([(0, 0), (1, 9), (10, 10)], 1, id="a bend"),
        pytest.param([(0, 0), (1, 9), (10, 10), (1, math.nan)], 1, id="beside NaN"),
    ],
)
def test_the_knee_of_special_points(points, expected):
    assert pareto.knee(points) == expected


@pytest.mark.parametrize("points", [[], [(math.nan, 1.0)]])
def test_without_a_point_there_is_no_knee(points):
    with pytest.raises(ValueError, match="no knee"):
        pareto.knee(points)
