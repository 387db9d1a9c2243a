"""The store of runs: where it lies, and what it does with runs whose process is gone."""

import subprocess
import sys
import time

from ecotrack import metrics
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


def test_a_killed_run_that_held_its_result_is_finished_after_all(home: Home):
    store = Store()
    run_id = store.client.create_run("0").info.run_id
    for _ in range(2):  # with the reason of a kill, and without
        store.finish(run_id)
        assert status(store, run_id) == "FINISHED"
        assert metrics.REASON_TAG not in store.client.get_run(run_id).data.tags
        store.kill(run_id, "its process was killed")
