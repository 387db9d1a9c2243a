"""A store that an earlier version wrote can still be read, and its study carried on.

`tests/data/schema1` holds the databases of a small study and a small comparison of sorts, as
version 0.1.0 left them.
"""

import gzip
import re
import sqlite3
import sys
from pathlib import Path

import pytest

from ecotrack import metrics, reading
from ecotrack.fronts.table import table
from ecotrack.search.study import Study
from ecotrack.search.study_report import front_of
from ecotrack.tracking import Store
from tests.conftest import DIRECTIONS, Home

DATA = Path(__file__).parent / "data" / "schema1"


@pytest.fixture
def old_home(tmp_path, monkeypatch) -> Home:
    for name in ("mlflow", "optuna"):
        with sqlite3.connect(tmp_path / f"{name}.db") as database:
            database.executescript(gzip.decompress((DATA / f"{name}.sql.gz").read_bytes()).decode())
    home = Home(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", home.uri)
    return home


def test_runs_of_the_first_schema_are_read(old_home: Home):
    store = Store()
    (sorting,) = store.runs("sorting", {metrics.KIND_TAG: "sorting"})
    assert sorting.tags[metrics.SCHEMA_TAG] == "1"
    assert sorting.metrics[metrics.TOTAL_WH] > 0
    trials = store.runs("fashion-mnist-search", {metrics.KIND_TAG: "trial"})
    assert front_of(trials)
    assert [t.metrics[metrics.EMISSIONS_G] > 0 for t in trials] == [True] * 3


def test_a_study_of_the_first_schema_is_read_with_its_bill(old_home: Home):
    study = Study(old_home.folder / "optuna.db", "fashion-mnist", DIRECTIONS)
    assert len(study.finished) == 3
    assert study.cost.total_j > 0
    assert study.cost.cpu_origin.source == "modelled"


def test_the_first_schema_told_no_band_and_none_is_shown(old_home: Home):
    front = front_of(Store().runs("fashion-mnist-search", {metrics.KIND_TAG: "trial"}))
    assert [member.training_g_high for member in front] == [None] * len(front)
    study = Study(old_home.folder / "optuna.db", "fashion-mnist", DIRECTIONS)
    texts = [*table(front), *reading.costs({"search": study.cost})]
    for command in ("total", "price"):
        done = old_home.command(sys.executable, "-m", "ecotrack", command)
        assert done.returncode == 0, done.stderr
        texts.append({command: done.stdout})
    assert not re.search(r"\d (Wh|g|mWh|mg|µg|µWh) \(", str(texts))
    assert "inf" not in str(texts)
