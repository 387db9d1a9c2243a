"""What is said of tables of unit costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack.measurement import Measurement, Origin
from ecotrack.series import Series, Turn
from ecotrack.unit_costs import caution, per_unit

CPU = Origin("modelled", "CodeCarbon's curve", 65.0, factor=1.8)
RAM = Origin("assumed", "a constant power", 20.0, factor=2.0)


def turn(wall_s: float, load: float = 1.0) -> Turn:
    """A call on two cores under CodeCarbon's cubic model."""
    power_w = 65 * (0.1 + 0.9 * (load / 2) ** 3)
    joules = {"cpu_j": power_w * wall_s, "ram_j": 20 * wall_s, "co2_g": wall_s}
    return Turn(
        Measurement(wall_s=wall_s, cpu_s=load * wall_s, cpu_origin=CPU, ram_origin=RAM, **joules), 1
    )


@pytest.mark.parametrize(
    ("source", "cautious"),
    [("modelled", True), ("assumed", True), ("measured", False), ("absent", False)],
)
def test_only_energy_that_is_there_and_not_measured_is_warned_of(source, cautious):
    said = caution([], Measurement(cpu_origin=Origin(source)))
    assert [f"Their energy is {source}" in sentence for sentence in said] == [True] * cautious


@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=7), st.floats(0, 2))
def test_a_figure_lies_in_its_own_band(times_s, load):
    row = per_unit(Series(tuple(turn(seconds, load) for seconds in times_s)), 10, "sample", "nj")
    low, high = row["nj_per_sample_band_low"], row["nj_per_sample_band_high"]
    assert low <= row["nj_per_sample"] <= high
    for model in ("linear", "cubic"):
        assert low <= row[f"nj_per_sample_{model}"] <= high


def test_the_load_is_of_the_machine_and_not_of_the_cores_that_a_process_may_use(monkeypatch):
    monkeypatch.setattr("ecotrack.host.all_cores", lambda: 2)
    monkeypatch.setattr("ecotrack.host.cores", lambda: 1)
    row = per_unit(Series((turn(1.0), turn(1.0))), 1, "sample", "nj")
    assert row["nj_per_sample_cubic"] == pytest.approx(row["nj_per_sample"])
