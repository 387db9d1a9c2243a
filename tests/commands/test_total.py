"""`python -m ecotrack total`: all that was spent is in it, once."""

import contextlib
import ctypes
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ecotrack import Measurement, Result, metrics
from ecotrack.commands import total
from ecotrack.commands.bill import Bill, bills
from ecotrack.measurement import Origin
from ecotrack.tracking import Record, Store
from tests.conftest import ROOT, Home

COST = Measurement(wall_s=2.0, cpu_j=3600.0, co2_g=0.5, cpu_origin=Origin("measured"))  # 1 Wh


def keep(store: Store, experiment: str, error: type | None = None, name: str = "a run") -> str:
    """A run that cost 1 Wh and ended well, or by an error."""
    tags = {metrics.KIND_TAG: "train"}
    with contextlib.suppress(error or ()), store.run(experiment, name, {}, tags) as record:
        record.log(Result({"training": COST}))
        if error:
            raise error
    return record.run_id


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    total.main([])
    return re.sub(" +", " ", capsys.readouterr().out)


def test_failed_killed_repeated_and_deleted_runs_are_in_it(home: Home, capsys):
    store = Store()
    for error in (None, None, ValueError, SystemExit):
        keep(store, "a", error)
    store.client.delete_run(keep(store, "b"))
    out = printed(capsys)
    assert "\n a 4 4 Wh 2 g 0 \n" in out
    assert "\n b 1 1 Wh 500 mg 0 \n" in out
    assert "\n measured 5 5 Wh 2.5 g 0 \n" in out
    assert "In all 5 Wh and 2.5 g CO2e: 5 runs (3 FINISHED, 1 FAILED, 1 KILLED)" in out
    assert "0 of them within others, 1 deleted." in out
    assert "Not known" not in out


def test_sums_have_the_bands_of_their_runs(home: Home, capsys):
    store = Store()
    known = {"cpu_origin": Origin("modelled", factor=2)}
    for cost in (replace(COST, **known), replace(COST, cpu_origin=Origin("measured", factor=1.25))):
        with store.run("a", "a run", {}, {}) as record:
            record.log(Result({"training": cost}))
    out = printed(capsys)
    assert "\n a 2 2 Wh (1.3–3.25) 1 g (0.65–1.62) 0 \n" in out
    assert "\n measured 1 1 Wh (0.8–1.25) 500 mg (400–625) 0 \n" in out
    assert "In all 2 Wh (1.3–3.25) and 1 g (0.65–1.62) CO2e: 2 runs" in out


def test_a_deleted_experiment_was_paid_for_too(home: Home, capsys):
    store = Store()
    keep(store, "a")
    store.client.delete_experiment(store.experiment_id("a"))
    assert "\n a 1 1 Wh 500 mg 0 \n" in printed(capsys)


def test_months_are_those_in_which_runs_began_in_utc(home: Home, capsys):
    store = Store()
    for moment in ("2026-04-30T23:59:59", "2026-05-01T00:00:00", "2026-05-31T23:59:59"):
        began = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        run = store.client.create_run("0", start_time=int(began.timestamp() * 1000))
        Record(run.info.run_id).log(Result({"training": COST}))
    out = printed(capsys)
    assert "\n 2026-04 1 1 Wh 500 mg 0 \n" in out
    assert "\n 2026-05 2 2 Wh 1 g 0 \n" in out


def test_what_is_not_known_is_said(home: Home, capsys):
    store = Store()
    keep(store, "a")
    with store.run("a", "chosen", {}, {metrics.KIND_TAG: "choose"}) as record:
        record.write(values={metrics.EMISSIONS_G: 9.0})  # a copy of what its model cost
    for _ in range(2):
        with contextlib.suppress(SystemExit), store.run("a", "killed", {}, {}):
            raise SystemExit
    out = printed(capsys)
    assert "In all 1 Wh and 500 mg CO2e: 4 runs" in out
    assert "Runs without energy figures: 3 (2 other KILLED, 1 choose FINISHED)." in out
    assert "\n a 4 1 Wh 500 mg 3 \n" in out


def test_what_was_never_measured_has_no_energy_of_zero(home: Home, capsys):
    with contextlib.suppress(SystemExit), Store().run("a", "killed", {}, {}):
        raise SystemExit
    assert "\n a 1 unknown unknown 1 \n" in printed(capsys)


def without_power_over_files() -> None:
    """Even root may then not write what its mode forbids."""
    bounding_set_drop, dac_override = 24, 1
    ctypes.CDLL(None).prctl(bounding_set_drop, dac_override, 0, 0, 0)


@pytest.mark.parametrize(
    "words",
    [["total"], ["price"], ["compare", "--first=one", "--second=two"]],
    ids=lambda words: words[0],
)
def test_what_only_reads_takes_a_store_that_cannot_be_written(home: Home, words):
    for name in ("one", "two"):
        keep(Store(), "a", name=name)
    (home.folder / "mlflow.db").chmod(0o444)
    home.folder.chmod(0o555)
    try:
        before = sorted(home.folder.rglob("*"))
        done = subprocess.run(
            [sys.executable, "-m", "ecotrack", *words],
            cwd=ROOT,
            env=home.env,
            capture_output=True,
            text=True,
            preexec_fn=without_power_over_files,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert " Wh " in done.stdout
        assert sorted(home.folder.rglob("*")) == before
    finally:
        home.folder.chmod(0o755)


def test_what_cannot_be_right_is_marked(home: Home, capsys):
    store = Store()
    keep(store, "a")
    with store.run("a", "broken", {}, {}) as record:
        record.log(Result({"training": replace(COST, wall_s=-1.0)}))
    out = printed(capsys)
    assert "\n cannot be right 1 1 Wh 500 mg 0 \n" in out
    assert "\n measured 1 1 Wh 500 mg 0 \n" in out
    assert "Cannot be right, 1 of 2 runs: broken " in out
    assert "(training: the clock went backwards, by 1 s)." in out


def test_an_empty_store_says_so(home: Home, capsys):
    assert printed(capsys) == "The store holds no runs yet.\n"


def test_a_study_is_its_own_figure_and_not_its_trials_again(study_home: Home):
    store = Store()
    (study,) = store.runs("fashion-mnist-search", {metrics.KIND_TAG: "search"})
    spent = study.metrics[metrics.SEARCH_WH], study.metrics[metrics.SEARCH_G]
    trials = sum(child.metrics[metrics.TOTAL_WH] for child in store.children(study.run_id))
    billed = sum((bill for _, bill in bills(store.all_runs(deleted=True))), Bill())
    assert (billed.energy_wh, billed.emissions_g) == pytest.approx(spent)
    assert 0 < trials < billed.energy_wh
    done = study_home.command(sys.executable, "-m", "ecotrack", "total")
    assert done.returncode == 0, done.stderr
    assert "fashion-mnist-search" in done.stdout
    assert "1 choose FINISHED" in done.stdout
    assert done.stderr == ""


def test_parts_of_an_experiment_are_within_its_process(home: Home):
    small = ("--sizes=1000", "--algorithms=sorted,np-quicksort", "--repeats=2")
    assert home.python("sorting", *small).returncode == 0
    store = Store()
    (run,) = store.runs("sorting", {metrics.KIND_TAG: "sorting"})
    parts = store.children(run.run_id)
    assert len(parts) == 2
    billed = sum((bill for _, bill in bills(store.all_runs())), Bill())
    assert billed.energy_wh == run.metrics[metrics.RUN_WH]
    assert billed.energy_wh > sum(part.metrics[metrics.TOTAL_WH] for part in parts) > 0
