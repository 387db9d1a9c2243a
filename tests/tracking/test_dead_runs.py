"""Runs whose process is gone: what they had cost is kept, and they are closed."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from ecotrack import host, metrics
from ecotrack.measurement import Measurement
from ecotrack.meters.book import Known, Line, encode
from ecotrack.meters.codecarbon import ScriptedMeter
from ecotrack.meters.ledger import Ledger
from ecotrack.tracking import Store, dead_runs, sessions
from ecotrack.tracking.dead_runs import UNTAKEN_S
from tests.conftest import ROOT, Home
from tests.test_host import renamed


def status(store: Store, run_id: str) -> str:
    return store.client.get_run(run_id).info.status


def test_runs_of_dead_processes_are_closed_and_others_are_left(home: Home):
    store = Store()
    dead = subprocess.run(
        [sys.executable, "-c", "from ecotrack import host; print(host.process_id())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.strip()
    long_ago_ms = int((time.time() - 2 * UNTAKEN_S) * 1000)
    project = {"mlflow.project.entryPoint": "train", "mlflow.source.name": f"file://{ROOT}"}
    elsewhere = {**project, "mlflow.source.name": "file:///elsewhere"}
    expected = {
        store.client.create_run("0", tags={metrics.PROCESS_TAG: dead}).info.run_id: "KILLED",
        store.client.create_run("0", long_ago_ms, project).info.run_id: "KILLED",
        store.client.create_run("0", long_ago_ms, elsewhere).info.run_id: "RUNNING",
        store.client.create_run("0", tags=project).info.run_id: "RUNNING",
        store.client.create_run("0").info.run_id: "RUNNING",
    }
    with store.run("train", "a run of this process", {}, {}) as record:
        dead_runs.close(store)
        assert {run_id: status(store, run_id) for run_id in expected} == expected
        assert status(store, record.run_id) == "RUNNING"
    assert status(store, record.run_id) == "FINISHED"


KNOWN = Known(Measurement(wall_s=30, cpu_j=7200, co2_g=2), extrapolated_s=4.06, shared=False)


def test_what_a_killed_run_had_cost_goes_into_it_once(home: Home):
    store = Store()
    run_id = store.client.create_run("0").info.run_id
    for known in (KNOWN, replace(KNOWN, cost=Measurement(cpu_j=1))):
        assert dead_runs.keep(store, run_id, "elsewhere:1:0", known)
        run = store.view(run_id)
        assert (run.metrics[metrics.RUN_WH], run.metrics[metrics.RUN_G]) == (2, 2)
        assert run.tags[metrics.EXTRAPOLATED_TAG] == "4.1"


def test_what_a_study_s_killed_sessions_had_cost_is_handed_over_once(home: Home):
    store = Store()
    run_id = store.client.create_run("0").info.run_id
    bill = {}
    for process in ("here:1:0", "here:2:0", "here:2:0"):
        assert dead_runs.keep(store, run_id, process, replace(KNOWN, shared=True))
    assert metrics.RUN_WH not in store.view(run_id).metrics
    dead_runs.bill(store, run_id, lambda cost, process: bill.update({process: cost}))
    assert bill == {"here:1:0": KNOWN.cost, "here:2:0": KNOWN.cost}
    kept = {process: sessions.cost_of(cost) for process, cost in bill.items()}
    assert sessions.costs(store.view(run_id).tags) == kept
    bill.clear()
    dead_runs.bill(store, run_id, lambda cost, process: bill.update({process: cost}))
    assert bill == {}


def test_the_ledger_of_a_run_that_is_in_another_store_is_not_settled(home: Home):
    assert not dead_runs.keep(Store(), "0" * 32, "elsewhere:1:0", KNOWN)


def test_a_killed_run_that_held_its_result_is_finished_after_all(home: Home):
    store = Store()
    run_id = store.client.create_run("0").info.run_id
    for _ in range(2):  # with the reason of a kill, and without
        dead_runs.finish(store, run_id)
        assert status(store, run_id) == "FINISHED"
        assert metrics.REASON_TAG not in store.client.get_run(run_id).data.tags
        dead_runs.kill(store, run_id)


OPENED = Line(Measurement(wall_s=1), Measurement(cpu_j=1))
LATER = Line(Measurement(wall_s=9), Measurement(cpu_j=3601))


def ledger_of(process: str, run_id: str, folder: Path) -> Path:
    """What a process left that was killed 8 s and 3,600 J after it had opened a run."""
    path = folder / f"{process}.jsonl"
    path.write_bytes(encode(replace(OPENED, opened=run_id)) + encode(LATER))
    return path


def test_what_is_no_ledger_is_left_alone_and_told_in_one_line(home: Home, tmp_path, capsys):
    store = Store()
    run_id = store.client.create_run("0").info.run_id
    dead = renamed(host.process_id(), birth="1")
    told = ledger_of(dead, run_id, tmp_path)
    copy = ledger_of("backup", run_id, tmp_path)
    garbage = tmp_path / f"{renamed(dead, birth='2')}.jsonl"
    garbage.write_text("a diary\n")
    dead_runs.settle(store, tmp_path)
    assert store.view(run_id).metrics[metrics.RUN_WH] == 1
    assert status(store, run_id) == "KILLED"
    assert (told.exists(), copy.exists(), garbage.exists()) == (False, True, True)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"no ledgers, and left alone in {tmp_path}: {copy.name}, {garbage.name}"


def test_a_killed_run_ended_when_its_process_wrote_its_last_line(home: Home, tmp_path):
    store = Store()
    run_id = store.client.create_run("0").info.run_id
    ledger = ledger_of(renamed(host.process_id(), birth="1"), run_id, tmp_path)
    os.utime(ledger, (1.7e9, 1.7e9))
    dead_runs.settle(store, tmp_path)
    assert store.client.get_run(run_id).info.end_time == 1_700_000_000_000


def test_a_ledger_of_a_process_that_lives_is_not_settled(home: Home, tmp_path):
    with Ledger(ScriptedMeter([Measurement()]), tmp_path) as alive:
        alive.open("b")
        assert dead_runs.dead(tmp_path) == []
        alive.close("b")


def test_where_there_is_no_folder_there_is_nothing_to_settle(home: Home, tmp_path, capsys):
    dead_runs.settle(Store(), tmp_path / "never")
    assert capsys.readouterr().err == ""


def test_a_process_out_of_sight_lives_as_long_as_it_holds_its_ledger(
    home: Home, tmp_path, monkeypatch
):
    """As one in another container does, whose PIDs say nothing here."""
    there = renamed(host.process_id(), space="1")
    monkeypatch.setattr("ecotrack.meters.ledger.host.process_id", lambda: there)
    with Ledger(ScriptedMeter([Measurement()]), tmp_path) as alive:
        alive.open("a")
        assert dead_runs.dead(tmp_path) == []
    assert [path.stem for path in dead_runs.dead(tmp_path)] == [there]
