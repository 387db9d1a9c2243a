"""Numbers as people read them."""

import math

import pytest

from ecotrack import metrics, reading
from ecotrack.amount import Amount, banded
from ecotrack.measurement import Measurement, Origin
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


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Amount(0.00123, 0.000683, 0.002214), "1.23 mWh (0.683–2.21)"),
        (Amount(1.2, 0.7, 2.2), "1.2 Wh (0.7–2.2)"),
        (Amount(0.9, 0.5, 1.62), "900 mWh (500–1620)"),
        (Amount(100, 95.2, 105), "100 Wh (95.2–105)"),
        (banded(1.2, None, None), "1.2 Wh"),
        (Amount(1.2, 1.2, 1.2), "1.2 Wh"),
        (Amount(-1.2, -0.6, -2.4), "-1.2 Wh"),
        (Amount(), "0 Wh"),
    ],
)
def test_a_band_is_in_brackets_in_the_unit_of_its_figure(figure, text):
    assert reading.amount(figure, "Wh") == text


def test_costs_are_read_with_their_bands():
    known = Origin("modelled", "a curve", factor=2)
    cost = Measurement(1.0, 0.5, cpu_j=7200, idle_j=3600, co2_g=6, cpu_origin=known)
    (row,) = reading.costs({"training": cost})
    assert row == {
        "phase": "training",
        "time": "1.00 s",
        "CPU time": "500 ms",
        "energy": "2 Wh (1–4)",
        "net": "1 Wh (0.5–2)",
        "emissions": "6 g (3–12)",
    }


def test_scores_are_read_once_with_their_bands():
    predictions = metrics.with_band(metrics.INFERENCE_WH_PER_1K, Amount(2, 1, 4))
    rows = reading.scores({**predictions, metrics.INFERENCE_G_PER_1K: 6, metrics.LATENCY_MS: 1.5})
    assert [row["value"] for row in rows] == ["2 Wh (1–4)", "6 g CO2e (3–12)", "1.5 ms"]


def test_how_energy_is_known_is_read_from_tags():
    cost = Measurement(
        cpu_origin=Origin("modelled", "a curve", 65, "given"), ram_origin=Origin("assumed")
    )
    tags = {**metrics.source_tags(cost), metrics.WALL_TAG: "not metered, up to × 1.5 (X)"}
    known = "CPU modelled: a curve at 65 W (given); RAM assumed"
    assert reading.known_from(tags) == f"{known}; wall not metered, up to × 1.5 (X)"
    assert reading.known_from(metrics.source_tags(Measurement(gpu_origin=Origin(how="none")))) == ""
    assert reading.known_from({}) == ""


def test_what_no_meter_sees_is_told_once_for_each_machine():
    tags = [{metrics.WALL_TAG: wall} for wall in ("up to × 2", "up to × 1.3", "up to × 2")]
    said = reading.legend([*tags, {}])
    assert said.endswith("go. At the wall: up to × 2. At the wall: up to × 1.3.")
    assert reading.legend([{}]).endswith("meters go.")


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
    assert reading.quantity(0.9996, "g") == "1 g", "and not 1e+03 mg"
