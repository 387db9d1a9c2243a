"""Starting experiments: bad input, both ways of launching, runs that are closed as they ended."""

import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from ecotrack import metrics
from ecotrack.meters.turn import turn
from ecotrack.search.study import Study
from ecotrack.tracking import RunView, Store
from tests.conftest import DIRECTIONS, Home
from tests.meters.test_turn import HOLD, start

BAD = [
    ("search", ["--trials=-3"], "--trials must be at least 1, got -3"),
    ("search", ["--families=mlp,perceptron"], "--families takes linear|mlp|cnn|pooled|"),
    ("train", ["--width=nine"], "--width takes INTEGER, got 'nine'"),
    ("train", ["--country=XXX"], "no carbon intensity is known for country 'XXX'"),
    ("augmentation", ["--epochs=0"], "--epochs must be at least 1, got 0"),
    ("choose", ["--study=never-run"], "has no evaluated front; run `search` first"),
    ("choose", ["--min-accuracy=0.9", "--within=1"], "exclude each other"),
    ("main", ["--colour=blue"], "unrecognized arguments: --colour=blue"),
]
SHORT = ("sorting", "--sizes=100", "--algorithms=sorted", "--repeats=2")
FAULTY = """
import os, resource, sys
from dataclasses import dataclass
from ecotrack import Result, host, measure
from ecotrack.launch import launch
from ecotrack.metered import Metered
from ecotrack.tracking import Record, Store

@dataclass(frozen=True)
class Config(Metered):
    pass

def stopped_in_a_callback(becomes):
    try:
        os.kill(os.getpid(), 2)
    except SystemExit:
        if becomes:
            raise becomes from None

def stopped_twice():
    write = Record.write_known
    def interrupted(record, known):
        os.kill(os.getpid(), 15)
        write(record, known)
    Record.write_known = interrupted
    os.kill(os.getpid(), 2)

def largest_file(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

def run(config, meter):
    tracker = meter._meter._tracker
    with measure(meter) as window:
        sum(range(3_000_000))
    {inside}
    with measure(meter) as window:
        sum(range(3_000_000))
    return Result({{"work": window.cost}}, artifacts={{"large.bin": b"0" * 30_000_000}})

{before}
launch("faulty", Config, run, experiment="faulty")
"""
FAULTS = {  # inside the run -> how it ends, and what is said
    "tracker.stop()": ("FAILED", "CodeCarbon gave no reading"),
    "tracker._scheduler.stop(); tracker._scheduler_monitor_power.stop()": ("FINISHED", ""),
    "largest_file(20_000_000)": ("FAILED", "File too large"),
    "os.kill(os.getpid(), 15)": ("KILLED", "stopped by SIGTERM"),
    "stopped_in_a_callback(SystemError('bad argument'))": ("KILLED", "stopped by SIGINT"),
    "stopped_in_a_callback(None)": ("KILLED", "stopped by SIGINT"),
    "stopped_twice()": ("KILLED", "stopped by SIGINT"),
}
SMALL_MODEL = ("--family=mlp", "--width=2", "--depth=1", "--epochs=1", "--images=1000")


def statuses(store: Store) -> list[str]:
    experiments = [e.experiment_id for e in store.client.search_experiments()]
    return [run.info.status for run in store.client.search_runs(experiments)]


@pytest.mark.parametrize(("entry", "options", "line"), BAD, ids=[" ".join(b[1]) for b in BAD])
def test_bad_input_is_one_line_and_code_2_and_no_run(home: Home, entry, options, line):
    done = home.python(entry, *options)
    assert done.returncode == 2
    assert done.stdout == ""
    (printed,) = done.stderr.splitlines()
    assert printed.startswith(f"{entry}: ")
    assert line in printed
    assert statuses(Store()) == []


def test_bad_input_under_mlflow_run_fails_its_run_and_opens_no_other(home: Home):
    done = home.mlflow("train", "--experiment-name=fashion-mnist", "-Pwidth=nine")
    assert done.returncode == 1
    assert "train: --width takes INTEGER, got 'nine'" in done.stderr
    assert statuses(Store()) == ["FAILED"]


def test_a_store_that_cannot_be_written_is_refused(home: Home):
    done = home.python("train", MLFLOW_TRACKING_URI="sqlite:////proc/no/mlflow.db")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("database", ["mlflow.db", "optuna.db"])
def test_a_database_of_another_schema_is_refused(home: Home, database: str):
    Study(home.folder / "optuna.db", "fashion-mnist", DIRECTIONS)
    with sqlite3.connect(home.folder / database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'of-another-time'")
    done = home.python("search")
    assert done.returncode == 2, done.stderr
    assert "cannot be used" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_holds_all_that_is_promised_of_train(home: Home):
    done = home.python("train", *SMALL_MODEL, "--country=FRA")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    store = Store()
    (run,) = store.runs("fashion-mnist", {metrics.KIND_TAG: "train"})
    assert run.status == "FINISHED"
    assert run.name == "mlp-2x1 1ep"
    assert {"family", "width", "batch-size", "learning-rate", "country"} <= set(run.params)
    assert run.tags[metrics.COUNTRY_TAG] == "FRA"
    assert run.tags[metrics.INTENSITY_YEAR_TAG] == "2023"
    assert run.tags[metrics.SOURCE_TAG] in ("measured", "modelled", "assumed")
    assert run.tags[metrics.SCHEMA_TAG] == str(metrics.SCHEMA)
    assert set(run.metrics) <= set(metrics.TABLE)
    low, accuracy, high = (
        run.metrics[name]
        for name in (metrics.EVAL_ACCURACY_LOW, metrics.EVAL_ACCURACY, metrics.EVAL_ACCURACY_HIGH)
    )
    assert low < accuracy < high
    assert run.metrics[metrics.RUN_WH] > run.metrics[metrics.TOTAL_WH] > 0
    grams_per_wh = run.metrics[metrics.EMISSIONS_G] / run.metrics[metrics.TOTAL_WH]
    assert grams_per_wh == pytest.approx(float(run.tags[metrics.INTENSITY_TAG]) / 1000)
    files = {file.path for file in store.client.list_artifacts(run.run_id)}
    assert {"confusion.png", "class_accuracy.png", "codecarbon.json"} <= files
    inputs = store.client.get_run(run.run_id).inputs.dataset_inputs
    assert {i.dataset.name for i in inputs} == {"fashion-mnist-training", "fashion-mnist-test"}


def start_working(home: Home, entry: str, *options: str) -> "subprocess.Popen[bytes]":
    """An experiment in the midst of its work, as its ledger tells."""
    process = home.start([sys.executable, "-m", f"experiments.{entry}", *options])
    while process.poll() is None:
        if any(path.read_bytes().count(b'"energy"') > 6 for path in home.ledgers):
            return process
        time.sleep(0.1)
    raise AssertionError(f"{entry} ended before it was killed")


def machine_is_free(home: Home, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setenv("ECOTRACK_LOCK", home.env["ECOTRACK_LOCK"])
    with turn("test", wait=False):
        return True


def only_run(experiment: str, kind: str) -> RunView:
    (run,) = Store().runs(experiment, {metrics.KIND_TAG: kind})
    return run


def test_what_a_sigkilled_run_had_cost_is_in_it_after_the_next_start(home: Home, monkeypatch):
    process = start_working(home, "train", "--epochs=1000", "--width=2", "--images=1000")
    process.kill()
    process.wait(60)
    killed = only_run("fashion-mnist", "train")
    assert (killed.status, metrics.RUN_WH in killed.metrics) == ("RUNNING", False)
    assert len(home.ledgers) == 1
    assert machine_is_free(home, monkeypatch)

    for _ in range(2):
        done = home.python(*SHORT)
        assert done.returncode == 0, done.stderr
        killed = only_run("fashion-mnist", "train")
        assert killed.status == "KILLED"
        assert killed.metrics[metrics.RUN_WH] > 0
        assert killed.metrics[metrics.RUN_G] > 0
        assert killed.tags[metrics.SOURCE_TAG] in ("measured", "modelled", "assumed")
        history = Store().client.get_metric_history(killed.run_id, metrics.RUN_WH)
        assert len(history) == 1
        assert home.ledgers == []


def test_sigterm_inside_a_block_keeps_what_the_run_has_cost(home: Home, monkeypatch):
    long = ("--sizes=1000", "--algorithms=sorted,np-quicksort", "--thorough=true")
    process = start_working(home, "sorting", *long)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    run = only_run("sorting", "sorting")
    assert run.status == "KILLED"
    assert run.metrics[metrics.RUN_WH] > 0
    assert home.ledgers == []
    assert machine_is_free(home, monkeypatch)


@pytest.mark.parametrize("inside", FAULTS)
def test_a_fault_ends_the_run_with_what_was_known_and_leaves_nothing(
    home: Home, monkeypatch, inside: str
):
    status, said = FAULTS[inside]
    done = home.command(sys.executable, "-c", FAULTY.format(inside=inside, before=""))
    run = only_run("faulty", "faulty")
    assert run.status == status, done.stderr
    assert (done.returncode == 0) == (status == "FINISHED")
    assert said in done.stderr
    assert run.metrics[metrics.RUN_WH] > 0
    returned = status == "FINISHED" or "large" in inside
    assert (metrics.TOTAL_WH in run.metrics) == returned
    assert home.ledgers == []
    assert machine_is_free(home, monkeypatch)


def test_a_disk_too_full_for_the_failure_itself_is_made_good_at_the_next_start(
    home: Home, monkeypatch
):
    done = home.command(sys.executable, "-c", FAULTY.format(inside="largest_file(0)", before=""))
    assert done.returncode == 1
    assert "cannot be written (File too large): measuring goes on" in done.stderr
    assert metrics.RUN_WH not in only_run("faulty", "faulty").metrics
    assert machine_is_free(home, monkeypatch)
    again = home.python(*SHORT)
    assert again.returncode == 0, again.stderr
    run = only_run("faulty", "faulty")
    assert run.status == "KILLED"
    assert run.metrics[metrics.RUN_WH] > 0
    assert home.ledgers == []


def test_without_a_ledger_a_run_is_measured_and_says_so(home: Home):
    full = (
        "folder = Store().folder / 'mlruns' / 'ledger'; folder.mkdir(parents=True);"
        "(folder / f'{host.process_id()}.jsonl').symlink_to('/dev/full')"
    )
    done = home.command(sys.executable, "-c", FAULTY.format(inside="", before=full))
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert "No space left on device): measuring goes on" in line
    run = only_run("faulty", "faulty")
    assert run.tags[metrics.LEDGER_TAG] == "not written: No space left on device"
    assert run.metrics[metrics.RUN_WH] > run.metrics[metrics.TOTAL_WH] > 0
    assert home.ledgers == []


def test_a_busy_machine_is_refused_before_any_run_is_opened(home: Home, monkeypatch):
    monkeypatch.setenv("ECOTRACK_LOCK", home.env["ECOTRACK_LOCK"])
    with start(HOLD, "another") as holder:
        holder.stdout.readline()
        done = home.python(*SHORT, "--no-wait=true")
        holder.communicate("\n", timeout=60)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"another (pid {holder.pid}) is measuring on this machine" in line
    assert statuses(Store()) == []


def test_a_bare_mlflow_run_is_a_launch_linked_both_ways(home: Home):
    done = home.mlflow("train", *(f"-P{option.removeprefix('--')}" for option in SMALL_MODEL))
    assert done.returncode == 0, done.stderr
    store = Store()
    (run,) = store.runs("fashion-mnist", {metrics.KIND_TAG: "train"})
    (launch,) = store.runs("Default", {metrics.KIND_TAG: "launch"})
    assert launch.tags[metrics.RUN_TAG] == run.run_id
    assert run.tags[metrics.LAUNCH_TAG] == launch.run_id
    assert {launch.status, run.status} == {"FINISHED"}


def test_the_project_s_run_is_the_run_itself_in_the_right_experiment(finished: Home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", finished.uri)
    (study,) = Store().runs("fashion-mnist-search", {metrics.KIND_TAG: "search"})
    assert study.tags["mlflow.project.entryPoint"] == "main"
    assert study.tags[metrics.STUDY_TAG] == "fashion-mnist"
    assert Store().runs("Default", {}) == []
