"""The search end to end: what a study holds, and that no kill loses any of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import mlflow
import numpy as np
import optuna
import pytest

from ecotrack import metrics
from ecotrack.cli import UserError
from ecotrack.measurement import Measurement, from_fields
from ecotrack.meters.codecarbon import CodeCarbonMeter
from ecotrack.meters.grid import grid
from ecotrack.search.study import SESSION_PREFIX, Study
from ecotrack.search.trials import Finished
from ecotrack.tracking import Record, RunView, Store
from experiments.choose import called
from experiments.studies.front import know_largest
from experiments.workloads.fashion import data
from tests.conftest import DIRECTIONS, SMALL, Home
from tests.meters.test_turn import HOLD, start

EXPERIMENT = "fashion-mnist-search"


@pytest.fixture
def store(finished: Home, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", finished.uri)
    return Store()


def trials_of(store: Store) -> list[RunView]:
    return store.runs(EXPERIMENT, {metrics.KIND_TAG: "trial"})


def test_a_study_is_one_run_with_a_child_for_each_trial(store: Store):
    (parent,) = store.runs(EXPERIMENT, {metrics.KIND_TAG: "search"})
    children = store.children(parent.run_id)
    assert [child.run_id for child in children] == [trial.run_id for trial in trials_of(store)]
    assert len(children) == parent.metrics[metrics.SEARCH_TRIALS] == 4
    assert {child.status for child in children} == {"FINISHED"}


def test_trials_never_see_the_test_images_and_the_front_sees_them_once(store: Store):
    for trial in trials_of(store):
        on_front = trial.tags[metrics.PARETO_TAG] == "true"
        assert (metrics.EVAL_ACCURACY in trial.metrics) == on_front
        inputs = store.client.get_run(trial.run_id).inputs.dataset_inputs
        assert any(i.dataset.name == "fashion-mnist-test" for i in inputs) == on_front
        history = store.client.get_metric_history(trial.run_id, metrics.EVAL_ACCURACY)
        assert len(history) == int(on_front)


def test_a_member_of_the_front_keeps_all_that_was_measured_of_it(store: Store):
    phases = {"training", "setup", "eval", "test", "inference"}
    for trial in trials_of(store):
        kept = Record(trial.run_id).costs()
        on_front = trial.tags[metrics.PARETO_TAG] == "true"
        assert on_front == (set(kept) == phases)
        assert kept["training"].total_wh == pytest.approx(trial.metrics[metrics.TOTAL_WH])
        assert trial.tags["mlflow.note.content"]


def test_front_tags_are_those_of_the_objectives(store: Store):
    trials = trials_of(store)
    for trial in trials:
        beaten = any(
            other.metrics[metrics.VAL_ACCURACY] >= trial.metrics[metrics.VAL_ACCURACY]
            and other.metrics[metrics.EMISSIONS_G] <= trial.metrics[metrics.EMISSIONS_G]
            and other.run_id != trial.run_id
            for other in trials
        )
        assert trial.tags[metrics.PARETO_TAG] == str(not beaten).lower()


def test_the_parent_holds_front_importances_history_and_its_own_cost(store: Store):
    (parent,) = store.runs(EXPERIMENT, {metrics.KIND_TAG: "search"})
    files = {file.path for file in store.client.list_artifacts(parent.run_id)}
    assert {"front.png", "front.html", "front.csv", "front.json", "hypervolume.png"} <= files
    assert {"importances.png", "importances.json", "codecarbon.json"} <= files
    text = mlflow.artifacts.load_text(
        f"{store.client.get_run(parent.run_id).info.artifact_uri}/importances.json"
    )
    assert set(json.loads(text)) == set(DIRECTIONS)
    spent = sum(trial.metrics[metrics.TOTAL_WH] for trial in trials_of(store))
    assert parent.metrics[metrics.SEARCH_WH] > spent > 0
    volumes = store.client.get_metric_history(parent.run_id, metrics.SEARCH_HYPERVOLUME)
    ordered = [point.value for point in sorted(volumes, key=lambda point: point.step)]
    assert ordered == sorted(ordered)
    assert len(ordered) == 4


def test_the_same_command_again_prints_the_finished_study_and_trains_nothing(
    finished: Home, study_home: Home
):
    before = [trial.run_id for trial in trials_of(Store())]
    done = study_home.python("main", *SMALL)
    assert done.returncode == 0, done.stderr
    assert [trial.run_id for trial in trials_of(Store())] == before
    first = (finished.folder / "printed.txt").read_text()
    assert "The front of study fashion-mnist after 4 trials" in first
    assert "The front of study fashion-mnist after 4 trials" in done.stdout
    assert len(Store().runs(EXPERIMENT, {metrics.KIND_TAG: "search"})) == 1


def test_what_is_printed_leads_further(finished: Home):
    printed = (finished.folder / "printed.txt").read_text()
    assert "What the study itself cost" in printed
    assert "make ui" in printed
    assert "viewStateShareKey=pareto-fashion-mnist" in printed
    assert "mlflow run . -e choose" in printed
    assert "Chosen: " in printed
    assert printed.count("The front of study") == 1
    assert "The report: " in printed
    assert "\x1b" not in printed


def test_the_registered_model_predicts_exactly_what_was_logged(finished: Home, store: Store):
    version = store.client.get_model_version_by_alias("fashion-mnist", "right-sized")
    logged = store.view(version.run_id).metrics[metrics.EVAL_ACCURACY]
    np.savez(finished.folder / "test.npz", x=data.load().test.images, y=data.load().test.labels)
    code = (
        "import mlflow, numpy as np;"
        "model = mlflow.pyfunc.load_model('models:/fashion-mnist@right-sized');"
        "test = np.load('test.npz');"
        "print();"
        "print(np.mean(model.predict(test['x']).argmax(axis=1) == test['y']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=finished.folder,
        env=finished.env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout.splitlines()[-1]) == logged


def test_the_model_card_states_the_emissions_in_grams(store: Store):
    version = store.client.get_model_version_by_alias("fashion-mnist", "right-sized")
    run = store.view(version.run_id)
    grams = float(f"{run.metrics[metrics.EMISSIONS_G]:.4g}")
    assert "co2_eq_emissions:" in version.description
    assert f"emissions: {grams}" in version.description


def test_a_study_on_other_terms_is_refused_before_anything_starts(study_home: Home):
    before = len(Store().runs(EXPERIMENT, {}))
    done = study_home.python("search", *SMALL[1:], "--families=cnn")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "was begun with families mlp,cnn, not cnn; take another --study" in line
    assert len(Store().runs(EXPERIMENT, {})) == before


def test_a_need_that_nothing_meets_is_one_line_and_registers_nothing(study_home: Home):
    before = len(Store().client.search_model_versions("name = 'fashion-mnist'"))
    done = study_home.python("choose", "--min-accuracy=0.999")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "no model on the front is 95 % sure to validate at 99.90 %; the nearest is" in line
    assert len(Store().client.search_model_versions("name = 'fashion-mnist'")) == before


def test_choosing_the_knee_moves_the_alias_and_waits_for_no_measurement(
    study_home: Home, monkeypatch
):
    monkeypatch.setenv("ECOTRACK_LOCK", study_home.env["ECOTRACK_LOCK"])
    with start(HOLD, "another") as holder:
        holder.stdout.readline()
        done = study_home.python("choose")
        holder.communicate("\n", timeout=60)
    assert done.returncode == 0, done.stderr
    assert "the knee of the front, accuracy against log10 of the grams" in done.stdout
    run = Store().runs(EXPERIMENT, {metrics.KIND_TAG: "choose"})[-1]
    version = Store().client.get_model_version_by_alias("fashion-mnist", "right-sized")
    assert version.run_id == run.tags[metrics.CHOSEN_TAG]


def test_predictions_of_the_largest_model_were_measured_though_it_may_be_beaten(store: Store):
    largest = max(trials_of(store), key=lambda trial: trial.metrics[metrics.FLOPS])
    assert largest.metrics[metrics.INFERENCE_G_PER_1K] > 0


def test_a_beaten_largest_model_is_measured_without_its_weights_and_unseen_by_the_test(home: Home):
    for name, flops, width in (("big", 9e5, 4), ("small", 1e5, 2)):
        params = {"family": "cnn", "width": str(width), "depth": "1"}
        with Store().run("trials", name, params, {metrics.PARETO_TAG: "false"}) as record:
            record.write(values={metrics.FLOPS: flops, metrics.TOTAL_WH: 1.0})
    store, runs = Store(), {run.name: run for run in Store().all_runs()}
    mirror = SimpleNamespace(runs_of=lambda trials: [store.view(trial.run_id) for trial in trials])
    sizes = {"small": 2, "big": 4}
    study = SimpleNamespace(
        comparable=[
            Finished(number, {"family": "cnn", "width": width, "depth": 1}, (), runs[name].run_id)
            for number, (name, width) in enumerate(sizes.items())
        ]
    )
    before = {name: dict(run.metrics) for name, run in runs.items()}
    with CodeCarbonMeter(grid("auto")) as meter:
        know_largest(mirror, study, meter)
    known = {run.name: dict(run.metrics) for run in store.all_runs()}
    assert known["small"] == before["small"]
    assert known["big"].items() > before["big"].items()
    assert known["big"][metrics.INFERENCE_G_PER_1K] > 0
    assert metrics.EVAL_ACCURACY not in known["big"]
    assert set(Record(runs["big"].run_id).costs()) >= {"inference"}, "what measuring it took"


def test_a_choice_holds_the_whole_life_and_how_sure_it_is(study_home: Home):
    done = study_home.python("choose", "--predictions=1e6", "--search-share=0.5")
    assert done.returncode == 0, done.stderr
    store = Store()
    choice = store.runs(EXPERIMENT, {metrics.KIND_TAG: "choose"})[-1]
    files = {file.path for file in store.client.list_artifacts(choice.run_id)}
    assert {"lifetime.png", "lifetime.html", "lifetime.json", "break_even.json"} <= files
    seen = choice.metrics
    assert seen[metrics.CHOICE_BOUND] < seen[metrics.VAL_ACCURACY]
    assert seen[metrics.CHOICE_SURE] == pytest.approx(0.95)
    assert "It is 95 % sure that accuracy is at least" in done.stdout
    assert "by the 10,000 test images, which chose nothing" in done.stdout

    (parent,) = store.runs(EXPERIMENT, {metrics.KIND_TAG: "search"})
    chosen = store.view(choice.tags[metrics.CHOSEN_TAG]).metrics
    training_g = chosen[metrics.EMISSIONS_G]
    search_g = 0.5 * (parent.metrics[metrics.SEARCH_G] - training_g)
    used_g = 1000 * chosen[metrics.INFERENCE_G_PER_1K]
    assert seen[metrics.CHOICE_LIFE_G] == pytest.approx(search_g + training_g + used_g)
    largest = max(trials_of(store), key=lambda trial: trial.metrics[metrics.FLOPS])
    assert f"Against {largest.name} without a search the search " in done.stdout


def test_the_baseline_is_named_as_its_run_is(study_home: Home):
    (first, *_) = (t for t in trials_of(Store()) if t.tags[metrics.PARETO_TAG] == "true")
    done = study_home.python("choose", f"--baseline={first.name}")
    assert f"Against {first.name} without a search" in done.stdout, done.stderr
    done = study_home.python("choose", "--baseline=resnet")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "--baseline takes one of " in line
    assert first.name in line


def test_the_baseline_needs_no_number_where_one_trial_alone_is_called_so(store: Store):
    trials = [t for t in trials_of(store) if t.tags[metrics.PARETO_TAG] == "true"]
    one = replace(trials[0], name="07 mlp-2x1 1ep")
    assert called([one], "mlp-2x1 1ep") is one
    twin = replace(one, name="11 mlp-2x1 1ep")
    assert called([one, twin], twin.name) is twin
    with pytest.raises(UserError, match="takes one of 07 mlp-2x1 1ep, 11 mlp-2x1 1ep; got"):
        called([one, twin], "mlp-2x1 1ep")


def test_a_need_that_contradicts_itself_stops_the_main_job_before_its_search(home: Home):
    done = home.python("main", "--min-accuracy=0.9")
    assert done.returncode == 2
    assert "--min-accuracy and --within exclude each other" in done.stderr
    assert not (home.folder / "optuna.db").exists()


LONG = (
    "--families=cnn",
    "--augmentations=none",
    "--trials=5",
    "--images=15000",
    "--max-width=16",
    "--max-depth=3",
    "--max-epochs=4",
)


def test_kills_lose_no_finished_trial_and_leave_nothing_running(home: Home):
    """Ctrl-C, SIGTERM and SIGKILL, each in the middle of a trial; the last under `mlflow run`."""
    python = [sys.executable, "-m", "experiments.search", *LONG]
    project = ["mlflow", "run", ".", "-e", "search", "--env-manager", "local"]
    project += [f"-P{option.removeprefix('--')}" for option in LONG]
    for number, (command, kill) in enumerate(
        [(python, signal.SIGINT), (python, signal.SIGTERM), (project, signal.SIGKILL)]
    ):
        process = home.start(command)
        wait_for_trial(finished=number)
        os.killpg(process.pid, kill)
        assert process.wait(60) != 0

    (killed,) = Store().runs(EXPERIMENT, {metrics.KIND_TAG: "search"})
    spent = [trial.metrics.get(metrics.TOTAL_WH, 0.0) for trial in trials_of(Store())]
    assert killed.metrics[metrics.SEARCH_WH] > sum(spent) > 0, "a killed study knows its cost"

    (ledger,) = home.ledgers  # of the one that could not say goodbye
    told, silent = sessions(home), ledger.stem
    done = home.python("search", *LONG)
    assert done.returncode == 0, done.stderr
    billed = sessions(home)
    assert billed[silent].total_j > told[silent].total_j
    assert billed[silent].wall_s > told[silent].wall_s
    del told[silent]
    assert billed.items() >= told.items()
    assert home.ledgers == []

    store = Store()
    (parent,) = store.runs(EXPERIMENT, {metrics.KIND_TAG: "search"})
    children = store.children(parent.run_id)
    assert Counter(child.status for child in children) == {"FINISHED": 5, "KILLED": 3}
    assert parent.status == "FINISHED"
    (launch,) = store.runs("Default", {metrics.KIND_TAG: "launch"})
    assert launch.status == "KILLED"

    optuna_trials = optuna.load_study(
        study_name="fashion-mnist", storage=f"sqlite:///{home.folder / 'optuna.db'}"
    ).get_trials()
    states = Counter(trial.state.name for trial in optuna_trials)
    assert states["COMPLETE"] == 5
    assert states["RUNNING"] == states["WAITING"] == 0
    finished = Study(home.folder / "optuna.db", "fashion-mnist", DIRECTIONS).finished
    assert {trial.run_id for trial in finished} == {
        child.run_id for child in children if child.status == "FINISHED"
    }
    recipes = [tuple(sorted(trial.params.items())) for trial in finished]
    assert len(set(recipes)) == 5
    killed = [child for child in children if child.status == "KILLED"]
    done_params = [child.params for child in children if child.status == "FINISHED"]
    assert all(child.params in done_params for child in killed)  # each was tried again

    # What the killed trials had cost is in their runs, and once in the study's bill.
    assert all(child.metrics[metrics.RUN_WH] > 0 for child in killed)
    spent = sum(session.total_wh for session in sessions(home).values())
    assert parent.metrics[metrics.SEARCH_WH] == pytest.approx(spent)
    trained = sum(child.metrics.get(metrics.TOTAL_WH, 0) for child in children)
    lost = sum(child.metrics[metrics.RUN_WH] for child in killed)
    assert parent.metrics[metrics.SEARCH_WH] > trained + lost
    assert len(sessions(home)) == 4
    assert not any(tag.startswith(metrics.UNBILLED_TAG) for tag in parent.tags)


def sessions(home: Home) -> dict[str, Measurement]:
    """What each session of the study is said to have cost, by its process."""
    attrs = Study(home.folder / "optuna.db", "fashion-mnist", DIRECTIONS)._attrs
    kept = {k: v for k, v in attrs.items() if k.startswith(SESSION_PREFIX)}
    return {key.removeprefix(SESSION_PREFIX): from_fields(v) for key, v in kept.items()}


def wait_for_trial(finished: int) -> None:
    """Until so many trials are finished, and another one is under way."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        status = Counter(trial.status for trial in trials_of(Store()))
        if status["FINISHED"] >= finished and status["RUNNING"]:
            time.sleep(2)  # the first beat of its ledger comes after one
            return
        time.sleep(0.2)
    raise TimeoutError("no trial started")
