import dataclasses
import json
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack.amount import Amount
from ecotrack.measurement import (
    ABSENT,
    Measurement,
    Origin,
    Source,
    from_fields,
    weakest,
)

AMOUNTS = (
    "wall_s",
    "cpu_s",
    "other_cpu_s",
    "cpu_j",
    "ram_j",
    "gpu_j",
    "idle_j",
    "co2_g",
)
ORIGINS = ("cpu_origin", "ram_origin", "gpu_origin")
STRENGTH = ("assumed", "modelled", "measured", "absent")  # weakest first

origins = st.builds(
    Origin, st.sampled_from(STRENGTH[:3]), st.sampled_from(["", "RAPL"]), factor=st.floats(1, 3)
) | st.just(ABSENT)
measurements = st.builds(
    Measurement,
    **dict.fromkeys(AMOUNTS, st.floats(0, 1e9)),
    **dict.fromkeys(ORIGINS, origins),
)


def amounts(cost: Measurement) -> list[float]:
    return [getattr(cost, name) for name in AMOUNTS]


def origins_of(cost: Measurement) -> list[Origin]:
    return [getattr(cost, name) for name in ORIGINS]


def approximately(cost: Measurement, largest: float = 1e9) -> object:
    """Equal but for the rounding of numbers as large as `largest`."""
    return pytest.approx(amounts(cost), rel=1e-12, abs=4e-16 * largest)


def test_every_field_is_an_amount_or_a_source():
    assert [f.name for f in dataclasses.fields(Measurement)] == [*AMOUNTS, *ORIGINS]
    assert set(get_args(Source)) == set(STRENGTH)


@given(measurements, measurements)
def test_what_is_added_can_be_taken_away(a, b):
    assert amounts((a + b) - b) == approximately(a)


@given(measurements, measurements)
def test_order_of_a_sum_does_not_matter(a, b):
    assert a + b == b + a


@given(measurements, measurements, measurements)
def test_grouping_of_a_sum_does_not_matter(a, b, c):
    assert amounts((a + b) + c) == approximately(a + (b + c))
    assert origins_of((a + b) + c) == origins_of(a + (b + c))


@given(st.lists(measurements, max_size=5))
def test_sum_conserves_every_amount(parts):
    total = sum(parts, Measurement())
    for name in AMOUNTS:
        assert getattr(total, name) == pytest.approx(sum(getattr(p, name) for p in parts))


@given(st.lists(measurements, min_size=1, max_size=5))
def test_sum_needs_no_start_value(parts):
    assert sum(parts) == sum(parts, Measurement())


@given(measurements, st.integers(1, 1_000_000))
def test_equal_shares_add_up_to_the_whole(whole, n):
    share = whole / n
    assert [n * amount for amount in amounts(share)] == approximately(whole)
    assert origins_of(share) == origins_of(whole)


@given(measurements)
def test_nothing_changes_nothing(cost):
    assert cost + Measurement() == cost
    assert cost - Measurement() == cost


@given(measurements)
def test_total_is_the_sum_of_the_components(cost):
    assert cost.total_j == pytest.approx(cost.cpu_j + cost.ram_j + cost.gpu_j)
    assert cost.total_wh == pytest.approx(cost.total_j / 3600)


def test_a_total_adds_up_like_its_parts():
    a, b = Measurement(cpu_j=1, ram_j=2, gpu_j=4), Measurement(cpu_j=8, ram_j=16, gpu_j=32)
    assert (a + b).total_j == a.total_j + b.total_j == 63


@given(st.lists(origins))
def test_a_sum_is_known_as_its_weakest_part(parts):
    sources = [part.source for part in parts]
    assert weakest(*parts).source == min(sources, key=STRENGTH.index, default="absent")


@given(st.lists(origins.filter(lambda origin: origin.source != "absent")))
def test_an_absent_part_weakens_nothing(parts):
    assert weakest(*parts, ABSENT) == weakest(*parts)


@given(st.lists(st.floats(1, 3), min_size=1))
def test_of_equal_sources_the_wider_band_is_the_weaker(factors):
    assert weakest(*(Origin("measured", factor=f) for f in factors)).factor == max(factors)


@given(measurements)
def test_the_band_holds_the_energy(cost):
    assert cost.energy_j.low <= cost.total_j * (1 + 1e-12)
    assert cost.total_j <= cost.energy_j.high * (1 + 1e-12)


def test_the_bands_of_components_are_added():
    cost = Measurement(
        cpu_j=18, ram_j=20, cpu_origin=Origin("modelled", factor=1.8), ram_origin=Origin(factor=2)
    )
    assert (cost.energy_j.low, cost.energy_j.high) == pytest.approx((20, 72.4))
    assert cost.energy_wh.high == pytest.approx(72.4 / 3600)


def test_what_follows_from_energy_has_its_band_in_proportion():
    known = Origin("modelled", factor=2)
    cost = Measurement(cpu_j=7200, idle_j=3600, co2_g=6, cpu_origin=known)
    assert cost.energy_wh == Amount(2, 1, 4)
    assert cost.emissions_g == Amount(6, 3, 12)
    assert cost.net_wh == Amount(1, 0.5, 2)
    assert Measurement(cpu_j=7200, cpu_origin=known).net_wh is None


def test_net_is_above_idle_and_unknown_without_it():
    assert Measurement(cpu_j=30, idle_j=20).net_j == 10
    assert Measurement(cpu_j=30).net_j is None


def test_an_origin_says_all_that_a_reader_must_know():
    guess = Origin("modelled", "a load curve", rated_w=8, rated_from="4 W a thread, a guess")
    assert str(guess) == "modelled: a load curve at 8 W (4 W a thread, a guess)"
    assert str(ABSENT) == "absent"


@pytest.mark.parametrize("combine", [Measurement.__add__, Measurement.__sub__])
@given(a=measurements, b=measurements)
def test_each_component_is_known_as_its_weakest_reading(combine, a, b):
    both = combine(a, b)
    for name in ORIGINS:
        assert getattr(both, name) == weakest(getattr(a, name), getattr(b, name))


def test_a_total_is_known_as_its_weakest_component():
    cost = Measurement(cpu_origin=Origin("measured"), ram_origin=Origin("assumed"))
    assert cost.source == "assumed"
    assert Measurement().source == "absent"


def test_a_measurement_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Measurement().wall_s = 1.0


def test_a_number_is_no_measurement():
    with pytest.raises((TypeError, AttributeError)):
        Measurement() + 1
    with pytest.raises(TypeError):
        1 + Measurement()


@given(measurements)
def test_a_measurement_outlives_its_process(cost):
    assert from_fields(json.loads(json.dumps(dataclasses.asdict(cost)))) == cost


def test_a_measurement_of_the_first_schema_is_read():
    kept = {"wall_s": 2.0, "cpu_j": 3.0, "co2_g": 0.1}
    sources = {"cpu_source": "modelled", "ram_source": "assumed", "gpu_source": "absent"}
    read = from_fields({**kept, **sources})
    assert amounts(read) == amounts(Measurement(**kept))
    assert [origin.source for origin in origins_of(read)] == list(sources.values())
    assert not read.energy_j.is_banded, "it told no band"
    banded = replace(read, cpu_origin=Origin("measured", factor=1.05))
    assert not (banded + read).energy_j.is_banded
