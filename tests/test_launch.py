"""Starting experiments: bad input, both ways of launching, runs that are closed as they ended."""

import sqlite3

import pytest

from ecotrack import metrics
from ecotrack.mirror import DIRECTIONS
from ecotrack.study import Study
from ecotrack.tracking import Store
from tests.conftest import Home

BAD = [
    ("search", ["--trials=-3"], "--trials must be at least 1, got -3"),
    ("search", ["--families=mlp,perceptron"], "--families takes mlp|cnn|separable|residual,..."),
    ("train", ["--width=nine"], "--width takes INTEGER, got 'nine'"),
    ("train", ["--country=XXX"], "no carbon intensity is known for country 'XXX'"),
    ("augmentation", ["--epochs=0"], "--epochs must be at least 1, got 0"),
    ("choose", ["--study=never-run"], "has no evaluated front; run `search` first"),
    ("choose", ["--min-accuracy=0.9", "--within=1"], "exclude each other"),
    ("main", ["--colour=blue"], "unrecognized arguments: --colour=blue"),
]
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
