"""`python -m ecotrack price`: the same energy on other grids, and the SCI of what was done."""

import re
import sys
from dataclasses import replace

import pytest

from ecotrack import Measurement, Result, metrics
from ecotrack.amount import Amount
from ecotrack.cli import UserError
from ecotrack.commands import price
from ecotrack.measurement import Origin
from ecotrack.meters.grid import grid
from ecotrack.reading import amount, quantity
from ecotrack.tracking import Store
from tests.conftest import Home

FRA, POL = (grid(country).intensity_g_per_kwh for country in ("FRA", "POL"))
YEAR_S = 365 * 24 * 3600
ONE_WH_J = 3600.0
COST = Measurement(YEAR_S / 1e6, cpu_j=ONE_WH_J, co2_g=0.5, cpu_origin=Origin("measured"))
FIGURES = {
    metrics.EVAL_ACCURACY: 0.9,
    metrics.INFERENCE_WH_PER_1K: 0.25,
    metrics.INFERENCE_S_PER_1K: YEAR_S / 1e7,
}
OUTGROWN = {name: value for name, value in FIGURES.items() if name != metrics.INFERENCE_S_PER_1K}
MACHINE = ("--embodied-kg=400", "--lifetime-years=4")  # 0.1 kg a thousandth of a year


def keep(experiment: str, name: str, result: Result) -> str:
    with Store().run(experiment, name, {}, {metrics.KIND_TAG: "train"}) as record:
        record.log(result)
    return record.run_id


def trained(scores=FIGURES) -> Result:
    return Result({"training": COST}, scores)


def rows(capsys: pytest.CaptureFixture[str], *words: str) -> dict[tuple[str, str], dict[str, str]]:
    """What is printed: (run, unit) -> column -> cell."""
    price.main(words)
    found: dict[tuple[str, str], dict[str, str]] = {}
    heads: list[str] = []
    for line in capsys.readouterr().out.splitlines():
        cells = re.split(r" {2,}", line.strip())
        if cells[0] == "run":
            heads = re.split(r" +", line.strip())
        elif len(cells) == len(heads) > 1:
            row = dict(zip(heads, cells, strict=True))
            found[row["run"], row["per"]] = row
    return found


def test_energy_is_priced_by_each_country_s_grid_and_by_pue(home: Home, capsys):
    keep("a", "forest", trained())
    shown = rows(capsys, "--country=FRA,pol,FRA", "--pue=1.5")
    for unit, wh in (("run", 1.0), ("training", 1.0), ("1,000 predictions", 0.25)):
        row = shown["forest", unit]
        assert row["energy"] == quantity(wh, "Wh")
        assert row["FRA"] == quantity(1.5 * wh * FRA / 1000, "g")
        assert row["POL"] == quantity(1.5 * wh * POL / 1000, "g")
        assert row["known"] == "measured"
        assert list(row) == ["run", "id", "per", "energy", "known", "FRA", "POL"]


def test_a_share_of_making_the_machine_is_added_once_it_is_declared(home: Home, capsys):
    keep("a", "forest", trained())
    shown = rows(capsys, "--country=FRA", *MACHINE, "--share=0.5")
    made_g = 400e3 * 0.5 / 4
    assert shown["forest", "training"]["FRA"] == quantity(FRA / 1000 + made_g / 1e6, "g")
    assert shown["forest", "1,000 predictions"]["FRA"] == quantity(FRA / 4000 + made_g / 1e7, "g")


def test_energy_and_its_price_have_the_band_of_their_meters(home: Home, capsys):
    banded = replace(COST, cpu_origin=Origin("modelled", factor=2))
    each = {**FIGURES, metrics.INFERENCE_WH_PER_1K: 0.25}
    each |= metrics.with_band(metrics.INFERENCE_WH_PER_1K, Amount(0.25, 0.2, 0.5))
    keep("a", "forest", Result({"training": banded}, each))
    curves = {metrics.SORT_UJ: {1000: 3.0}, metrics.SORT_NS: {1000: 30.0}}
    keep("sorting", "some-sort", Result({"sorting": banded}, curves=curves))
    shown = rows(capsys, "--country=FRA", *MACHINE)
    made_g = 400e3 / 4 / 1e6
    grams = [amount_g + made_g for amount_g in (FRA / 1000, FRA / 2000, FRA / 500)]
    assert shown["forest", "training"]["energy"] == "1 Wh (0.5–2)"
    assert shown["forest", "training"]["FRA"] == amount(Amount(*grams), "g")
    assert shown["forest", "1,000 predictions"]["energy"] == "250 mWh (200–500)"
    of_sort = shown["some-sort", "element sorted, in arrays of 1,000"]
    assert of_sort["energy"] == "3 µJ (1.5–6)"


def test_a_score_says_what_it_is_made_of(home: Home, capsys):
    keep("a", "forest", trained())
    price.main(["--country=FRA"])
    out = capsys.readouterr().out
    assert "SCI of each functional unit, M not declared" in out
    assert f"FRA: {FRA:g} g/kWh in 2023, codecarbon global_energy_mix" in out
    price.main(["--country=FRA", "--pue=1.2", *MACHINE])
    out = capsys.readouterr().out
    assert "SCI of each functional unit, M included" in out
    assert "PUE 1.2; M is of 400 kg over 4 years, share 1" in out
    assert "not declared" not in out


def test_without_its_time_a_unit_has_no_share_of_the_machine(home: Home, capsys):
    keep("a", "forest", trained(OUTGROWN))
    assert rows(capsys, *MACHINE)["forest", "1,000 predictions"]["WORLD"] == "unknown"
    assert rows(capsys)["forest", "1,000 predictions"]["WORLD"] != "unknown"


def test_the_unit_of_a_sort_is_an_element_of_the_largest_array(home: Home, capsys):
    curves = {
        metrics.SORT_UJ: {1000: 3.0, 100_000: 2.0, 10_000: 9.0},
        metrics.SORT_NS: {1000: 30.0, 100_000: 20.0, 10_000: 90.0},
    }
    keep("sorting", "some-sort", Result({"sorting": COST}, curves=curves))
    shown = rows(capsys, "--country=FRA")
    assert set(shown) == {
        ("some-sort", "run"),
        ("some-sort", "element sorted, in arrays of 100,000"),
    }
    row = shown["some-sort", "element sorted, in arrays of 100,000"]
    assert row["energy"] == "2 µJ"
    assert row["FRA"] == quantity(2e-6 / 3.6e6 * FRA, "g")


def test_the_unit_of_pi_is_a_sample(home: Home, capsys):
    keep("pi", "lanes", Result(scores={metrics.PI_NJ: 0.5, metrics.PI_NS: 0.1}))
    row = rows(capsys, "--country=FRA")["lanes", "sample of π"]
    assert row["energy"] == "500 pJ"
    assert row["FRA"] == quantity(0.5e-9 / 3.6e6 * FRA, "g")


def test_runs_are_chosen_by_experiment_and_by_id(home: Home, capsys):
    forest = keep("a", "forest", trained())
    keep("b", "tree", trained())
    with Store().child(forest, "leaf", {}, {}) as child:
        child.log(trained())
    assert {name for name, _ in rows(capsys)} == {"forest", "leaf", "tree"}
    assert {name for name, _ in rows(capsys, "--experiment=b")} == {"tree"}
    assert {name for name, _ in rows(capsys, f"--run={forest[:12]}")} == {"forest", "leaf"}
    assert {name for name, _ in rows(capsys, f"--run={child.run_id}")} == {"leaf"}
    assert ("leaf", "run") not in rows(capsys), "it lies within the forest"


def test_runs_without_figures_are_counted(home: Home, capsys):
    keep("a", "forest", trained())
    keep("a", "nothing", Result())
    price.main([])
    assert "Without energy figures, and so without a price: 1 of 2." in capsys.readouterr().out


def test_pricing_changes_nothing_in_the_store(home: Home):
    run_id = keep("a", "forest", trained())
    before = Store().view(run_id)
    price.main(["--country=POL,FRA,USA"])
    assert Store().view(run_id) == before


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--country=FRA,XXX"], "--country: no carbon intensity is known for country 'XXX'"),
        (["--country=CAF"], "no carbon intensity is known for country 'CAF'"),
        (["--country="], "no carbon intensity is known for country ''"),
        (["--pue=0.9"], "--pue must be at least 1, got 0.9"),
        (["--pue=nan"], "--pue takes NUMBER, got 'nan'"),
        (["--embodied-kg=-1"], "--embodied-kg must be at least 0"),
        (["--embodied-kg=400"], "--embodied-kg and --lifetime-years need each other"),
        (["--lifetime-years=4"], "--embodied-kg and --lifetime-years need each other"),
        ([*MACHINE, "--lifetime-years=0"], "--lifetime-years must be at least 0.01"),
        ([*MACHINE, "--share=1.1"], "--share must be at most 1"),
        (["--experiment=never"], "--experiment: there is no 'never'; there are Default"),
        (["--run=abc"], "--run: no run's id begins with 'abc'"),
    ],
)
def test_nonsense_is_refused(home: Home, words, line):
    with pytest.raises(UserError, match=re.escape(line)):
        price.main(words)


def test_a_real_study_is_priced_anywhere(study_home: Home):
    words = ("price", "--country=POL,FRA,USA", "--embodied-kg=350", "--lifetime-years=4")
    done = study_home.command(sys.executable, "-m", "ecotrack", *words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for expected in ("study fashion-mnist", "training", "1,000 predictions", "POL", "FRA", "USA"):
        assert expected in done.stdout
    assert "unknown" not in done.stdout
