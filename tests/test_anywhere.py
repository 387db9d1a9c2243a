"""Measuring in a script that knows nothing of our meters: the process's own."""

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import ecotrack
from ecotrack import anywhere, metrics
from ecotrack.anywhere import own_turn
from ecotrack.measurement import Measurement
from ecotrack.meters.codecarbon import ScriptedMeter
from ecotrack.tracking import Store
from ecotrack.tracking.dead_runs import settle
from tests.conftest import ROOT, Home
from tests.meters.test_turn import is_taken

SCRIPT = """
import ecotrack
with ecotrack.measure() as whole:
    with ecotrack.measure() as part:
        sum(range(10**6))
print(part.cost.total_j > 0, part.cost.total_j <= whole.cost.total_j, whole.cost.cpu_origin.source)
"""


def test_a_script_needs_one_import(home: Home):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=home.env, capture_output=True, text=True
    )
    assert done.stderr == ""
    positive, within, source = done.stdout.split()
    assert (positive, within) == ("True", "True")
    assert source in ("measured", "modelled", "assumed")


def test_blocks_of_two_threads_that_overlap_hold_the_turn_until_the_last_ends(
    tmp_path, monkeypatch
):
    lock = tmp_path / "turn.lock"
    monkeypatch.setenv("ECOTRACK_LOCK", str(lock))
    first_is_left = threading.Event()

    def second() -> bool:
        with own_turn():
            first_is_left.wait(60)
            return is_taken(lock)

    with ThreadPoolExecutor() as threads:
        with own_turn():
            held = threads.submit(second)
            while anywhere._blocks < 2:
                time.sleep(0.01)
        first_is_left.set()
        assert held.result()
    assert not is_taken(lock)


def test_many_threads_at_once_take_one_turn_and_give_it_back(tmp_path, monkeypatch):
    monkeypatch.setenv("ECOTRACK_LOCK", str(tmp_path / "turn.lock"))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:

        def blocks() -> None:
            for _ in range(50):
                with own_turn():
                    assert is_taken(tmp_path / "turn.lock")

        with ThreadPoolExecutor(8) as threads:
            for done in [threads.submit(blocks) for _ in range(8)]:
                done.result(60)
    finally:
        sys.setswitchinterval(before)
    assert not is_taken(tmp_path / "turn.lock")


def test_a_given_meter_goes_before_the_process_s_own():
    meter = ScriptedMeter([Measurement(cpu_j=1), Measurement(cpu_j=5)])
    with ecotrack.measure(meter) as window:
        pass
    assert window.cost.cpu_j == 4


def test_a_measurement_can_be_written_to_the_active_run(home: Home):
    import mlflow

    store = Store()
    with mlflow.start_run() as run:
        ecotrack.log(Measurement(wall_s=2, cpu_j=3600))
    values = store.view(run.info.run_id).metrics
    assert values[metrics.WALL_S] == 2
    assert values[metrics.TOTAL_WH] == 1


KILLED = """
import os, mlflow, ecotrack
with mlflow.start_run():
    with ecotrack.measure():
        sum(range(10**6))
    with ecotrack.measure():
        sum(range(10**6))
        os.kill(os.getpid(), 9)
"""


def test_what_a_script_had_measured_in_its_run_outlives_it(home: Home):
    died = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, env=home.env)
    assert died.returncode == -signal.SIGKILL
    store = Store()
    (run,) = store.all_runs()
    assert run.status == "RUNNING"
    settle(store, store.ledgers)
    run = store.view(run.run_id)
    assert run.status == "KILLED"
    assert run.metrics[metrics.RUN_WH] > 0
    assert home.ledgers == []


def test_a_script_that_ends_leaves_no_ledger(home: Home):
    ends = KILLED.replace("os.kill(os.getpid(), 9)", "pass")
    subprocess.run([sys.executable, "-c", ends], cwd=ROOT, env=home.env, check=True)
    assert home.ledgers == []
    assert [run.status for run in Store().all_runs()] == ["FINISHED"]


def test_without_an_active_run_it_says_what_to_do(home: Home):
    Store()
    with pytest.raises(RuntimeError, match="no MLflow run is active; start one"):
        ecotrack.log(Measurement())
