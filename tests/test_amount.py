"""Bands: they add at their ends, follow in proportion, and one that nobody knows stays unknown."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack import metrics
from ecotrack.amount import Amount, banded, columns, of_columns, within

readings = st.tuples(st.floats(1e-9, 1e9), st.floats(1, 100))
UNKNOWN = banded(3.0, None, None)


@given(readings, readings)
def test_what_errs_alike_is_added_at_its_ends(one, other):
    both = within(*one) + within(*other)
    factors = one[1], other[1]
    assert both.value == one[0] + other[0]
    rounding = 1 + 1e-12
    assert both.value / max(factors) <= both.low * rounding
    assert both.low <= both.value * rounding
    assert both.value <= both.high * rounding
    assert both.high <= both.value * max(factors) * rounding


def test_a_sum_of_two_meters_has_both_their_bands():
    assert within(18, 1.8) + within(20, 2) == Amount(38, 20, pytest.approx(72.4))


@given(st.lists(readings, max_size=5))
def test_nothing_adds_nothing(parts):
    amounts = [within(*part) for part in parts]
    assert sum(amounts, Amount()) + Amount() == sum(amounts, Amount())


@given(readings, st.floats(1e-9, 1e9))
def test_what_follows_from_a_figure_is_as_sure(reading, value):
    figure = within(*reading).told_as(value)
    assert figure.value == value
    assert figure.low == pytest.approx(value / reading[1])
    assert figure.high == pytest.approx(value * reading[1])


def test_a_band_that_one_part_does_not_tell_the_sum_does_not_tell():
    for figure in (UNKNOWN, UNKNOWN + within(5, 1.8), UNKNOWN.told_as(1e-3)):
        assert not figure.is_banded
        assert columns("energy", figure)["energy_high"] is None
    assert (UNKNOWN + within(5, 1.8)).value == 8


def test_of_nothing_nothing_is_unknown():
    assert banded(0.0, None, None) + within(5, 1.8) == within(5, 1.8)
    assert not Amount().is_banded


def test_a_meter_that_cannot_err_has_no_band_to_show():
    assert not within(5, 1.0).is_banded
    assert within(5, 1.01).is_banded


@given(readings)
def test_a_figure_is_read_back_from_its_columns(reading):
    figure = within(*reading)
    assert of_columns("energy", columns("energy", figure)) == figure
    assert of_columns("energy", {"energy": 3.0}) == UNKNOWN
    assert of_columns("energy", columns("energy", UNKNOWN)) == UNKNOWN


def test_a_run_keeps_a_band_where_there_is_one():
    kept = metrics.with_band(metrics.RUN_WH, Amount(2, 1, 4))
    assert kept.keys() <= metrics.TABLE.keys()
    assert metrics.amount(metrics.RUN_WH, kept) == Amount(2, 1, 4)
    assert metrics.with_band(metrics.RUN_WH, UNKNOWN) == {metrics.RUN_WH: 3.0}


def test_emissions_are_as_sure_as_the_energy_that_they_follow_from():
    kept = metrics.with_band(metrics.RUN_WH, Amount(2, 1, 4)) | {metrics.RUN_G: 8.0}
    assert metrics.amount(metrics.RUN_G, kept) == Amount(8, 4, 16)
    for name, energy in metrics.FOLLOWS.items():
        assert energy in metrics.TABLE
        assert not metrics.amount(name, {name: 8.0}).is_banded, "the energy is not told"
        assert metrics.amount(name, {name: 8.0}).high == math.inf


def test_every_energy_has_both_ends():
    for name, row in metrics.TABLE.items():
        if row.unit == "Wh" and name not in metrics.ENDS:
            assert name in metrics.FOLLOWS or {f"{name}_low", f"{name}_high"} <= metrics.ENDS
