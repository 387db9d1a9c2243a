"""From a laptop to a cluster, the short of it: real services, and trials that sleep."""

import subprocess
import sys
from collections import Counter

import optuna
import pytest

from ecotrack import metrics
from ecotrack.measurement import J_PER_WH
from ecotrack.search.study import Study
from ecotrack.tracking import Store
from tests.cluster.services import SECRET, scheduler, status_of, worker
from tests.cluster.sleeping import EXPERIMENT, OBJECTIVES, Job, coordinate
from tests.conftest import ROOT

FIRST_START = """
import os, sys
os.environ["MLFLOW_TRACKING_URI"] = sys.argv[1]
from pathlib import Path
from ecotrack.search.study import Study
from ecotrack.tracking import Store
place = Path(sys.argv[2]) if sys.argv[2].startswith("/") else sys.argv[2]
children = []
for number in range(6):
    child = os.fork()
    if not child:
        try:
            Store().experiment_id(f"of-{number}")
            Study(place, "s", {"good": "maximize", "bad": "minimize"})
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


def first_start(uri: str, place: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", FIRST_START, uri, place]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)


def test_many_processes_that_come_first_to_sqlite_set_it_up_once(tmp_path):
    done = first_start(f"sqlite:///{tmp_path}/mlflow.db", f"{tmp_path}/optuna.db")
    assert done.stdout.strip() == str([0] * 6), done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", "optuna.db"}


def test_many_processes_that_come_first_to_postgresql_set_it_up_once(pg, database):
    done = first_start(database, pg.new("first_start_of_optuna"))
    assert done.stdout.strip() == str([0] * 6), done.stderr


def check_whole(storage: str, parent_id: str, trials: int) -> None:
    """Nothing lost, nothing doubled: the study and its runs tell the same."""
    store = Store()
    study = Study(storage, "sleeping", OBJECTIVES.directions)
    assert len(study.finished) == trials
    states = Counter(
        t.state for t in optuna.load_study(study_name="sleeping", storage=storage).trials
    )
    assert states[optuna.trial.TrialState.RUNNING] == states[optuna.trial.TrialState.WAITING] == 0
    children = store.children(parent_id)
    finished = {run.run_id: run for run in children if run.status == "FINISHED"}
    assert sorted(finished) == sorted(trial.run_id for trial in study.finished)
    for trial in study.finished:
        assert finished[trial.run_id].metrics[metrics.EMISSIONS_G] == pytest.approx(trial.values[1])
        assert metrics.PARETO_TAG in finished[trial.run_id].tags
    assert {run.status for run in children} <= {"FINISHED", "FAILED", "KILLED"}
    parent = store.view(parent_id)
    assert parent.status == "FINISHED"
    (only,) = store.runs(EXPERIMENT, {metrics.KIND_TAG: "search"})
    assert only.run_id == parent_id
    spent = sum(
        run.metrics.get(metrics.RUN_WH, run.metrics.get(metrics.TOTAL_WH, 0)) for run in children
    )
    assert parent.metrics[metrics.SEARCH_WH] >= spent > 0
    assert parent.metrics[metrics.SEARCH_WH] == pytest.approx(study.cost.energy_j.value / J_PER_WH)


def test_two_workers_carry_a_study_out_through_a_server(signed_in, database, tmp_path):
    placed = scheduler(tmp_path / "scheduler", signed_in).start().ready()
    address = f"tcp://127.0.0.1:{placed.port}"
    workers = [worker(tmp_path / f"worker{n}", address, signed_in).start() for n in range(2)]
    try:
        parent = coordinate(Job(database, 6), address)
        check_whole(database, parent, 6)
        assert coordinate(Job(database, 6), address) == parent  # nothing is left to do
        check_whole(database, parent, 6)
    finally:
        for service in (*workers, placed):
            service.stop()
    processes = {run.tags[metrics.PROCESS_TAG] for run in Store().children(parent)}
    assert len(processes) == 2


def test_a_stranger_is_refused(served):
    uri = f"http://127.0.0.1:{served.port}"
    assert status_of(f"{uri}/api/2.0/mlflow/experiments/search?max_results=1") == 401
    assert status_of(f"{uri}/api/2.0/mlflow-artifacts/artifacts") == 401


def test_no_password_is_in_the_logs_the_dump_or_the_artifacts(pg, served, signed_in):
    Store().experiment_id("any")
    assert SECRET not in served.log.read_text()
    assert SECRET not in pg.dump("mlflow")
    files = [path for path in served.folder.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
