"""The recipes: how a leaderboard comes about, and that nothing is trained or tested twice."""

import shutil

import mlflow
import pytest

from ecotrack import metrics
from ecotrack.cli import parse
from ecotrack.search.space import holds
from ecotrack.tracking import Store, models
from experiments import recipes, search
from experiments.reports.recipes import Row, Trained, stop, table
from experiments.studies import space
from experiments.workloads.fashion import augment, data, training
from experiments.workloads.fashion.recipes import RECIPES, REFERENCE
from tests.conftest import Home

SMALL = (
    "--images=1000",
    "--reference-epochs=2",
    "--targets=0.2,0.88",
    "--recipes=pooled-1",
    "--seeds=1",
)


def trained(*accuracies: float) -> Trained:
    steps = {epoch: float(epoch) for epoch in range(1, len(accuracies) + 1)}
    return Trained("run", dict(enumerate(accuracies, 1)), steps, steps, 0.0)


def row(recipe: str, tested: tuple[float, ...], cpu_s: tuple[float, ...]) -> Row:
    runs, nothing = ("run",) * len(tested), (0.0,) * len(tested)
    return Row(0.9, recipe, 3, runs, cpu_s, nothing, cpu_s, tested, tested)


def test_the_mean_over_the_seeds_decides_the_epoch():
    high, low = 0.91, 0.88
    several = [trained(low, high, high), trained(low, low, high)]
    assert stop(several[:1], 0.9, any_epoch=True) == 2
    assert stop(several, 0.9, any_epoch=True) == 3
    assert stop(several, 0.95, any_epoch=True) is None


def test_what_comes_down_at_its_end_stops_there_or_not_at_all():
    several = [trained(0.99, 0.99, 0.91)]
    assert stop(several, 0.9, any_epoch=False) == 3
    assert stop(several, 0.92, any_epoch=False) is None


def test_a_row_is_a_mean_with_a_bound():
    several = row("pooled-1", (0.90, 0.91, 0.92), (1.0, 1.0, 1.0))
    assert several.accuracy == pytest.approx(0.91)
    assert several.bound == pytest.approx(0.91 - 2.920 * 0.01 / 3**0.5, abs=1e-5)
    assert row("pooled-1", (0.91,), (1.0,)).bound == pytest.approx(0.9052, abs=1e-4)
    assert several.reaches
    assert not row("pooled-1", (0.89, 0.90), (1.0, 1.0)).reaches


def test_ratios_are_of_pairs_and_the_reference_has_none():
    reference = row(REFERENCE, (0.9, 0.9), (10.0, 20.0))
    cheap = row("pooled-1", (0.9, 0.9), (1.0, 2.0))
    first, second = table([reference, cheap], REFERENCE)
    assert first["energy / r0"] == ""
    assert second["energy / r0"] == "0.1 (0.1–0.1)"
    assert "missed" in table([row("pooled-1", (0.8,), (1.0,))], REFERENCE)[0]["test"]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_tells_its_evidence_and_can_be_trained(name):
    recipe = RECIPES[name]
    assert "seed" in recipe.evidence
    assert "CPU-s" in recipe.evidence
    config = recipes.trainings(recipes.Config())[name]
    assert not config.test
    assert config.epochs == recipe.training.epochs


@pytest.mark.parametrize("name", [name for name in RECIPES if name != REFERENCE])
def test_a_recipe_lies_in_the_space_that_a_search_has_by_itself(name):
    asked = search.Config()
    chosen = recipes.trainings(recipes.Config())[name]
    shared = search.base(asked)
    flips = chosen.augmentation in augment.MIRRORING
    varied = {*search.space_of(asked)} - (set() if flips else {"mirrored"})
    params = {option: getattr(chosen, option) for option in varied}
    assert holds(search.space_of(asked), params)
    assert space.recipe(shared, params) == chosen
    assert space.refused(shared, asked.max_tflop, params) is None


def test_quick_is_one_seed_two_targets_and_what_was_made_for_them():
    quick = recipes.settled(parse(recipes.Config, ["--quick=true"], prog="", description=""))
    assert (len(quick.targets), quick.seeds) == (2, 1)
    chosen = recipes.trainings(quick)
    assert {*chosen} == {n for n, r in RECIPES.items() if r.aim <= max(quick.targets)}
    assert chosen[REFERENCE].epochs == quick.reference_epochs < 60


@pytest.fixture(scope="module")
def led(tmp_path_factory, migrated) -> Home:
    """A home in which a small leaderboard has been made."""
    home = Home(tmp_path_factory.mktemp("recipes"))
    shutil.copy(migrated, home.folder)
    done = home.python("recipes", *SMALL)
    assert done.returncode == 0, done.stderr
    (home.folder / "printed.txt").write_text(done.stdout)
    return home


def runs(kind: str):
    return Store().runs("fashion-mnist", {metrics.KIND_TAG: kind})


@pytest.fixture
def store(led, monkeypatch) -> Store:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", led.uri)
    return Store()


def test_recipes_take_turns():
    assert recipes.turns(["a", "b"], 2) == [("a", 0), ("b", 0), ("b", 1), ("a", 1)]


def test_each_training_is_a_run(store):
    assert [run.name for run in runs("recipe")] == ["r0 seed 0", "pooled-1 seed 0"]
    for run in runs("recipe"):
        assert metrics.EVAL_ACCURACY not in run.metrics
        spent = list(store.curve(run.run_id, metrics.TRAINED_S).values())
        assert spent == sorted(spent)
        assert spent[-1] == pytest.approx(run.metrics[metrics.CPU_S])
        assert run.metrics[metrics.AUGMENTING_WH] == 0


def test_a_row_is_a_run_with_its_model_and_what_the_training_says(store):
    (parent,) = runs("recipes")
    uri = store.client.get_run(parent.run_id).info.artifact_uri
    kept = mlflow.artifacts.load_dict(f"{uri}/recipes.json")
    found = runs("recipe-row")
    assert len(found) == len(kept["data"]) >= 1
    for run in found:
        (first,) = [r for r in runs("recipe") if r.name == f"{run.params['recipe']} seed 0"]
        epoch = int(run.params["epochs"])
        model = models.load(run.run_id)
        everything = store.curve(first.run_id, metrics.TEST_ACCURACIES)
        assert {*everything} == {epoch}
        assert training.evaluate(model, data.load().test).accuracy == everything[epoch]
        assert run.metrics[metrics.INFERENCE_WH_PER_1K] > 0


def test_the_same_command_again_trains_nothing(led, store):
    before = [run.run_id for run in runs("recipe")]
    again = led.python("recipes", *SMALL)
    assert again.returncode == 0, again.stderr
    assert [run.run_id for run in runs("recipe")] == before
    assert again.stdout == (led.folder / "printed.txt").read_text()
