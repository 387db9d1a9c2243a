import math
import warnings
from itertools import pairwise

import moocore
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ecotrack.fronts import pareto
from ecotrack.fronts.pareto import Price
from tests import naive

MANY = 100_000
REFERENCE = (10.0, 0.0)
THREE = ("max", "min", "min")

coarse = st.integers(0, 6).map(float)  # collides often: ties and duplicates
fine = st.floats(-1e6, 1e6)
wild = st.one_of(coarse, st.sampled_from([math.inf, -math.inf, math.nan, 0.0, -0.0]))
directions = st.lists(st.sampled_from(["min", "max"]), min_size=2, max_size=3).map(tuple)


def points_of(number, columns=2, **size):
    return st.lists(st.tuples(*[number] * columns), **size)


def sets_of(*numbers, sets=1, **size):
    """Directions, and sets of points that have them."""
    return directions.flatmap(
        lambda ways: st.one_of(
            [
                st.tuples(st.just(ways), *[points_of(each, len(ways), **size)] * sets)
                for each in numbers
            ]
        )
    )


def maximise(ways):
    return [way == "max" for way in ways]


def members_of(points, ways):
    return [p for p, on in zip(points, naive.front(points, ways), strict=True) if on]


def scaled(points, best, ways):
    """In units of the best-known front's extent."""
    columns = list(zip(*members_of(best, ways), strict=True))
    extents = [max(column) - min(column) or 1.0 for column in columns]
    return [tuple(x / e for x, e in zip(point, extents, strict=True)) for point in points]


@settings(max_examples=600)
@given(sets_of(coarse, fine, wild))
def test_front_agrees_with_comparing_each_pair(known):
    ways, points = known
    assert pareto.front(points, ways).tolist() == naive.front(points, ways)


@given(sets_of(coarse, fine, min_size=1))
def test_front_agrees_with_moocore(known):
    ways, points = known
    theirs = moocore.is_nondominated(points, maximise=maximise(ways), keep_weakly=True)
    assert pareto.front(points, ways).tolist() == theirs.tolist()


@given(sets_of(coarse, fine), st.randoms())
def test_front_does_not_depend_on_the_order(known, random):
    ways, points = known
    order = list(range(len(points)))
    random.shuffle(order)
    mask = pareto.front(points, ways)
    assert pareto.front([points[i] for i in order], ways).tolist() == [mask[i] for i in order]


@given(sets_of(coarse, fine))
def test_front_of_the_front_is_all_of_it(known):
    ways, points = known
    mask = pareto.front(points, ways)
    members = [p for p, on_front in zip(points, mask, strict=True) if on_front]
    assert pareto.front(members, ways).all()
    assert bool(members) == bool(points), "a set has a front unless it is empty"


@given(sets_of(coarse, fine))
def test_what_is_not_on_the_front_is_beaten_by_a_member(known):
    ways, points = known
    mask = pareto.front(points, ways)
    members = [p for p, on_front in zip(points, mask, strict=True) if on_front]
    for point, on_front in zip(points, mask, strict=True):
        assert on_front or any(naive.beats(member, point, ways) for member in members)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param([], [], id="empty"),
        pytest.param([(1, 1)], [True], id="one point"),
        pytest.param([(1, 1), (1, 1)], [True, True], id="duplicates stand together"),
        pytest.param([(1, 1), (1, 1), (0, 2)], [False, False, True], id="and fall together"),
        pytest.param([(1, 1), (1, 2)], [False, True], id="equal cost"),
        pytest.param([(1, 1), (2, 1)], [True, False], id="equal gain"),
        pytest.param([(0.0, 1), (-0.0, 1)], [True, True], id="both zeros are one"),
        pytest.param([(1, math.nan), (math.nan, 1)], [False, False], id="NaN"),
        pytest.param([(2, 1), (1, math.nan), (math.nan, 9)], [True, False, False], id="beside NaN"),
        pytest.param([(-math.inf, 1), (0, math.inf)], [True, True], id="the best infinities"),
        pytest.param([(math.inf, 1), (0, 1)], [False, True], id="infinite cost"),
        pytest.param([(0, -math.inf)], [True], id="one point of gain minus infinity"),
        pytest.param([(1, 1, 1), (1, 2, 1), (2, 1, 2)], [True, False, True], id="two costs"),
        pytest.param([(1, 1, 1), (1, 1, math.nan)], [True, False], id="NaN in a third column"),
    ],
)
def test_front_of_special_points(points, expected):
    assert pareto.front(points).tolist() == expected


def test_two_costs_and_a_gain_are_what_no_directions_mean():
    points = np.random.default_rng(0).random((50, 3))
    explicit = pareto.front(points, ("min", "min", "max"))
    assert pareto.front(points).tolist() == explicit.tolist()
    assert not explicit.all()


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


@pytest.mark.parametrize("columns", [2, 3])
def test_thousands_of_points_on_a_sphere_agree_with_moocore(columns):
    rng = np.random.default_rng(columns)
    points = np.abs(rng.normal(size=(4_000, columns)))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points[1_000:2_000] *= 0.99
    points[2_000:3_000] = points[:1_000]
    ways, corner = ("max",) * columns, (0.0,) * columns
    mask = pareto.front(points, ways)
    assert mask[:1_000].all(), "all of the sphere"
    theirs = moocore.is_nondominated(points, maximise=True, keep_weakly=True)
    assert mask.tolist() == theirs.tolist()
    expected = moocore.hypervolume(points, ref=corner, maximise=True)
    assert pareto.hypervolume(points, corner, ways) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("points", "ways"),
    [
        pytest.param([(1,)], ("min",), id="one column"),
        pytest.param([(1, 2, 3, 4)], None, id="four columns"),
        pytest.param([(1, 2, 3)], ("min", "max"), id="a direction is missing"),
        pytest.param([(1, 2)], ("minimize", "maximize"), id="other words"),
        pytest.param([1, 2], ("min", "max"), id="no rows"),
    ],
)
def test_points_and_directions_that_do_not_fit_are_refused(points, ways):
    with pytest.raises(ValueError, match="two or three columns"):
        pareto.front(points, ways)


@given(sets_of(coarse, max_size=8), st.tuples(coarse, coarse, coarse))
def test_hypervolume_agrees_with_counting_cells(known, corner):
    ways, points = known
    reference = corner[: len(ways)]
    expected = naive.hypervolume(points, reference, ways)
    assert pareto.hypervolume(points, reference, ways) == pytest.approx(expected)


@given(sets_of(st.floats(-1e3, 1e3), max_size=7))
def test_hypervolume_of_uneven_points_agrees_too(known):
    ways, points = known
    reference = [20.0 if way == "min" else -20.0 for way in ways]
    expected = naive.hypervolume(points, reference, ways)
    volume = pareto.hypervolume(points, reference, ways)
    assert volume == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(sets_of(coarse, st.floats(-1e3, 1e3), min_size=1, max_size=60))
def test_hypervolume_agrees_with_moocore(known):
    ways, points = known
    reference = [5.0 if way == "min" else 1.0 for way in ways]
    theirs = moocore.hypervolume(points, ref=reference, maximise=maximise(ways))
    assert pareto.hypervolume(points, reference, ways) == pytest.approx(theirs, rel=1e-9, abs=1e-9)


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
        pytest.param([(-math.inf, math.inf), (-math.inf, 1)], math.inf, id="infinite both ways"),
    ],
)
def test_hypervolume_of_special_points(points, area):
    assert pareto.hypervolume(points, REFERENCE) == area


@pytest.mark.parametrize(
    ("points", "volume"),
    [
        pytest.param([], 0, id="empty"),
        pytest.param([(3, 2, 1)], 3 * 2 * 3, id="one box"),
        pytest.param([(3, 2, 1), (1, 1, 1), (3, 2, 1)], 3 * 2 * 3 + 1 * 1 * 3, id="two boxes"),
        pytest.param([(3, 2, 1), (9, 9, math.nan), (9, 4, 0)], 18, id="nothing worth"),
        pytest.param([(math.inf, 2, 1), (1, 1, -math.inf)], math.inf, id="endless"),
    ],
)
def test_hypervolume_of_three_objectives(points, volume):
    assert pareto.hypervolume(points, (0, 4, 4), THREE) == volume


@given(sets_of(wild), st.tuples(wild, wild, wild))
def test_hypervolume_is_never_nan_and_warns_of_nothing(known, corner):
    ways, points = known
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pareto.hypervolume(points, corner[: len(ways)], ways) >= 0


def test_a_logarithm_makes_each_decade_of_cost_count_alike():
    assert pareto.hypervolume([(1, 3), (10, 5)], (100, 0), log=True) == pytest.approx(3 + 5)
    three = pareto.hypervolume([(5, 10, 1)], (3, 100, 1_000), THREE, log=True)
    assert three == pytest.approx(2 * 1 * 3)
    assert pareto.hypervolume([(0, 3)], (100, 0), log=True) == math.inf
    assert pareto.hypervolume([(-1, 3)], (100, 0), log=True) == 0


@given(sets_of(coarse, min_size=1))
def test_hypervolume_grows_exactly_when_a_new_point_is_not_dominated(known):
    ways, (*earlier, last) = known
    corner = [10.0 if way == "min" else -1.0 for way in ways]
    before = pareto.hypervolume(earlier, corner, ways)
    dominated = any(p == last or naive.beats(p, last, ways) for p in earlier)
    assert (pareto.hypervolume([*earlier, last], corner, ways) > before) == (not dominated)


@given(sets_of(coarse, st.floats(-1e3, 1e3), sets=2, min_size=1, max_size=20))
def test_igd_plus_and_epsilon_agree_with_their_definitions_and_moocore(known):
    ways, points, best = known
    front = members_of(best, ways)
    ours, theirs = scaled(points, best, ways), scaled(front, best, ways)
    distance, shift = pareto.igd_plus(points, best, ways), pareto.epsilon(points, best, ways)
    close = {"rel": 1e-6, "abs": 1e-9}
    assert distance == pytest.approx(naive.igd_plus(ours, theirs, ways), **close)
    assert shift == pytest.approx(naive.epsilon(ours, theirs, ways), **close)
    asked = {"ref": theirs, "maximise": maximise(ways)}
    assert distance == pytest.approx(moocore.igd_plus(ours, **asked), **close)
    assert shift == pytest.approx(moocore.epsilon_additive(ours, **asked), **close)


@given(sets_of(coarse, fine, min_size=1))
def test_a_front_lacks_nothing_of_itself(known):
    ways, points = known
    assert pareto.igd_plus(points, points, ways) == 0
    assert pareto.epsilon(points, points, ways) == 0


@pytest.mark.parametrize(
    ("points", "distance", "shift"),
    [
        pytest.param([], math.inf, math.inf, id="no point"),
        pytest.param([(2, math.nan)], math.inf, math.inf, id="only NaN"),
        pytest.param([(5, 4)], 1.0 / 2, 1.0, id="all of the extent from one, nothing from another"),
        pytest.param([(1, 4)], 0, 0, id="both in one"),
        pytest.param([(-1, 5)], 0, -0.5, id="better than both by half of an extent"),
        pytest.param([(1, 2), (math.inf, 9)], 1.0 / 2, 1.0, id="endless cost"),
        pytest.param([(-math.inf, math.inf)], 0, -math.inf, id="the best infinities"),
    ],
)
def test_special_points_against_a_best_known_front(points, distance, shift):
    best = [(1, 2), (5, 4), (5, 3), (math.nan, 9), (-math.inf, 0)]
    assert pareto.igd_plus(points, best) == distance
    assert pareto.epsilon(points, best) == shift


def test_distances_can_be_counted_in_decades():
    best = [(1, 1), (100, 2)]
    assert pareto.igd_plus([(10, 2)], best, log=True) == pytest.approx(0.25)
    assert pareto.epsilon([(10, 2)], best, log=True) == pytest.approx(0.5)


@pytest.mark.parametrize("measure", [pareto.igd_plus, pareto.epsilon])
@pytest.mark.parametrize("best", [[], [(math.nan, 1)], [(1, math.inf)]])
def test_nothing_can_be_compared_with_no_front(measure, best):
    with pytest.raises(ValueError, match="nothing finite"):
        measure([(1, 2)], best)


@given(sets_of(coarse, fine, min_size=1))
def test_the_knee_is_on_the_front(known):
    ways, points = known
    assert pareto.front(points, ways)[pareto.knee(points, ways)]


@given(sets_of(wild, min_size=1), st.booleans())
def test_the_knee_of_infinities_is_on_the_front_without_a_warning(known, log):
    ways, points = known
    assume(any(naive.front(points, ways)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            knee = pareto.knee(points, ways, log=log)
        except ValueError:
            assert log, "an infinite cost below 0 has no logarithm"
        else:
            assert log or pareto.front(points, ways)[knee]


@given(points_of(st.integers(1, 40).map(float), min_size=3), st.booleans())
def test_no_member_is_farther_above_the_chord_than_the_knee(points, log):
    members = sorted(members_of(points, ("min", "max")))
    assume(members[0] != members[-1])

    def on_scale(point):
        return (math.log10(point[0]) if log else point[0]), point[1]

    start, end = on_scale(members[0]), on_scale(members[-1])

    def height(point):
        """Above the chord, once both axes run from 0 to 1."""
        x, y = on_scale(point)
        place = (x - start[0]) / (end[0] - start[0]), (y - start[1]) / (end[1] - start[1])
        return naive.distance_above_chord(place, (0, 0), (1, 1))

    knee = height(points[pareto.knee(points, log=log)])
    assert knee == pytest.approx(max(map(height, members)))


@given(points_of(st.integers(0, 40).map(float), 3, min_size=1))
def test_no_member_of_three_objectives_is_nearer_to_having_all(points):
    members = members_of(points, THREE)
    columns = list(zip(*members, strict=True))

    def way(point):
        steps = []
        for x, column, direction in zip(point, columns, THREE, strict=True):
            low, high = min(column), max(column)
            lost = high - x if direction == "max" else x - low
            steps.append(lost / (high - low or 1.0))
        return sum(steps)

    knee = way(points[pareto.knee(points, THREE)])
    assert knee == pytest.approx(min(map(way, members)))


@given(points_of(coarse, min_size=1), st.sampled_from([0.5, 4.0, 1024.0]))
def test_the_knee_does_not_depend_on_the_unit(points, factor):
    scaled = [(factor * cost, gain) for cost, gain in points]
    assert pareto.knee(scaled) == pareto.knee(points)


@given(points_of(fine, min_size=1))
def test_the_knee_does_not_depend_on_the_order_of_the_columns(points):
    turned = [(gain, cost) for cost, gain in points]
    assert pareto.knee(turned, ("max", "min")) == pareto.knee(points)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param([(3, 4)], 0, id="one point"),
        pytest.param([(0, 0), (1, 1)], 0, id="two points: the cheaper"),
        pytest.param([(2, 2), (0, 0), (1, 1)], 1, id="a straight front: the cheapest"),
        pytest.param(
            [(x / 7, x / 7) for x in range(7, -1, -1)], 7, id="a straight front but for rounding"
        ),
        pytest.param([(0, 0), (1, 9), (10, 10)], 1, id="a bend"),
        pytest.param([(0, 0), (1, 9), (10, 10), (1, math.nan)], 1, id="beside NaN"),
    ],
)
def test_the_knee_of_special_points(points, expected):
    assert pareto.knee(points) == expected


def test_a_logarithm_moves_the_knee():
    points = [(1, 0), (10, 60), (100, 85), (1_000, 100)]
    assert (pareto.knee(points), pareto.knee(points, log=True)) == (2, 1)


@pytest.mark.parametrize("points", [[], [(math.nan, 1.0)]])
def test_without_a_point_there_is_no_knee(points):
    with pytest.raises(ValueError, match="no knee"):
        pareto.knee(points)


@given(st.one_of(points_of(coarse), points_of(st.floats(-100, 100))))
@example([(1.0, 0.5), (1.0, 0.5), (2.0, 0.6)])
def test_marginal_prices_are_those_of_neighbours_on_the_front(points):
    members = sorted({*members_of(points, ("min", "max"))})
    expected = [
        Price(
            points.index(cheaper),
            points.index(dearer),
            pytest.approx((dearer[0] - cheaper[0]) / (100 * (dearer[1] - cheaper[1]))),
        )
        for cheaper, dearer in pairwise(members)
    ]
    assert pareto.marginal_prices(points) == expected


def test_marginal_prices_take_either_order_and_leave_infinite_points_out():
    points = [(2.0, 0.82), (9.0, 0.5), (1.0, 0.80), (math.inf, 0.9), (math.nan, 1.0)]
    steps = pareto.marginal_prices(points)
    assert steps == [Price(2, 0, pytest.approx(0.5))], "a gram for two points"
    assert pareto.marginal_prices([p[::-1] for p in points], ("max", "min")) == steps
    assert pareto.marginal_prices([]) == pareto.marginal_prices(points[:1]) == []


@pytest.mark.parametrize("ways", [("min", "min"), THREE])
def test_without_one_cost_and_one_gain_there_is_no_price(ways):
    with pytest.raises(ValueError, match="one cost and one gain"):
        pareto.marginal_prices([(1,) * len(ways)], ways)
