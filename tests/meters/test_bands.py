"""Every energy figure that people read has a band and says how it is known: the real parts."""

import csv
import io
import json
import re
import sys
from pathlib import Path

import mlflow
import pytest

from ecotrack import metrics
from ecotrack.amount import columns, of_columns
from ecotrack.tracking import RunView, Store
from tests.conftest import Home

SMALL = ("--families=mlp", "--width=2", "--depth=1", "--epochs=1", "--images=1000")
FACTORS = {
    "cpu-counter": 3.0,
    "cpu-estimate": 3.0,
    "ram-counter": 3.0,
    "ram-estimate": 3.0,
    "gpu-counter": 3.0,
    "wall": 1.2,
}
BANDED = r"[\d.]+ [µm]?{unit}(?: CO2e)? \([\d.]+–[\d.]+\)"
WALL = "not metered, up to × 1.2 (your calibration)"


@pytest.fixture(scope="module")
def printed(tmp_path_factory, migrated: Path) -> tuple[Home, str]:
    """A home in which a calibrated machine has compared augmentations, and what was printed."""
    home = Home(tmp_path_factory.mktemp("calibrated"))
    (home.folder / "mlflow.db").write_bytes(migrated.read_bytes())
    machine = home.folder / "machine.json"
    machine.write_text(json.dumps({"factors": FACTORS}))
    done = home.python("augmentation", *SMALL, ECOTRACK_MACHINE=str(machine))
    assert done.returncode == 0, done.stderr
    return home, done.stdout


@pytest.fixture
def run(printed, monkeypatch) -> RunView:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", printed[0].uri)
    (found,) = Store().runs("fashion-mnist", {metrics.KIND_TAG: "augmentation"})
    return found


def bands(text: str, unit: str) -> list[str]:
    return re.findall(BANDED.format(unit=unit), text)


def artifact(run_id: str, name: str) -> str:
    uri = Store().client.get_run(run_id).info.artifact_uri
    return mlflow.artifacts.load_text(f"{uri}/{name}")


def table(run_id: str, name: str) -> list[dict]:
    read = json.loads(artifact(run_id, f"{name}.json"))
    return [dict(zip(read["columns"], row, strict=True)) for row in read["data"]]


def test_a_user_s_calibration_makes_the_band_of_a_run(run: RunView):
    for name in (metrics.TOTAL_WH, metrics.RUN_WH, metrics.EMISSIONS_G, metrics.CPU_WH):
        figure = metrics.amount(name, run.metrics)
        assert figure.low == pytest.approx(figure.value / 3)
        assert figure.high == pytest.approx(figure.value * 3)
    assert run.tags[metrics.WALL_TAG] == WALL


def test_augmentations_are_printed_with_bands_and_origin(printed, run: RunView):
    _, out = printed
    head, _, rest = out.partition("95 %")
    assert "With and without augmentation (" in head
    assert "modelled ×/÷ 3" in head or "measured ×/÷ 3" in head
    assert ", ×/÷ 3" in rest, "and in full below"
    assert len(bands(rest, "Wh")) == len(bands(rest, "g")) == 3
    assert f"At the wall: {WALL}." in rest


def test_the_tables_of_augmentation_tell_band_and_origin(run: RunView):
    rows = table(run.run_id, "augmentation")
    texts = list(csv.DictReader(io.StringIO(artifact(run.run_id, "augmentation.csv"))))
    assert len(rows) == len(texts) == 3
    for row, text in zip(rows, texts, strict=True):
        assert of_columns("energy_wh", row).high == pytest.approx(3 * row["energy_wh"])
        assert of_columns("emissions_g", row).low == pytest.approx(row["emissions_g"] / 3)
        assert row["energy_known"] == text["energy_known"]
        assert re.match("CPU (measured|modelled|assumed): .*×/÷ 3", row["energy_known"])


@pytest.mark.parametrize(
    ("command", "energies", "grams"),
    [(("total",), 4, 4), (("price", "--country=FRA,POL"), 1, 2)],
    ids=["total", "price"],
)
def test_a_command_prints_bands_and_the_wall(printed, command, energies, grams):
    done = printed[0].command(sys.executable, "-m", "ecotrack", *command)
    assert done.returncode == 0, done.stderr
    assert len(bands(done.stdout, "Wh")) == energies
    assert len(bands(done.stdout, "g")) == grams
    assert f"At the wall: {WALL}." in done.stdout


def test_a_study_tells_bands_and_origins_everywhere(study_home: Home, finished: Home):
    store = Store()
    (study,) = store.runs("fashion-mnist-search", {metrics.KIND_TAG: "search"})
    assert metrics.amount(metrics.SEARCH_WH, study.metrics).is_banded
    for trial in store.children(study.run_id):
        assert metrics.amount(metrics.EMISSIONS_G, trial.metrics).is_banded
        assert metrics.WALL_TAG in trial.tags
    members = table(study.run_id, "front")
    for member in members:
        seen = store.view(member["run_id"]).metrics
        for column, name in (
            ("training_g", metrics.EMISSIONS_G),
            ("inference_g_per_1k", metrics.INFERENCE_G_PER_1K),
        ):
            assert metrics.amount(name, seen).is_banded
            assert columns(column, metrics.amount(name, seen)).items() <= member.items()
        assert re.search("CPU .*wall not metered, up to × 1.5", member["energy_known"])
    out = (finished.folder / "printed.txt").read_text()
    assert len(bands(out, "g")) >= len(members) + 1, "the front, and the study's bill"
    assert len(bands(out, "Wh")) >= 1
    assert "In brackets: between what a figure lies" in out


def test_a_model_card_tells_bands_and_origins(study_home: Home):
    card = Store().client.get_model_version_by_alias("fashion-mnist", "right-sized").description
    for row, unit in (
        ("energy of training", "Wh"),
        ("training", "g"),
        ("energy of 1,000 predictions", "Wh"),
        ("1,000 predictions", "g"),
    ):
        assert re.search(rf"\| {row} \| {BANDED.format(unit=unit)}", card), row
    assert "At the wall: not metered, up to × 1.5 (a wall meter reads" in card


def test_a_training_prints_the_band_of_its_predictions(home: Home):
    small = ("--family=mlp", *SMALL[1:])
    done = home.python("train", *small)
    assert done.returncode == 0, done.stderr
    assert re.search(r"What it cost \(CPU", done.stdout)
    for name, unit in ((metrics.INFERENCE_WH_PER_1K, "Wh"), (metrics.INFERENCE_G_PER_1K, "g")):
        assert re.search(rf"{name} +{BANDED.format(unit=unit)}", done.stdout)
    assert len(bands(done.stdout, "Wh")) == 5 + 1, "five phases, and predictions"
    assert "_low" not in done.stdout.replace(metrics.EVAL_ACCURACY_LOW, "")
