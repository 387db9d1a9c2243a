"""A stranger's models in the store: none runs code here, or writes outside of its folder."""

import tempfile
import zipfile
from pathlib import Path

import keras
import pytest

from ecotrack.tracking import Store, models
from tests.conftest import Home

# MLflow's own type hints, where it is imported late.
pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint:UserWarning")


@pytest.fixture
def run_id(home: Home) -> str:
    store = Store()
    return store.client.create_run(store.experiment_id("strange")).info.run_id


def model(*layers: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(2)])


def test_a_model_with_code_of_its_own_is_refused(run_id):
    models.save(model(keras.layers.Lambda(lambda x: 2 * x, output_shape=(4,))), run_id)
    with pytest.raises(ValueError, match=r"(?i)lambda.*safe"):
        models.load(run_id)


def test_the_files_of_a_model_stay_in_its_folder(run_id, home, monkeypatch):
    inner = home.folder / "tmp" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(inner))
    models.save(model(), run_id)
    (archive,) = home.folder.rglob("model.keras")
    with zipfile.ZipFile(archive, "a") as files:
        for name in ("assets/../../escaped", "../../escaped", f"{home.folder}/escaped"):
            files.writestr(name, "x")
    with pytest.warns(UserWarning, match="invalid path"):
        models.load(run_id)
    outside = [path for path in home.folder.rglob("escaped*") if inner not in path.parents]
    assert not outside
    assert not Path("escaped").exists()
