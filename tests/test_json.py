"""With `--json true` stdout is JSON alone, whatever prints a result; and no table has colours."""

import json
import runpy
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ecotrack import metrics, terminal
from ecotrack.__main__ import main
from ecotrack.tracking import Store
from tests.conftest import SMALL, Home
from tests.test_mlproject import ENTRIES

TRAINING = ("--images=1000", "--width=2", "--epochs=1")
EXPERIMENTS = {  # as small as can be
    "main": SMALL,
    "search": SMALL,
    "choose": ("--min-accuracy=0.1",),
    "report": (),
    "train": TRAINING,
    "augmentation": (*TRAINING, "--depth=1", "--families=mlp", "--augmentations=none,flip"),
    "recipes": (
        *("--images=1000", "--reference-epochs=1", "--recipes=pooled-1", "--seeds=1"),
        "--targets=0.1",
    ),
    "sorting": ("--sizes=1000", "--algorithms=np-quicksort,np-stable", "--repeats=2"),
    "pi": ("--samples=10000", "--methods=python,midpoint", "--repeats=2", "--idle-s=1"),
}


@pytest.fixture
def quiet_home(study_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home with a finished study, for commands in this process."""
    monkeypatch.setenv("ECOTRACK_LOCK", str(study_home.folder / "turn.lock"))
    monkeypatch.setenv("ECOTRACK_MACHINE", str(study_home.folder / "machine.json"))
    yield study_home
    terminal.begin(terminal.Shown())


def run(entry: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m experiments.ENTRY`, in this process."""
    monkeypatch.setattr(sys, "argv", [entry, *words])
    monkeypatch.delitem(sys.modules, f"experiments.{entry}", raising=False)
    runpy.run_module(f"experiments.{entry}", run_name="__main__", alter_sys=True)


def printed(capfd: pytest.CaptureFixture[str]) -> Any:
    out, err = capfd.readouterr()
    assert "\x1b" not in out + err, "no colours in a pipe"
    return json.loads(out)


def test_every_entry_point_is_tried():
    assert set(EXPERIMENTS) == set(ENTRIES)


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")  # of MLflow's own
@pytest.mark.parametrize("entry", EXPERIMENTS)
def test_an_experiment_prints_its_result_as_json(quiet_home: Home, entry, capfd, monkeypatch):
    words = [*EXPERIMENTS[entry], "--json=true"]
    run(entry, words, monkeypatch)
    told = printed(capfd)
    if entry == "report":
        assert told["page"].endswith("report.html")
        return
    for one in (told["search"], told["choice"]) if entry == "main" else (told,):
        assert Store().has_run(one["run_id"])
        assert all(isinstance(value, float | int) for value in one["metrics"].values())
        assert one["tables"] or one["costs"]


def test_choose_tells_what_it_chose(quiet_home: Home, capfd, monkeypatch):
    run("choose", ["--min-accuracy=0.1", "--json=true"], monkeypatch)
    told = printed(capfd)
    assert Store().view(told["chosen"]["run_id"]).tags[metrics.PARETO_TAG] == "true"
    assert told["metrics"][metrics.EMISSIONS_G] == told["chosen"]["training_g"]


def test_the_bill_and_the_prices_in_numbers(quiet_home: Home, capfd):
    main(["total", "--json=true"])
    total = printed(capfd)
    (everything,) = total["total"]
    assert everything["energy_wh"] > 0
    assert sum(row["energy_wh"] for row in total["experiment"]) == pytest.approx(
        everything["energy_wh"]
    )
    main(["price", "--country=FRA,POL", "--json=true"])
    prices = printed(capfd)
    assert [grid["country"] for grid in prices["grids"]] == ["FRA", "POL"]
    for row in prices["units"]:
        kwh = row["energy_j"] / 3.6e6
        for grid in prices["grids"]:
            grams = row["emissions"][grid["country"]]["g"]
            assert grams == pytest.approx(kwh * grid["intensity_g_per_kwh"])


def test_a_comparison_in_numbers(quiet_home: Home, capfd):
    first, second, *_ = Store().runs("fashion-mnist-search", {metrics.KIND_TAG: "trial"})
    main(["compare", f"--first={first.run_id}", f"--second={second.run_id}", "--json=true"])
    told = printed(capfd)
    assert (told["first"], told["second"]) == ([first.run_id], [second.run_id])
    time = next(claim for claim in told["claims"] if claim["figure"] == "wall time")
    ratio = second.metrics[metrics.WALL_S] / first.metrics[metrics.WALL_S]
    assert time["ratio"] == pytest.approx(ratio)
    assert time["high"] is None, "one run each: infinite, which JSON has no word for"
    assert time["verdict"] == "no claim"


def test_the_doctor_in_numbers(quiet_home: Home, capfd):
    main(["doctor", "--noise-s=1", "--json=true"])
    told = printed(capfd)
    assert {row["part"] for row in told["energy"]} == {"cpu", "ram", "gpu"}
    assert told["noise"]["ratio"]["ratio"] > 0
    assert told["grid"]["intensity_g_per_kwh"] > 0


def test_exec_sends_the_command_s_output_elsewhere(quiet_home: Home, capfd):
    assert main(["exec", "--json=true", "--", "sh", "-c", "echo hello; exit 3"]) == 3
    out, err = capfd.readouterr()
    told = json.loads(out)
    assert "hello" in err
    assert told["metrics"][metrics.EXIT_CODE] == 3
    assert told["costs"]["command"]["wall_s"] > 0
