"""From a laptop to a cluster, the short of it: real services, and trials that sleep."""

import base64
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests
import sqlalchemy

from ecotrack import metrics
from ecotrack.search import storage
from ecotrack.search.machines import machines
from ecotrack.search.space import Whole
from ecotrack.search.study import Study
from ecotrack.tracking import Store, dead_runs
from ecotrack.tracking import models as saved
from experiments.workloads.fashion import models
from tests.cluster.services import SECRET, scheduler, status_of, until, worker
from tests.cluster.sleeping import Job, coordinate
from tests.cluster.whole import check_whole
from tests.conftest import ROOT, SMALL

SPACE = {"size": Whole(1, 4)}
DIRECTIONS = {"good": "maximize", "bad": "minimize"}
FIRST_START = """
import os, sys
os.environ["MLFLOW_TRACKING_URI"] = sys.argv[1]
from pathlib import Path
from ecotrack.search import storage
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


def test_two_workers_carry_a_study_out_and_leave_no_password(
    pg, served, signed_in, database, tmp_path
):
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
    for text in (pg.dump("mlflow"), pg.dump(database.rpartition("/")[2]), served.log.read_text()):
        assert text
        assert SECRET not in text
    files = [p for p in (*tmp_path.rglob("*"), *served.folder.rglob("*")) if p.is_file()]
    assert placed.log in files
    assert len([path for path in files if path.name == "measurements.json"]) == 6
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_a_machine_without_the_device_ends_the_search_in_one_line(signed_in, database, tmp_path):
    placed = scheduler(tmp_path / "scheduler", signed_in).start().ready()
    address = f"tcp://127.0.0.1:{placed.port}"
    one = worker(tmp_path / "worker", address, signed_in).start()
    options = [*SMALL, "--device=gpu", "--storage", database, "--workers", address]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "experiments.search", *options, "--study=no-gpu"],
            cwd=ROOT,
            env=signed_in,
            capture_output=True,
            text=True,
            timeout=280,
        )
    finally:
        for service in (one, placed):
            service.stop()
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "TensorFlow sees no GPU" in line
    studies = Store().runs("fashion-mnist-search", {metrics.KIND_TAG: "search"})
    assert [run.status for run in studies if run.name == "study no-gpu"] == ["FAILED"]


def test_workers_here_are_reached_from_here_alone():
    with machines("2") as reached:
        until(lambda: reached.count() == 1)
        own = psutil.Process()
        open_ = [c for p in (own, *own.children(recursive=True)) for c in p.net_connections()]
        listening = {c.laddr.ip for c in open_ if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_a_run_whose_answer_was_lost_is_there_once(served, signed_in, monkeypatch):
    """MLflow asks again for whatever has not been answered."""
    store = Store()
    experiment = store.experiment_id("lost-answers")
    send, lost = requests.Session.send, []

    def losing(session, request, **words):
        answer = send(session, request, **words)
        if request.url.endswith("runs/create") and not lost:
            lost.append(answer)
            time.sleep(1)
            return send(session, request, **words)
        return answer

    monkeypatch.setattr(requests.Session, "send", losing)
    with store.run("lost-answers", "once", {}, {}) as record:
        assert lost
        (only,) = store.client.search_runs([experiment])
        assert only.info.run_id == record.run_id


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")  # of MLflow's own
def test_a_model_is_registered_with_a_server(served, signed_in):
    store = Store()
    with store.run("registering", "linear", {}, {}) as record:
        saved.save(models.build("linear", 1, 1), record.run_id)
    told = {"card": "a card", "about": "of all versions", "tags": {"need": "none"}}
    version = saved.register(record.run_id, "registered", "chosen", **told)
    chosen = store.client.get_model_version_by_alias("registered", "chosen")
    assert (str(chosen.version), chosen.run_id) == (version, record.run_id)


def test_a_stranger_is_refused(served):
    uri = f"http://127.0.0.1:{served.port}"
    assert status_of(f"{uri}/api/2.0/mlflow/experiments/search?max_results=1") == 401
    assert status_of(f"{uri}/api/2.0/mlflow-artifacts/artifacts") == 401


@pytest.mark.parametrize(
    "path", ["../outside", "%2e%2e/outside", "..%2foutside", "a/..%2f..%2foutside", "%2f/outside"]
)
def test_a_file_cannot_be_left_outside_the_server_s_folder(served, path):
    word = base64.b64encode(f"admin:{SECRET}".encode()).decode()
    uri = f"http://127.0.0.1:{served.port}/api/2.0/mlflow-artifacts/artifacts/{path}"
    request = urllib.request.Request(uri, b"x", {"Authorization": f"Basic {word}"}, method="PUT")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    refused.value.close()
    assert 400 <= refused.value.code < 500
    assert not list(served.folder.rglob("outside"))
    assert not list(served.folder.parent.glob("outside"))


def test_a_result_outlives_the_absence_of_postgresql(pg, database):
    study = Study(database, "s", DIRECTIONS)

    def objective(params, trial):
        trial.remember("run")
        pg.stop()
        later = threading.Timer(3, pg.start)
        later.start()
        trial.keep((0.5, 1.0))
        later.join()
        return 0.5, 1.0

    study.sample_by("random", 0, SPACE)
    assert study.attempt(SPACE, objective)
    assert [trial.values for trial in Study(database, "s", DIRECTIONS).finished] == [(0.5, 1.0)]


def test_a_heartbeat_outlives_the_absence_of_postgresql(pg, database, monkeypatch):
    monkeypatch.setattr(storage, "HEARTBEAT_S", 1)
    study = Study(database, "s", DIRECTIONS)

    def objective(params, trial):
        pg.stop()
        time.sleep(3)
        pg.start()
        time.sleep(3)
        before = beat(database)
        time.sleep(3)
        assert beat(database) > before
        return 0.5, 1.0

    study.sample_by("random", 0, SPACE)
    assert study.attempt(SPACE, objective)


def beat(url):
    with sqlalchemy.create_engine(url).connect() as connection:
        return connection.execute(
            sqlalchemy.text("SELECT heartbeat FROM trial_heartbeats")
        ).scalar()


@pytest.mark.parametrize("closing", [dead_runs.kill, dead_runs.finish])
def test_a_dead_run_may_be_closed_by_several_at_once(signed_in, closing):
    store, several = Store(), 4
    together = threading.Barrier(several)

    def close(run_id: str) -> None:
        together.wait()
        closing(store, run_id)

    with ThreadPoolExecutor(several) as pool:
        for _ in range(10):
            run_id = store.client.create_run(store.experiment_id("dead")).info.run_id
            if closing is dead_runs.finish:
                dead_runs.kill(store, run_id)
            list(pool.map(close, [run_id] * several))
            found = store.view(run_id)
            killed = closing is dead_runs.kill
            assert found.status == ("KILLED" if killed else "FINISHED")
            assert (metrics.REASON_TAG in found.tags) == killed
