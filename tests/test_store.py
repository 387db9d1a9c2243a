"""The store of runs: where it lies, and what it does with runs whose process is gone."""

import subprocess
import sys
import time
from dataclasses import replace

from ecotrack import metrics
from ecotrack.ledger import Known
from ecotrack.measurement import Measurement
from ecotrack.tracking import Store
from ecotrack.tracking.store import UNTAKEN_S
from tests.conftest import ROOT, Home


def test_the_store_lies_in_the_project_wherever_it_is_asked_for(tmp_path):
    code = "from ecotrack.tracking.store import default_uri; print(default_uri())"
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.stdout.strip() == f"sqlite:///{ROOT / 'mlflow.db'}", done.stderr


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
        assert {run_id: status(store, run_id) for run_id in expected} == expected
        store.close_dead_runs()
        assert status(store, record.run_id) == "RUNNING"
    assert status(store, record.run_id) == "FINISHED"


KNOWN = Known(Measurement(wall_s=30, cpu_j=7200, co2_g=2), extrapolated_s=4.06, shared=False)


def test_what_a_killed_run_had_cost_goes_into_it_once(home: Home):
    store = Store()
    run_id = store.client.create_run("0").info.run_id
    for known in (KNOWN, replace(KNOWN, cost=Measurement(cpu_j=1))):
        assert store.settle(run_id, "elsewhere:1:0", known)
        run = store.view(run_id)
        assert (run.metrics[metrics.RUN_WH], run.metrics[metrics.RUN_G]) == (2, 2)
        assert run.tags[metrics.EXTRAPOLATED_TAG] == "4.1"


def test_what_a_study_s_killed_sessions_had_cost_is_handed_over_once(home: Home):
    store = Store()
    run_id = store.client.create_run("0").info.run_id
    bill = {}
    for process in ("here:1:0", "here:2:0", "here:2:0"):
        assert store.settle(run_id, process, replace(KNOWN, shared=True))
    assert metrics.RUN_WH not in store.view(run_id).metrics
    store.bill(run_id, lambda cost, process: bill.update({process: cost}))
    assert bill == {"here:1:0": KNOWN.cost, "here:2:0": KNOWN.cost}
    bill.clear()
    store.bill(run_id, lambda cost, process: bill.update({process: cost}))
    assert bill == {}


def test_the_ledger_of_a_run_that_is_in_another_store_is_not_settled(home: Home):
    assert not Store().settle("0" * 32, "elsewhere:1:0", KNOWN)


def test_a_killed_run_that_held_its_result_is_finished_after_all(home: Home):
    store = Store()
    run_id = store.client.create_run("0").info.run_id
    for _ in range(2):  # with the reason of a kill, and without
        store.finish(run_id)
        assert status(store, run_id) == "FINISHED"
        assert metrics.REASON_TAG not in store.client.get_run(run_id).data.tags
        store.kill(run_id, "its process was killed")
