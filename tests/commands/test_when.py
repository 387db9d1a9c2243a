"""`python -m ecotrack price --study`: a study priced anywhere, and when to run the next one."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack import Measurement, Result, metrics
from ecotrack.amount import Amount
from ecotrack.cli import UserError
from ecotrack.commands import price, sci
from ecotrack.fronts import pareto
from ecotrack.measurement import Origin
from ecotrack.meters.grid import grid
from ecotrack.reading import quantity
from ecotrack.tracking import Store
from tests.commands.test_price import FIGURES, FRA, POL
from tests.conftest import Home

HOUR = timedelta(hours=1)
ONE_WH = Measurement(1800.0, cpu_j=3600.0, co2_g=0.5, cpu_origin=Origin("measured"))


@pytest.fixture
def study(home: Home) -> str:
    """A study of 3 Wh in half an hour with two models on its front, and one that is beaten."""
    spent = {metrics.SEARCH_WH: 3.0, metrics.SEARCH_G: 1.5, metrics.SEARCH_S: 1800.0}
    with Store().run("s", "study one", {}, {metrics.KIND_TAG: "search"}) as parent:
        for number, (on_front, times) in enumerate((("true", 1.0), ("false", 0.8), ("true", 0.5))):
            tags = {
                metrics.STUDY_TAG: "one",
                metrics.TRIAL_TAG: str(number),
                metrics.PARETO_TAG: on_front,
            }
            cost = replace(ONE_WH, cpu_j=3600.0 * times)
            with Store().child(parent.run_id, f"model {number}", {}, tags) as child:
                child.log(Result({"training": cost}, FIGURES))
        parent.log(Result(scores=spent))
    return parent.run_id


def hours(folder: Path, values: list[float | str], first: datetime | None = None) -> str:
    """A file of hourly values; the first is of the hour that has begun."""
    first = first or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    rows = [f"{(first + n * HOUR).isoformat()},{value}" for n, value in enumerate(values)]
    file = folder / "grid.csv"
    file.write_text("\n".join(["timestamp,g_per_kwh", *rows]))
    return str(file)


def cells(printed: str) -> Iterator[list[str]]:
    for line in printed.splitlines():
        yield re.split(r" {2,}", line.strip())


def test_a_study_is_priced_as_a_whole_and_by_the_models_on_its_front(study: str, capsys):
    price.main(["--study=one", "--country=POL,FRA"])
    out = capsys.readouterr().out
    rows = [row for row in cells(out) if row[0].startswith(("study", "model"))]
    assert [(row[0], row[2]) for row in rows] == [
        ("study one", "run"),
        ("model 2", "training"),
        ("model 2", "1,000 predictions"),
        ("model 0", "training"),
        ("model 0", "1,000 predictions"),
    ]
    assert rows[0][-2:] == [quantity(3 * g / 1000, "g") for g in (POL, FRA)]
    assert rows[1][-2:] == [quantity(0.5 * g / 1000, "g") for g in (POL, FRA)]
    assert "the front is the same everywhere" in out
    price.main(["--study=one", "--embodied-kg=400", "--lifetime-years=4"])
    out = capsys.readouterr().out
    assert "the front is the same everywhere" not in out
    assert "the order of models may be another one" in out


@given(
    st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(0, 1)), min_size=1, max_size=20),
    st.sampled_from(["POL", "FRA", "USA", "WORLD"]),
    st.floats(1, 3),
)
def test_no_price_moves_a_model_past_another(models, country, pue):
    """Nor off the front: in the order of the energies there is the order of the grams."""
    terms, intensity = sci.Terms(pue), grid(country).intensity_g_per_kwh
    grams = [
        terms.emissions_g(sci.Unit("training", Amount(joules), 1.0), intensity).value
        for joules, _ in models
    ]
    accuracies = [accuracy for _, accuracy in models]
    energies = [joules for joules, _ in models]
    before = pareto.front(list(zip(energies, accuracies, strict=True)))
    after = pareto.front(list(zip(grams, accuracies, strict=True)))
    apart = len({*energies}) == len({*grams})  # else rounding made two of them one
    assert not apart or list(before) == list(after)


def test_the_greenest_window_against_now_the_mean_and_the_worst(study: str, tmp_path, capsys):
    """Half an hour of 3 Wh: the third hour is the greenest, the last one the worst."""
    file = hours(tmp_path, [200, 300, 100, 400])
    price.main(["--study=one", f"--hourly={file}", "--pue=2"])
    shown = {row[0]: row for row in cells(capsys.readouterr().out) if len(row) > 3}
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    assert shown["greenest"][1:] == [
        f"{start + 2 * HOUR:%Y-%m-%d %H:%M:%S}+00:00",
        "0.5 h",
        "100 g/kWh",
        "600 mg",
        "1.00 ×",
    ]
    assert shown["worst"][1] == f"{start + 3 * HOUR:%Y-%m-%d %H:%M:%S}+00:00"
    assert shown["worst"][-2:] == ["2.4 g", "0.25 ×"]
    now_g_per_kwh = float(shown["now"][3].split()[0])
    assert 200 <= now_g_per_kwh <= 300
    assert shown["mean"][2].endswith("g/kWh")


def test_windows_are_told_to_programs_too(study: str, tmp_path, capsys):
    price.main(["--study=one", f"--hourly={hours(tmp_path, [200, 300, 100, 400])}", "--json=true"])
    told = json.loads(capsys.readouterr().out)
    greenest, _, _, worst = told["windows"]
    assert (greenest["window"], worst["window"]) == ("greenest", "worst")
    assert (greenest["g"], greenest["g_per_kwh"]) == (pytest.approx(0.3), 100)
    assert worst["greenest_against_it"] == 0.25
    assert datetime.fromisoformat(greenest["begins"]) < datetime.fromisoformat(worst["begins"])


def test_how_long_the_next_one_takes_may_be_told(study: str, tmp_path, capsys):
    file = hours(tmp_path, [200, 300, 100, 400, 150])
    price.main(["--study=one", f"--hourly={file}", "--duration-s=7200"])
    shown = {row[0]: row for row in cells(capsys.readouterr().out) if len(row) > 3}
    assert shown["greenest"][2:5] == ["2 h", "200 g/kWh", "600 mg"]


def test_of_the_past_it_is_said_that_it_is_over(study: str, tmp_path, capsys):
    file = hours(tmp_path, [200, 100, "", 400], datetime(2024, 1, 1, tzinfo=UTC))
    price.main(["--study=one", f"--hourly={file}"])
    out = capsys.readouterr().out
    assert "these are over, and foretell none" in out
    assert "2024-01-01 01:00:00+00:00" in out
    assert "Gaps in the file: 1 h in all" in out
    assert "now  " not in out


def test_of_what_is_to_come_now_is_not_told(study: str, tmp_path, capsys):
    file = hours(tmp_path, [0, 0], datetime.now(UTC) + 5 * HOUR)
    price.main(["--study=one", f"--hourly={file}"])
    out = capsys.readouterr().out
    assert "the file does not hold it" in out
    assert "1.00 ×" in out, "of nothing, nothing is saved"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--study=two"], "--study: there is no 'two' with a trial; there are one"),
        (["--study=one", "--run=abc"], "--study and --run or --experiment exclude each other"),
        (["--study=one", "--experiment=s"], "--study and --run or --experiment exclude each other"),
        (["--hourly=grid.csv"], "--hourly needs --study"),
        (["--study=one", "--duration-s=3600"], "--duration-s needs --hourly"),
        (["--study=one", "--hourly=nowhere.csv"], "No such file"),
    ],
)
def test_nonsense_is_refused(study: str, words, line):
    with pytest.raises(UserError, match=re.escape(line)):
        price.main(words)


def test_a_file_too_short_is_refused_before_anything_is_printed(study: str, tmp_path, capsys):
    file = hours(tmp_path, [200, "", 100, 100])
    with pytest.raises(UserError, match=r"no stretch of the file is 3 h long; .* gap is 2 h"):
        price.main(["--study=one", f"--hourly={file}", "--duration-s=10800"])
    assert capsys.readouterr().out == ""


def test_a_study_of_unknown_cost_has_no_window(home: Home, tmp_path):
    with Store().run("s", "study one", {}, {metrics.KIND_TAG: "search"}) as parent:
        tags = {metrics.STUDY_TAG: "one", metrics.TRIAL_TAG: "0"}
        with Store().child(parent.run_id, "model", {}, tags):
            pass
    with pytest.raises(UserError, match="what study one took is not known yet"):
        price.main(["--study=one", f"--hourly={hours(tmp_path, [1, 2, 3])}"])


def test_a_real_study_has_its_window(study_home: Home, tmp_path):
    words = ("price", "--study=fashion-mnist", "--country=POL,FRA,USA")
    file = hours(tmp_path, [200.5, 100, 400, 300])
    done = study_home.command(sys.executable, "-m", "ecotrack", *words, f"--hourly={file}")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for expected in ("study fashion-mnist", "1,000 predictions", "greenest", "now", "worst"):
        assert expected in done.stdout
