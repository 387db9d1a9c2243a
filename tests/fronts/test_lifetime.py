import math

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack.fronts.lifetime import (
    G_PER_KG,
    S_PER_YEAR,
    break_even,
    embodied_g,
    lifetime_g,
    operational_g,
    sci,
)

grams = st.floats(0, 1e9)
predictions = st.floats(0, 1e18)


def test_a_life_is_training_and_predictions():
    assert lifetime_g(5.0, 0.25, 8_000) == 5.0 + 8 * 0.25


@given(grams, grams)
def test_a_model_that_predicts_nothing_cost_its_training(training_g, inference_g):
    assert lifetime_g(training_g, inference_g, 0) == training_g


@given(grams, grams, predictions, predictions)
def test_more_predictions_never_cost_less(training_g, inference_g, fewer, more):
    fewer, more = sorted((fewer, more))
    costs = [lifetime_g(training_g, inference_g, n) for n in (fewer, more)]
    assert costs == sorted(costs)


@given(grams, grams, st.floats(0, 1e6), st.floats(0, 1e6))
def test_each_prediction_costs_the_same(training_g, inference_g, n, further):
    whole = lifetime_g(training_g, inference_g, n + further)
    in_two_steps = lifetime_g(lifetime_g(training_g, inference_g, n), inference_g, further)
    assert whole == pytest.approx(in_two_steps)


def test_a_dearer_training_is_paid_back_by_cheaper_predictions():
    sturdy, quick = (10.0, 0.1), (1.0, 1.0)  # (training g, g of 1,000 predictions)
    assert lifetime_g(*sturdy, 9_000) > lifetime_g(*quick, 9_000)
    assert lifetime_g(*sturdy, 10_000) == pytest.approx(lifetime_g(*quick, 10_000))
    assert lifetime_g(*sturdy, 11_000) < lifetime_g(*quick, 11_000)


# Prices: each formula is evaluated with quantities that carry their units. A wrong product has
# another dimension, and cannot be turned into grams.

UREG = pint.UnitRegistry()
UREG.define("use = [use]")
Q = UREG.Quantity
positive = st.floats(1e-9, 1e9)
UNITS = {"energy": ("Wh", "kWh", "J", "MJ"), "mass": ("mg", "g", "kg"), "time": ("s", "h", "days")}


def of(kind: str) -> st.SearchStrategy:
    return st.builds(lambda number, unit: Q(number, unit), positive, st.sampled_from(UNITS[kind]))


intensities = st.builds(lambda mass, energy: mass / energy, of("mass"), of("energy"))
pues = st.floats(1, 3)
shares = st.floats(0, 1)


@given(of("energy"), pues, intensities)
def test_operational_emissions_are_grams_whatever_units_go_in(energy, pue, intensity):
    with_units = operational_g(energy_kwh=energy, pue=pue, intensity_g_per_kwh=intensity)
    named = operational_g(
        energy_kwh=energy.m_as("kWh"), pue=pue, intensity_g_per_kwh=intensity.m_as("g/kWh")
    )
    assert with_units.check("[mass]")
    assert with_units.m_as("g") == pytest.approx(named)


@given(of("mass"), of("time"), of("time"), shares)
def test_embodied_emissions_are_grams_whatever_units_go_in(machine, reserved, lifespan, share):
    with_units = embodied_g(
        machine_g=machine, reserved_s=reserved, lifespan_s=lifespan, share=share
    )
    named = embodied_g(
        machine_g=machine.m_as("g"),
        reserved_s=reserved.m_as("s"),
        lifespan_s=lifespan.m_as("s"),
        share=share,
    )
    assert with_units.check("[mass]")
    assert with_units.m_as("g") == pytest.approx(named)


@given(of("mass"), of("mass"), positive)
def test_a_score_is_grams_for_each_use(operational, embodied, uses):
    with_units = sci(
        operational_g=operational, embodied_g=embodied, functional_units=Q(uses, "use")
    )
    named = sci(
        operational_g=operational.m_as("g"), embodied_g=embodied.m_as("g"), functional_units=uses
    )
    assert with_units.check("[mass]/[use]")
    assert with_units.m_as("g/use") == pytest.approx(named)


def test_a_wasteful_data_centre_emits_more():
    assert operational_g(energy_kwh=2, pue=1.5, intensity_g_per_kwh=100) == pytest.approx(300)


def test_power_in_the_place_of_energy_is_found_out():
    assert not operational_g(energy_kwh=Q(1, "kW"), pue=1, intensity_g_per_kwh=Q(1, "g/kWh")).check(
        "[mass]"
    )


def test_a_life_and_a_break_even_have_their_dimensions():
    assert lifetime_g(Q(1, "kg"), Q(2, "g"), 5000).m_as("g") == pytest.approx(1010)
    assert Q(break_even(Q(1, "kg"), Q(3, "g"), Q(1, "g"))).m_as("") == pytest.approx(500)


def test_the_constants_are_the_units_they_name():
    assert Q(1, "kg").m_as("g") == pytest.approx(G_PER_KG)
    assert Q(365, "days").m_as("s") == S_PER_YEAR


GOOD = {
    operational_g: {"energy_kwh": 1.0, "pue": 1.0, "intensity_g_per_kwh": 1.0},
    embodied_g: {"machine_g": 1.0, "reserved_s": 1.0, "lifespan_s": 1.0, "share": 1.0},
    sci: {"operational_g": 1.0, "embodied_g": 1.0, "functional_units": 1.0},
}
AT_LIMIT = {"pue": (1.0, 0.99), "lifespan_s": (1e-9, 0.0), "functional_units": (1e-9, 0.0)}
NAMES = [(formula, name) for formula, arguments in GOOD.items() for name in arguments]


@pytest.mark.parametrize(("formula", "name"), NAMES, ids=[name for _, name in NAMES])
def test_nonsense_is_refused_by_its_name(formula, name):
    lowest, below = AT_LIMIT.get(name, (0.0, -1e-9))
    assert formula(**{**GOOD[formula], name: lowest}) >= 0
    for nonsense in (below, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"^{name} must be"):
            formula(**{**GOOD[formula], name: nonsense})


def test_more_than_the_whole_machine_is_refused():
    with pytest.raises(ValueError, match="share must be between 0 and 1,"):
        embodied_g(**{**GOOD[embodied_g], "share": 1.01})


# The worked examples of the specifications, and their slips: what the same inputs really give.

HOUR, YEARS_4 = Q(1, "hour"), Q(4 * 365, "days")


def test_the_specification_s_hour_of_a_machine():
    """ISO/IEC 21031, "Embodied emissions": 1000 kg over four years, one hour: "around 28 g"."""
    hour = embodied_g(machine_g=Q(1000, "kg"), reserved_s=HOUR, lifespan_s=YEARS_4, share=1)
    assert hour.m_as("g") == pytest.approx(28.5, abs=0.05)


@pytest.mark.parametrize(
    ("energy_kwh", "machine_kg", "share", "operational", "embodied", "printed_sum"),
    [
        pytest.param(0.048, 1433.12, 2 / 16, 45.648, 5.112, 50.76, id="database server"),
        pytest.param(0.01529, 0, 1, 14.54, 0, 14.54, id="network"),
    ],
)
def test_the_case_study_of_the_green_software_foundation(
    energy_kwh, machine_kg, share, operational, embodied, printed_sum
):
    """The case study eShoppen: an hour in India, 951 g/kWh, machines of four years."""
    o = operational_g(energy_kwh=energy_kwh, pue=1, intensity_g_per_kwh=951)
    m = embodied_g(
        machine_g=machine_kg * G_PER_KG, reserved_s=3600, lifespan_s=4 * S_PER_YEAR, share=share
    )
    assert o == pytest.approx(operational, abs=0.005)
    assert m == pytest.approx(embodied, abs=0.005)
    total = sci(operational_g=o, embodied_g=m, functional_units=1)
    assert total == pytest.approx(printed_sum, abs=0.005)


def test_a_digit_that_the_case_study_lost():
    """Its application server: M is 4.3005 g and was printed as 4.305, and the sum with it."""
    o = operational_g(energy_kwh=0.0656, pue=1, intensity_g_per_kwh=951)
    m = embodied_g(
        machine_g=1205.52 * G_PER_KG, reserved_s=3600, lifespan_s=4 * S_PER_YEAR, share=2 / 16
    )
    assert m == pytest.approx(4.3005, abs=5e-5)
    assert o + 4.305 == pytest.approx(66.6906)
    assert sci(operational_g=o, embodied_g=m, functional_units=1) == pytest.approx(
        66.6861, abs=1e-4
    )


@pytest.mark.parametrize(
    ("operational_kg", "embodied_kg", "uses", "per", "right", "printed"),
    [
        pytest.param(3200, 0, 40e6, 1, "0.08 g", "0.08 g", id="vision, each inference"),
        pytest.param(5000, 1500, 50e9, 1e6, "130 g", "0.13 g", id="language, a million tokens"),
        pytest.param(180e3, 20e3, 5e22, 1e18, "4 kg", "4 g", id="language, 10^18 FLOP"),
        pytest.param(75e3, 0, 2.5e9, 1e9, "30000 kg", "30 kg", id="vision, a billion weights"),
    ],
)
def test_sci_for_ai_and_three_slips_of_a_thousand(
    operational_kg, embodied_kg, uses, per, right, printed
):
    """SCI for AI, chapter 9: one of its four results is what its inputs give."""
    each = sci(
        operational_g=Q(operational_kg, "kg"),
        embodied_g=Q(embodied_kg, "kg"),
        functional_units=Q(uses, "use"),
    )
    result = each * Q(per, "use")
    assert result.m_as("g") == pytest.approx(Q(right).m_as("g"))
    slip = (result / Q(printed)).m_as("")
    assert slip == pytest.approx(1 if right == printed else 1000)
