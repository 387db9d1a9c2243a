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
