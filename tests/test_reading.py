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
