"""Numbers as people read them."""

import math

import pytest

from ecotrack import reading
from ecotrack.stats import Ratio


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (1234.4, "samples", "1,234 samples"),
        (0.0, "", "0"),
        (math.inf, "samples", "never"),
        (math.inf, "", "never"),
    ],
)
def test_what_never_breaks_even_says_so(number, unit, text):
    assert reading.uses(number, unit) == text


@pytest.mark.parametrize(
    ("things", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", 3, 4], "a, b and 2 more")],
)
def test_of_many_things_a_few_are_told(things, text):
    assert reading.few(things, 2) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.071624, "0.0716"), (999.4, "999"), (83822.4, "83,822"), (-1500, "-1,500")],
)
def test_a_number_has_three_digits_or_all_of_its_thousands(value, text):
    assert reading.number(value) == text


def test_a_ratio_is_told_with_its_interval():
    assert reading.ratio(Ratio(0.5123, 0.4712, 1203.0)) == "0.512 (0.471–1,203)"


def test_emissions_of_a_sample_have_a_prefix():
    assert reading.quantity(7.16e-14, "g") == "71.6 fg"
