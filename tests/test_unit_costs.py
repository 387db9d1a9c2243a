"""What is said of tables of unit costs."""

import pytest

from ecotrack.measurement import Measurement, Origin
from ecotrack.unit_costs import caution


@pytest.mark.parametrize(
    ("source", "cautious"),
    [("modelled", True), ("assumed", True), ("measured", False), ("absent", False)],
)
def test_only_energy_that_is_there_and_not_measured_is_warned_of(source, cautious):
    said = caution([], Measurement(cpu_origin=Origin(source)))
    assert [f"Their energy is {source}" in sentence for sentence in said] == [True] * cautious
