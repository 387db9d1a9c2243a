"""`--storage`, `--workers` and `--hardware`: what is refused before anything is started."""

import sys
from pathlib import Path

import pytest

from ecotrack import metrics
from ecotrack.cli import UserError
from ecotrack.launch import session
from ecotrack.search import studying
from ecotrack.tracking import RunView, Store
from experiments import search
from experiments.choose import of_one_kind
from tests.conftest import Home

URL = "postgresql://me:s3cret@host/db"


def refused(*words: str) -> None:
    with (
        pytest.raises(SystemExit, match="2"),
        session("search", search.Config, search.check, words),
    ):
        pass


def holds(folder: Path, secret: bytes) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and secret in p.read_bytes()]


def test_what_mlflow_had_kept_of_a_password_is_removed(home: Home, monkeypatch, capsys):
    store = Store()
    run = store.client.create_run(store.experiment_id(search.EXPERIMENT)).info.run_id
    for key, text in {"storage": URL, "trials": "3"}.items():
        store.client.log_param(run, key, text)
    assert holds(home.folder, b"s3cret")
    monkeypatch.setenv("MLFLOW_RUN_ID", run)
    refused("--storage", URL)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "PGPASSWORD" in told
    assert "s3cret" not in told
    assert not holds(home.folder, b"s3cret")
    assert store.view(run).params == {"trials": "3"}


@pytest.mark.slow
def test_the_same_under_mlflow_run(home: Home):
    home.keep_files_here(search.EXPERIMENT)
    done = home.mlflow("search", "--experiment-name", search.EXPERIMENT, f"-Pstorage={URL}")
    assert done.returncode != 0
    assert "carries a password" in done.stderr
    assert not holds(home.folder, b"s3cret")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--storage", "sqlite:////tmp/optuna.db"], "--storage takes postgresql://"),
        (["--workers", "many"], "--workers takes a scheduler"),
        (["--workers", "0"], "--workers takes a scheduler"),
        (["--workers", "tcp://me:s3cret@host:8786"], "--workers takes a scheduler"),
        (["--workers", "tcp://host:8786"], "machines elsewhere reach no file of this one"),
    ],
)
def test_bad_places_are_one_line(home: Home, capsys, words, why):
    refused(*words)
    told = capsys.readouterr().err
    assert why in told
    assert told.count("\n") == 1


def test_one_database_for_both_is_refused(home: Home, monkeypatch):
    store = Store()
    store.uri = "postgresql://host/db"
    with pytest.raises(UserError, match="another database than MLflow's"):
        studying.check("postgresql://me@host:5432/db", None, store)


def test_without_the_option_nothing_of_dask_is_imported(home: Home):
    code = "import sys, experiments.main; print([m for m in sys.modules if 'dask' in m])"
    done = home.command(sys.executable, "-c", code)
    assert done.stdout.strip() == "[]", done.stderr


def trial(hardware: str, front: str = "true") -> RunView:
    tags = {metrics.HARDWARE_TAG: hardware, metrics.PARETO_TAG: front}
    return RunView(hardware, "t", "FINISHED", {}, {}, tags, "1", 0.0, 1.0, False)


BOTH = [trial("Intel i5, 4 cores"), trial("AMD EPYC, 64 cores"), trial("AMD EPYC, 64 cores")]


@pytest.mark.parametrize("words", [None, "ARM", "cores"])
def test_a_choice_among_unlike_machines_is_refused(words):
    with pytest.raises(UserError, match=r"Intel i5, 4 cores \| AMD EPYC, 64 cores"):
        of_one_kind(BOTH, words)


def test_a_kind_of_machine_is_chosen_by_words_of_its_name():
    assert of_one_kind(BOTH, "EPYC") == BOTH[1:]
    assert of_one_kind(BOTH[:1], None) == BOTH[:1]
