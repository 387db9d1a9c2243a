"""A study's budget, repeats, warm starts and other objectives, end to end."""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import optuna
import psutil
import pytest

from ecotrack import metrics
from ecotrack.tracking import RunView, Store
from tests.conftest import Home

EXPERIMENT = "fashion-mnist-search"
TINY = ("--images=1000", "--families=mlp,linear", "--augmentations=none", "--max-width=4")
BRIEF = (*TINY, "--max-depth=1", "--max-epochs=2")


def parent_of(study: str) -> RunView:
    tags = {metrics.KIND_TAG: "search"}
    (run,) = [r for r in Store().runs(EXPERIMENT, tags) if r.name == f"study {study}"]
    return run


def children_of(study: str, kind: str) -> list[RunView]:
    return Store().runs(EXPERIMENT, {metrics.KIND_TAG: kind, metrics.STUDY_TAG: study})


def rows(run: RunView, file: str) -> list[str]:
    path = Path(Store().client.download_artifacts(run.run_id, file))
    return path.read_text().splitlines()


def test_repeats_are_runs_of_their_own_and_the_front_has_intervals(home: Home):
    done = home.python("search", "--study=r", "--trials=3", "--repeats-front=1", *BRIEF)
    assert done.returncode == 0, done.stderr
    assert "How sure that is" in done.stdout
    assert "Winner's curse" in done.stdout
    assert "Energy is" in done.stdout or len(children_of("r", "trial")) < 4
    trials = {run.run_id: run for run in children_of("r", "trial")}
    repeats = children_of("r", "repeat")
    assert repeats
    for run in repeats:
        first = trials[run.tags[metrics.REPEAT_OF_TAG]]
        assert int(run.params["seed"]) == int(first.params["seed"]) + 1
        same = {"family", "width", "depth", "epochs", "batch-size", "learning-rate"}
        assert {run.params[name] for name in same} == {first.params[name] for name in same}
        assert metrics.PARETO_TAG not in run.tags
    head, *found = rows(parent_of("r"), "certainty.csv")
    assert {"accuracy", "accuracy_low", "training_high", "on_front"} <= set(head.split(","))
    assert found
    files = {file.path for file in Store().client.list_artifacts(parent_of("r").run_id)}
    assert {"prices.csv", "course.csv", "stopped.csv", "hypervolume.png"} <= files


def test_a_budget_too_small_is_one_line_and_a_failed_run(home: Home):
    done = home.python("search", "--study=s", "--budget-g=1e-7", *BRIEF)
    assert done.returncode == 2
    assert done.stderr.strip().count("\n") == 0
    assert "a budget of 1e-07 g is too small for one trial" in done.stderr
    assert parent_of("s").status == "FAILED"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--budget-g=1", "--budget-wh=1"), "--budget-g and --budget-wh exclude each other"),
        (("--objectives=accuracy",), "two or three different ones"),
        (("--objectives=training,training",), "two or three different ones"),
        (("--warm-start=nowhere.json",), "is neither a study nor a JSON file"),
        (("--sampler=grid",), "sampler"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(home: Home, options, line):
    done = home.python("search", *options, *BRIEF)
    assert done.returncode == 2
    assert line in done.stderr.splitlines()[-1]
    assert len(done.stderr.splitlines()) == 1
    assert Store().runs(EXPERIMENT, {}) == []


def test_a_study_starts_from_a_list_then_from_another_study(home: Home, tmp_path):
    start = {"family": "mlp", "width": 2, "depth": 1, "augmentation": "none", "epochs": 1}
    start |= {"batch_size": 512, "learning_rate": 0.004, "label_smoothing": 0.0}
    file = tmp_path / "starts.json"
    file.write_text(json.dumps([start]))
    done = home.python("search", "--study=a", "--trials=1", f"--warm-start={file}", *BRIEF)
    assert done.returncode == 0, done.stderr
    (trial,) = children_of("a", "trial")
    assert (trial.params["batch-size"], trial.params["learning-rate"]) == ("512", "0.004")

    done = home.python("search", "--study=b", "--trials=1", "--warm-start=a", *BRIEF)
    assert done.returncode == 0, done.stderr
    (again,) = children_of("b", "trial")
    assert again.params["batch-size"] == "512"

    file.write_text(json.dumps([{**start, "width": 64}]))
    done = home.python("search", "--study=c", f"--warm-start={file}", *BRIEF)
    assert done.returncode == 2
    assert "is not in the space of this study" in done.stderr


def test_inference_may_be_an_objective(home: Home):
    goals = "--objectives=accuracy,training,inference"
    done = home.python("search", "--study=i", "--trials=2", goals, "--sampler=nsga2", *BRIEF)
    assert done.returncode == 0, done.stderr
    for run in children_of("i", "trial"):
        assert run.metrics[metrics.INFERENCE_G_PER_1K] > 0
    trials = optuna.load_study(
        study_name="i", storage=f"sqlite:///{home.folder / 'optuna.db'}"
    ).get_trials()
    assert all(len(trial.values) == 3 for trial in trials)


def kill_after(command: list[str], cpu_s: float, home: Home) -> None:
    """SIGKILL once so much CPU time is used: on a busy machine as far into its work as on any."""
    process = home.start(command)
    seen = psutil.Process(process.pid)
    while process.poll() is None and sum(seen.cpu_times()[:2]) < cpu_s:
        time.sleep(0.02)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
def test_twenty_kills_lose_nothing_and_the_budget_holds(home: Home):
    """SIGKILL at random moments of a study with budget, stopping and repeats."""
    budget_g = 3.0
    options = (f"--budget-g={budget_g}", "--repeats-front=2", "--trials=12", "--study=k")
    command = [sys.executable, "-m", "experiments.search", *options, *TINY, "--max-epochs=4"]
    dice = random.Random(0)
    for _ in range(20):
        kill_after(command, dice.uniform(6, 25), home)
    assert home.start(command).wait(3600) == 0

    storage = f"sqlite:///{home.folder / 'optuna.db'}"
    study = optuna.load_study(study_name="k", storage=storage)
    sessions = [key for key in study.user_attrs if key.startswith("session/")]
    assert len(sessions) > 10, "most kills came before the study had begun"
    trials = study.get_trials()
    states = Counter(trial.state.name for trial in trials)
    assert states["RUNNING"] == states["WAITING"] == 0
    complete = [
        t for t in trials if t.state.name == "COMPLETE" and "reused_from" not in t.user_attrs
    ]
    once = [(tuple(sorted(t.params.items())), str(t.user_attrs.get("repeat"))) for t in complete]
    assert len(once) == len(set(once)), "each trial, and each of its repeats, is finished once"
    runs = {run.run_id: run for kind in ("trial", "repeat") for run in children_of("k", kind)}
    finished = {run_id for run_id, run in runs.items() if run.status == "FINISHED"}
    assert {t.user_attrs["mlflow_run_id"] for t in complete} <= finished
    assert "RUNNING" not in {run.status for run in runs.values()}

    spent_g = parent_of("k").metrics[metrics.SEARCH_G]
    known = [
        run.metrics.get(metrics.RUN_G) or run.metrics.get(metrics.EMISSIONS_G, 0.0)
        for run in runs.values()
    ]
    assert spent_g >= sum(known)
    epoch_g = max((t.user_attrs.get("costs_g") or [0.0])[0] for t in trials)
    assert spent_g <= max(1.02 * budget_g, budget_g + epoch_g)
    assert home.ledgers == []
