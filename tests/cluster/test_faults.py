"""What breaks in a cluster, broken on purpose: nothing is lost, and nothing doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import optuna
import pytest
from optuna.storages import RDBStorage

from ecotrack.search.storage import storage
from tests.cluster.services import Cluster, Postgres, Service
from tests.cluster.sleeping import Job, coordinate
from tests.cluster.whole import check_whole
from tests.conftest import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3000)]
AWAY_S = 20.0


@pytest.fixture
def job(database: str, request: pytest.FixtureRequest) -> Job:
    return Job(database, 16, experiment=request.node.name, sleep_s=2)


@pytest.fixture
def cluster(signed_in: dict[str, str], tmp_path) -> Iterator[Cluster]:
    with Cluster(tmp_path, signed_in, workers=2) as running:
        yield running


@contextmanager
def meanwhile(deed: Callable[[], object]) -> Iterator[None]:
    """Do something while the block runs; what goes wrong with it comes out at the end."""
    failed: list[BaseException] = []

    def doing() -> None:
        try:
            deed()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=doing)
    thread.start()
    yield
    thread.join(60)
    assert not failed, failed


def running(job: Job) -> list[optuna.trial.FrozenTrial]:
    try:
        study = optuna.load_study(study_name="sleeping", storage=opened(job.storage))
    except KeyError:  # not begun
        return []
    return study.get_trials(states=[optuna.trial.TrialState.RUNNING])


@cache
def opened(url: str) -> RDBStorage:
    return storage(url, lambda study, trial: None)


def when_trials_run(job: Job) -> None:
    begun = time.monotonic()
    while not any("mlflow_run_id" in trial.user_attrs for trial in running(job)):
        assert time.monotonic() - begun < 300
        time.sleep(0.2)


def test_workers_that_are_killed_in_the_middle_of_a_trial(job, cluster):
    killed = []

    def kill() -> None:
        while len(killed) < 20:
            when_trials_run(job)
            alive = [t for t in running(job) if t.number not in killed]
            trial = next((t for t in alive if "mlflow_run_id" in t.user_attrs), None)
            if trial:
                os.kill(int(trial.user_attrs["process"].split(":")[-2]), signal.SIGKILL)
                killed.append(trial.number)
            time.sleep(0.5)

    job = Job(job.storage, 30, job.experiment, 6)
    with meanwhile(kill):
        parent = coordinate(job, cluster.address)
    assert len(killed) == 20
    assert cluster.restarts >= 20
    check_whole(job.storage, parent, 30, job.experiment)


def test_the_scheduler_is_killed_and_started_again(job, cluster):
    def kill() -> None:
        when_trials_run(job)
        cluster.scheduler.stop(9)

    with meanwhile(kill):
        parent = coordinate(job, cluster.address)
    assert cluster.restarts >= 1
    check_whole(job.storage, parent, 16, job.experiment)


def away(job: Job, service: Postgres | Service, seconds: float = AWAY_S) -> Callable[[], None]:
    def deed() -> None:
        when_trials_run(job)
        service.stop()
        time.sleep(seconds)
        service.start()

    return deed


@pytest.mark.parametrize("seconds", [AWAY_S, 60.0])
def test_postgresql_is_away(job, cluster, pg, seconds):
    with meanwhile(away(job, pg, seconds)):
        parent = coordinate(job, cluster.address)
    check_whole(job.storage, parent, 16, job.experiment)


def test_the_mlflow_server_is_away(job, cluster, served):
    with meanwhile(away(job, served)):
        parent = coordinate(job, cluster.address)
    check_whole(job.storage, parent, 16, job.experiment)


def test_two_coordinators_carry_one_study_on(job, cluster, signed_in):
    command = [sys.executable, "-W", "ignore", "-m", "tests.cluster.sleeping"]
    command += [job.storage, "16", job.experiment, "2", cluster.address]
    pipe = subprocess.PIPE
    both = [
        subprocess.Popen(command, cwd=ROOT, env=signed_in, stdout=pipe, stderr=pipe, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=1500) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    (parent,) = {out.strip() for out, _ in said}
    check_whole(job.storage, parent, 16, job.experiment)
