"""Numbers as people read them."""

import math

import pytest

from ecotrack import reading


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
    ("share", "text"),
    [
        (0.9638, "96.3 % sure"),
        (0.95, "95 % sure"),
        (0.95 - 1e-9, "95 % sure"),
        (0.9599999, "95.9 % sure"),
        (0.0, "0 % sure"),
        (0.99951, "more than 99.9 % sure"),
        (1.0, "more than 99.9 % sure"),
    ],
)
def test_one_is_never_surer_than_that(share, text):
    assert reading.sure(share) == text
