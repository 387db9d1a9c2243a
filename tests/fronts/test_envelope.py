"""Lives as lines: break-even and lower envelope, against exact fractions and brute force."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack.fronts.envelope import Life, ahead, envelope
from tests import naive

# Few values: ties, duplicates and three lines through one point are common.
few = st.builds(
    Life, st.sampled_from("abc"), st.integers(0, 6).map(float), st.integers(0, 4).map(float)
)
any_life = st.builds(Life, st.just("x"), st.floats(0, 1e9), st.floats(0, 1e3))
lists = st.lists(few, min_size=1, max_size=8) | st.lists(any_life, min_size=1, max_size=8)


def exact(lives: list[Life]) -> list[tuple[Fraction, Fraction]]:
    return [(Fraction(life.once_g), Fraction(life.each_g)) for life in lives]


@given(lists)
def test_the_envelope_begins_with_no_use_and_never_ends(lives):
    stretches = envelope(lives)
    assert stretches[0].start == 0
    assert stretches[-1].end == math.inf
    assert all(early.end == late.start for early, late in pairwise(stretches))
    assert all(start < end for _, start, end in stretches)


@given(lists)
def test_it_bends_only_down_and_each_life_comes_up_once(lives):
    slopes = [stretch.life.each_g for stretch in envelope(lives)]
    assert slopes == sorted(set(slopes), reverse=True)


@given(lists, st.floats(0, 1e12))
def test_on_its_stretch_a_life_is_the_cheapest(lives, uses):
    (life,) = (s.life for s in envelope(lives) if s.start <= uses < s.end)
    cheapest = naive.cheapest(exact(lives), Fraction(uses))
    assert life.cost_g(uses) == pytest.approx(float(cheapest), rel=1e-9)


@given(st.lists(few, min_size=1, max_size=8))
def test_it_is_brute_force_s_between_any_two_crossings(lives):
    """Between two crossings the cheapest does not change; at the middle it is unmistakable."""
    lines = exact(lives)
    bends = [Fraction(0), *naive.crossings(lines)]
    middles = [(a + b) / 2 for a, b in pairwise(bends)] + [bends[-1] + 1]
    for uses in middles:
        (life,) = (s.life for s in envelope(lives) if s.start <= uses < s.end)
        once, each = Fraction(life.once_g), Fraction(life.each_g)
        assert once + each * uses == naive.cheapest(lines, uses)


@given(lists, st.randoms())
def test_order_and_duplicates_do_not_matter(lives, random):
    def bends(among):
        return [(s.life.once_g, s.life.each_g, s.start) for s in envelope(among)]

    shuffled = [*lives, *lives[:3]]
    random.shuffle(shuffled)
    assert bends(shuffled) == bends(lives)


@pytest.mark.parametrize(
    ("lives", "starts"),
    [
        pytest.param([(1, 1)], [0], id="one"),
        pytest.param([(1, 1), (1, 1)], [0], id="twice the same"),
        pytest.param([(1, 2), (1, 1)], [0], id="alike until the first use"),
        pytest.param([(1, 1), (2, 1)], [0], id="parallel"),
        pytest.param([(0, 1), (10, 0)], [0, 10], id="one bend"),
        pytest.param([(0, 2), (10, 1), (20, 0)], [0, 10], id="three through one point"),
        pytest.param([(0, 0), (1, 0)], [0], id="nothing at all"),
        pytest.param([(0, 1), (5, 0.5), (100, 0)], [0, 10, 190], id="two bends"),
    ],
)
def test_known_envelopes(lives, starts):
    assert [s.start for s in envelope([Life("", *life) for life in lives])] == starts


def test_of_three_through_one_point_the_flattest_goes_on():
    lives = [Life("steep", 0, 2), Life("middle", 10, 1), Life("flat", 20, 0)]
    assert [stretch.life.name for stretch in envelope(lives)] == ["steep", "flat"]


def test_no_life_has_no_envelope():
    assert envelope([]) == []


@pytest.mark.parametrize(
    ("one", "other", "span"),
    [
        pytest.param((10, 1), (0, 2), (10, math.inf), id="pays back"),
        pytest.param((10, 2), (0, 2), (math.inf, math.inf), id="never: as much each"),
        pytest.param((10, 3), (0, 2), (math.inf, math.inf), id="never: more each"),
        pytest.param((0, 1), (10, 2), (0, math.inf), id="from the start"),
        pytest.param((0, 2), (10, 1), (0, 10), id="for a while"),
        pytest.param((5, 1), (5, 1), (0, math.inf), id="the same"),
        pytest.param((5, 2), (5, 1), (0, 0), id="alike only before the first use"),
        pytest.param((5, 1), (5, 2), (0, math.inf), id="alike before the first use"),
    ],
)
def test_from_when_to_when_one_is_ahead(one, other, span):
    assert ahead(Life("one", *one), Life("other", *other)) == span


@given(few, few, st.integers(0, 60).map(lambda n: n / 4))
def test_it_is_ahead_exactly_where_it_costs_no_more(one, other, uses):
    start, end = ahead(one, other)
    lines = exact([one, other])
    costs = [naive.cheapest([line], Fraction(uses)) for line in lines]
    if start < uses < end:
        assert costs[0] <= costs[1]
    if uses < start or uses > end:
        assert costs[0] > costs[1]


@given(any_life, any_life)
def test_whoever_is_ahead_in_the_end_is_the_end_of_the_envelope(one, other):
    start, end = ahead(one, other)
    last = envelope([one, other])[-1].life
    if math.isinf(end) and math.isfinite(start):
        assert last.each_g == one.each_g
    else:
        assert last.each_g == other.each_g
