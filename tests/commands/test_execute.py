"""Measuring another program: its children too, its exit code, and whatever ends it."""

import signal
import subprocess
import sys
import time

import pytest

from ecotrack import metrics
from ecotrack.commands.bill import Bill, bills, shares, whole
from ecotrack.commands.execute import split
from ecotrack.measurement import Measurement
from ecotrack.search.mirror import Mirror
from ecotrack.search.objectives import Objectives
from ecotrack.search.study import Study
from ecotrack.tracking import RunView, Store
from ecotrack.tracking.record import INSIDE
from tests.conftest import ROOT, Home

EXEC = (sys.executable, "-m", "ecotrack", "exec")
BURN = "import time; end = time.process_time() + 0.4\nwhile time.process_time() < end: pass"


def only_run() -> RunView:
    (run,) = Store().runs("exec", {metrics.KIND_TAG: "exec"})
    return run


def test_short_children_are_counted_and_output_is_left_alone(home: Home):
    parent = (
        "import subprocess, sys\n"
        f"for _ in range(4): subprocess.run([sys.executable, '-c', {BURN!r}], check=True)\n"
        "print('the result')"
    )
    done = home.command(*EXEC, "--name=children", "--", sys.executable, "-c", parent)
    assert (done.returncode, done.stdout) == (0, "the result\n")
    assert "CPU time" in done.stderr
    run = only_run()
    assert (run.name, run.status) == ("children", "FINISHED")
    assert run.metrics[metrics.CPU_S] >= 4 * 0.4, "each child burns 0.4 s of CPU time by its clock"
    assert run.metrics[metrics.TOTAL_WH] > 0
    assert run.params["command"].startswith(sys.executable)


def test_the_command_s_exit_code_is_ours_and_its_run_is_failed(home: Home):
    done = home.command(*EXEC, "--", "sh", "-c", "sleep 0.2; exit 3")
    assert done.returncode == 3
    run = only_run()
    assert run.status == "FAILED"
    assert run.metrics[metrics.EXIT_CODE] == 3
    assert metrics.WALL_S in run.metrics


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "exec: there is no command; write it behind --, as in: exec -- python train.py"),
        (["--", "no-such-program"], "exec: there is no program 'no-such-program' that can be run"),
        (["--experiment=", "--", "true"], "exec: --experiment must match .{1,200}, got ''"),
        (["--name=x", "--nice=3", "--", "true"], "exec: unrecognized arguments: --nice=3"),
    ],
)
def test_bad_input_is_one_line_and_code_2_and_no_run(home: Home, words, line):
    done = home.command(*EXEC, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1
    assert Store().runs("exec", {}) == []


def test_what_looks_like_a_program_and_is_none_is_one_line_and_code_2(home: Home):
    script = home.folder / "script"
    script.write_text("echo hello\n")
    script.chmod(0o755)
    done = home.command(*EXEC, "--", str(script))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"exec: '{script}' cannot be run: Exec format error; a script needs")
    assert only_run().status == "FAILED"


RECORDING = """
import sys, mlflow, ecotrack
from ecotrack import Measurement, Result
from ecotrack.tracking import Store
cost = Measurement(cpu_j=1e-6)
store = Store()
for resumed in (None, sys.argv[1]):
    with store.run("own", "recorded", {}, {}, resume=resumed) as record:
        record.log(Result({"work": cost}))
with mlflow.start_run(experiment_id=store.experiment_id("own")):
    ecotrack.log(cost)
"""


def test_what_the_command_records_itself_is_not_counted_again(home: Home):
    store = Store()
    with store.run("own", "begun before", {}, {}) as before:
        pass
    done = home.command(*EXEC, "--", sys.executable, "-c", RECORDING, before.run_id)
    assert done.returncode == 0, done.stderr
    outer = only_run()
    told = [run.tags.get(metrics.WITHIN_TAG) for run in store.runs("own", {})]
    assert told == [None, outer.run_id, outer.run_id]
    billed = {run.run_id: bill.energy_wh for run, bill in bills(store.all_runs())}
    assert billed.keys() == {outer.run_id, before.run_id}
    assert billed[outer.run_id] == outer.metrics[metrics.RUN_WH]


def test_a_study_tells_what_of_it_the_outer_run_measured(home: Home, monkeypatch):
    monkeypatch.setenv(INSIDE, "outer")
    goals = Objectives(("accuracy", "training"))
    store, study = Store(), Study(home.folder / "optuna.db", "s", goals.directions)
    with store.run("own", "study", {}, {}) as parent:
        Mirror(store, study, goals, parent, {}).keep_cost(Measurement(cpu_j=7200, co2_g=3))
    run = store.view(parent.run_id)
    assert shares(run) == [("outer", Bill(2, 3))]
    assert whole(run) == Bill(2, 3)


def test_sigterm_ends_the_command_and_keeps_what_it_cost(home: Home):
    marker = home.folder / "started"
    script = f"touch {marker}; exec sleep 60"
    process = subprocess.Popen([*EXEC, "--", "sh", "-c", script], cwd=ROOT, env=home.env)
    while not marker.exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    run = only_run()
    assert run.status == "KILLED"
    assert run.metrics[metrics.RUN_WH] > 0


def test_everything_behind_the_first_dashes_is_the_command_s():
    assert split(["--name=x", "--", "ls", "--", "-l"]) == (["--name=x"], ["ls", "--", "-l"])
    assert split(["--name=x"]) == (["--name=x"], [])
