"""Exports end to end: made by a search, chosen, served without TensorFlow, not lost by a crash."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import mlflow
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from ecotrack import Result, metrics
from ecotrack.cli import UserError
from ecotrack.measurement import Measurement
from ecotrack.search.mirror import Mirror
from ecotrack.search.objectives import Objectives
from ecotrack.search.study import Study
from ecotrack.tracking import Record, RunView, Store
from experiments import choose, search
from experiments.studies import front
from experiments.workloads.fashion import data
from tests.conftest import Home
from tests.test_search_costs import BRIEF

EXPERIMENT = "fashion-mnist-search"
PRECISIONS = ("int8", "float16")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Home:
    """A home with a study of one model, the linear one, and its exports."""
    home = Home(tmp_path_factory.mktemp("exported"))
    shutil.copy(migrated, home.folder)
    done = home.python("search", "--trials=1", f"--exports={','.join(PRECISIONS)}", *BRIEF)
    assert done.returncode == 0, done.stderr
    (home.folder / "printed.txt").write_text(done.stdout)
    return home


@pytest.fixture
def store(exported: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", exported.uri)
    return Store()


def exports_in(store: Store) -> dict[str, RunView]:
    runs = store.runs(EXPERIMENT, {metrics.KIND_TAG: "export"})
    assert len(runs) == len({run.params["precision"] for run in runs})
    return {run.params["precision"]: run for run in runs}


def test_each_member_of_the_front_is_exported_once_in_each_precision(store: Store):
    (trial,) = store.runs(EXPERIMENT, {metrics.KIND_TAG: "trial"})
    exports = exports_in(store)
    assert set(exports) == set(PRECISIONS)
    for precision, run in exports.items():
        assert (run.status, run.name) == ("FINISHED", f"{trial.name} {precision}")
        assert run.tags[metrics.EXPORT_OF_TAG] == trial.run_id
        assert run.parent_id == trial.parent_id
        _, energy, carbon = metrics.phase_metrics("export")
        assert min(run.metrics[energy], run.metrics[carbon]) > 0
        assert metrics.EMISSIONS_G not in run.metrics, "its training is told by its original"
        assert metrics.PARETO_TAG not in run.tags
        assert len(store.client.get_metric_history(run.run_id, metrics.EVAL_ACCURACY)) == 1
    sizes = [exports[p].metrics[metrics.SIZE_BYTES] for p in PRECISIONS]
    assert sizes == sorted(sizes)


def test_only_int8_looks_at_images_and_they_are_of_the_training_set(store: Store):
    for precision, run in exports_in(store).items():
        inputs = store.client.get_run(run.run_id).inputs.dataset_inputs
        read = {i.tags[0].value: i.dataset.name for i in inputs}
        calibrated = {"calibration": "fashion-mnist-training"} if precision == "int8" else {}
        assert read == {"test": "fashion-mnist-test", **calibrated}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_artifact_run_by_a_bare_interpreter_is_as_accurate_as_was_logged(
    store: Store, tmp_path: Path, precision: str
):
    run = exports_in(store)[precision]
    uri = f"runs:/{run.run_id}/model/data/model.tflite"
    file = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path)))
    assert file.stat().st_size == run.metrics[metrics.SIZE_BYTES]
    for split, metric in (("validation", metrics.VAL_ACCURACY), ("test", metrics.EVAL_ACCURACY)):
        some = getattr(data.load(), split)
        assert np.mean(named_by(file, some.images) == some.labels) == run.metrics[metric]


def named_by(file: Path, images: np.ndarray) -> np.ndarray:
    """The classes that LiteRT's interpreter names, all images at once."""
    interpreter = Interpreter(str(file))
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert taken["dtype"] == np.uint8
    interpreter.resize_tensor_input(taken["index"], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(taken["index"], images)
    interpreter.invoke()
    return interpreter.get_tensor(given["index"]).argmax(axis=1)


def test_the_study_tells_what_exports_save_and_its_front_holds_none(exported: Home, store: Store):
    (study,) = store.runs(EXPERIMENT, {metrics.KIND_TAG: "search"})
    files = {
        name: Path(store.client.download_artifacts(study.run_id, name)).read_text().splitlines()
        for name in ("exports.csv", "front.csv")
    }
    assert len(files["exports.csv"]) == 1 + len(PRECISIONS)
    assert len(files["front.csv"]) == 2
    printed = (exported.folder / "printed.txt").read_text()
    assert "Smaller still, by LiteRT" in printed
    for precision in PRECISIONS:
        assert f"{precision} against Keras (models: 1)" in printed
    assert "No export was trained" in printed


def test_who_asks_for_no_exports_sees_none(finished: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", finished.uri)
    assert "LiteRT" not in (finished.folder / "printed.txt").read_text()
    (study,) = Store().runs(EXPERIMENT, {metrics.KIND_TAG: "search"})
    files = {file.path for file in Store().client.list_artifacts(study.run_id)}
    assert "exports.csv" not in files


def test_a_chosen_export_is_served_by_mlflow_without_tensorflow(exported: Home, store: Store):
    limit = exports_in(store)["int8"].metrics[metrics.SIZE_BYTES] / 1000

    def run(experiment: str, name: str, kind: str) -> AbstractContextManager[Record]:
        return store.run(experiment, name, {}, {metrics.KIND_TAG: kind})

    choose.carry_out(SimpleNamespace(store=store, run=run), choose.Config(max_size_kb=limit))
    version = store.client.get_model_version_by_alias("fashion-mnist", "right-sized")
    run = store.view(version.run_id)
    assert run.params["precision"] == "int8"
    assert "library_name: litert" in version.description
    assert "| energy of conversion |" in version.description
    test = data.load().test
    np.savez(exported.folder / "test.npz", x=test.images, y=test.labels)
    code = (
        "import mlflow, numpy as np, sys;"
        "model = mlflow.pyfunc.load_model('models:/fashion-mnist@right-sized');"
        "test = np.load('test.npz');"
        "found = model.predict(test['x']);"
        "print();"
        "print(found.shape, 'tensorflow' in sys.modules, 'ecotrack' in sys.modules);"
        "print(np.mean(found.argmax(axis=1) == test['y']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=exported.folder,
        env=exported.env,
        capture_output=True,
        text=True,
        check=True,
    )
    *_, loaded, accuracy = done.stdout.splitlines()
    assert loaded == "(10000, 10) False False"
    assert float(accuracy) == run.metrics[metrics.EVAL_ACCURACY]


@pytest.fixture
def unfinished(study_home: Home, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A finished study whose front was never exported; exporting it takes no time here."""
    store = Store()
    objectives = Objectives(("accuracy", "training"))
    study = Study(study_home.folder / "optuna.db", "fashion-mnist", objectives.directions)
    mirror = Mirror(store, study, objectives, Record(study.run_id or ""), {})
    monkeypatch.setattr(front, "insured", lambda record, ledger: nullcontext())
    monkeypatch.setattr(front, "raw_record", lambda meter: nullcontext({}))
    monkeypatch.setattr(front.saved, "load", lambda run_id: run_id)
    scores = {metrics.VAL_ACCURACY: 0.5, metrics.EVAL_ACCURACY: 0.5}
    made: list[str] = []

    def convert(model: str, precision: str, meter: object) -> Result:
        made.append(model)
        return Result(costs={"export": Measurement(wall_s=1.0, cpu_j=1.0)}, scores=scores)

    monkeypatch.setattr(front, "convert", convert)
    started = SimpleNamespace(store=store, ledger=None, meter=None)
    return SimpleNamespace(started=started, mirror=mirror, made=made, study=study)


def test_a_crash_between_conversion_and_logging_loses_nothing(unfinished, monkeypatch):
    store, mirror, made = unfinished.started.store, unfinished.mirror, unfinished.made
    members = [run.run_id for run in mirror.front_runs()]
    before = {run_id: store.view(run_id) for run_id in members}
    with monkeypatch.context() as patch:
        patch.setattr(Record, "log", lambda record, result: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            front.export(("int8",), unfinished, lambda times: True)
    assert made == members[:1]
    assert [run.run_id for run, _ in mirror.not_exported(("int8",))] == members

    front.export(("int8",), unfinished, lambda times: True)
    front.export(("int8",), unfinished, lambda times: True)
    assert made == [members[0], *members], "the lost one again, each other once"
    assert mirror.not_exported(("int8",)) == []
    assert len(mirror.not_exported(("float16", "float16"))) == len(members)
    assert {run_id: store.view(run_id) for run_id in members} == before


def test_a_budget_keeps_back_what_the_exports_will_cost(unfinished):
    mirror, study = unfinished.mirror, unfinished.study
    without, one, two = (
        front.reserved_g(precisions, mirror, study)
        for precisions in ((), ("int8",), ("int8", "float16"))
    )
    assert one - without == pytest.approx(two - one)
    assert one > without > 0


def test_exports_without_litert_are_refused_before_anything_starts(home: Home, monkeypatch):
    monkeypatch.setattr(search, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="--exports needs LiteRT"):
        search.check(search.Config(exports=("int8",)), Store())
    search.check(search.Config(), Store())
