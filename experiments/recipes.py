"""Which recipe reaches an accuracy with the least energy?

    mlflow run . -e recipes --env-manager local --experiment-name fashion-mnist

For each target the recipe that takes least of those that reach it, against Keras' simple convnet
(r0), trained in turns with it. Validation decides where a training ends; the test images are read
once a recipe, seed and target. Stop it at any moment: the same command goes on. Five seeds of all
take one to two hours; `quick=true` does one seed and two targets.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import mean
from typing import Any

import numpy as np

from ecotrack import Result, host, measure, metrics, terminal
from ecotrack.cli import option, parameters
from ecotrack.launch import Session, in_numbers, insured, session
from ecotrack.metered import Metered, grid_tags, metered
from ecotrack.tracking import Record, RunView, Store, files
from ecotrack.tracking.flat import run_totals
from experiments import train
from experiments.reports.recipes import Row, Trained, stop, table
from experiments.workloads.fashion import data, duplicates, models, training
from experiments.workloads.fashion.recipes import RECIPES, REFERENCE
from experiments.workloads.fashion.training import Device

WEIGHTS = "weights.npz"
QUICK_TARGETS, QUICK_EPOCHS = (0.88, 0.90), 18


@dataclass(frozen=True)
class Config(Metered):
    """What `recipes` can be told."""

    targets: tuple[float, ...] = option(
        (0.88, 0.9, 0.91, 0.92, 0.93, 0.94), "accuracies to reach", at_least=0.1, at_most=0.999
    )
    recipes: tuple[str, ...] = option(
        tuple(name for name in RECIPES if name != REFERENCE),
        "which to set against the reference",
        one_of=tuple(RECIPES),
    )
    seeds: int = option(5, "trainings of each", at_least=1, at_most=1000)
    reference_epochs: int = option(
        RECIPES[REFERENCE].training.epochs, "longest training of r0", at_least=1, at_most=1000
    )
    quick: bool = option(False, "one seed and two targets, whatever else is said")
    images: int | None = option(None, "train on so many images only", at_least=100, at_most=55_000)
    device: Device = option("auto", "where to compute")


def check(config: Config, store: Store) -> None:
    """Refuse what `train` would."""
    train.check(train.Config(device=config.device))


def settled(config: Config) -> Config:
    """A config with what `quick` stands for."""
    if not config.quick:
        return config
    epochs = min(config.reference_epochs, QUICK_EPOCHS)
    return replace(config, targets=QUICK_TARGETS, seeds=1, reference_epochs=epochs)


def trainings(config: Config) -> dict[str, train.Config]:
    """Name -> how `train` would do it, without a seed; the reference first.

    Recipes made for more than the highest target are left out.
    """
    found = {}
    for name in dict.fromkeys((REFERENCE, *config.recipes)):
        about, own = RECIPES[name], asdict(RECIPES[name].training)
        if name == REFERENCE:
            own["epochs"] = config.reference_epochs
        if name == REFERENCE or about.aim <= max(config.targets):
            common = {"images": config.images, "device": config.device, **metered(config)}
            found[name] = train.Config(**own, **common, test=False)
    return found


def carry_out(started: Session) -> None:
    """Train what the store lacks; read the test images; print and keep the leaderboard."""
    config = settled(started.config)
    with started.run(train.EXPERIMENT, "recipes") as parent, insured(parent, started.ledger):
        with measure(started.ledger) as process:
            learn(started, config, parent)
            rows = list(leaderboard(started.store, config))
        references = {row.target: row for row in rows if row.recipe == REFERENCE}
        for row in rows:
            keep(started, parent, row, references.get(row.target))
        kept = {"recipes.json": [asdict(row) for row in rows]}
        result = Result(scores=run_totals(process.cost), artifacts=kept)
        parent.log(result)
    terminal.table("The least energy to an accuracy", table(rows, REFERENCE))
    terminal.result(config, in_numbers(result, parent.run_id))


def learn(started: Session, config: Config, parent: Record) -> None:
    """Train each recipe with each seed, unless a finished run of it is there."""
    todo = trainings(config)
    with terminal.bar("recipes", len(todo) * config.seeds) as progress:
        for name, seed in turns(list(todo), config.seeds):
            chosen = replace(todo[name], seed=seed)
            if find(started.store, name, chosen) is None:
                train_one(started, parent, name, chosen)
            progress.advance(f"{name}, seed {seed}")


def turns(names: Sequence[str], seeds: int) -> list[tuple[str, int]]:
    """(name, seed) in ABBA order, so that a machine that slows down slows all of them."""
    there, back = list(names), list(reversed(names))
    return [(name, seed) for seed in range(seeds) for name in (back if seed % 2 else there)]


def train_one(started: Session, parent: Record, name: str, chosen: train.Config) -> None:
    """One training in a run of its own, with the weights of each epoch at which it may stop."""
    weights: dict[str, np.ndarray] = {}

    def watch(epoch: int, model: Any) -> None:
        if RECIPES[name].any_epoch or epoch == chosen.epochs:
            arrays = enumerate(model.get_weights())
            weights.update({f"{epoch}/{i}": array for i, array in arrays})

    tags = {
        **grid_tags(started.meter),
        metrics.KIND_TAG: "recipe",
        metrics.RECIPE_TAG: name,
        metrics.HOST_TAG: host.describe(),
    }
    title = f"{name} seed {chosen.seed}"
    with (
        started.store.child(parent.run_id, title, parameters(chosen), tags) as child,
        insured(child, started.ledger),
    ):
        result = train.run(chosen, started.ledger, watch=watch)
        packed = io.BytesIO()
        np.savez(packed, allow_pickle=False, **weights)
        child.log(replace(result, artifacts={WEIGHTS: packed.getvalue()}))


def find(store: Store, name: str, chosen: train.Config) -> RunView | None:
    """The finished run of this very training on this machine, the newest; None if there is none."""
    tags = {metrics.KIND_TAG: "recipe", metrics.RECIPE_TAG: name}
    tags |= {metrics.HOST_TAG: host.describe()}
    free = ("no-wait", "json")
    params = {name: text for name, text in parameters(chosen).items() if name not in free}
    same = [
        run
        for run in store.runs(train.EXPERIMENT, tags)
        if run.status == "FINISHED" and params.items() <= run.params.items()
    ]
    return same[-1] if same else None


def leaderboard(store: Store, config: Config) -> Iterator[Row]:
    """For each target the reference, if it gets there, and the others from the cheapest on.

    The first that reaches it on the test images, too, is the last.
    """
    trained = {
        name: [read(store, name, replace(chosen, seed=seed)) for seed in range(config.seeds)]
        for name, chosen in trainings(config).items()
    }
    for target in config.targets:
        stops = {
            name: epoch
            for name, several in trained.items()
            if (epoch := stops_at(name, several, target))
        }

        def energy_wh(name: str, stops: Mapping[str, int] = stops) -> float:
            return mean(each.energy_wh[stops[name]] for each in trained[name])

        if REFERENCE in stops:
            yield row_of(store, target, REFERENCE, stops[REFERENCE], trained[REFERENCE])
        for name in sorted(stops.keys() - {REFERENCE}, key=energy_wh):
            row = row_of(store, target, name, stops[name], trained[name])
            yield row
            if row.reaches:
                break


def stops_at(name: str, trained: Sequence[Trained], target: float) -> int | None:
    """The epoch after which a recipe's training ends for a target, if it gets there.

    One rule for the reference and for all that is set against it: validation reads as much more
    than the target as the test images are known to be harder.
    """
    how = RECIPES[name]
    return stop(trained, target + how.harder, any_epoch=how.any_epoch)


def read(store: Store, name: str, chosen: train.Config) -> Trained:
    """A training that is finished, as the store tells it."""
    run = find(store, name, chosen)
    assert run is not None
    return Trained(
        run_id=run.run_id,
        accuracies=store.curve(run.run_id, metrics.VAL_ACCURACIES),
        cpu_s=store.curve(run.run_id, metrics.TRAINED_S),
        energy_wh=store.curve(run.run_id, metrics.TRAINED_WH),
        augmenting_wh=run.metrics[metrics.AUGMENTING_WH],
    )


def row_of(store: Store, target: float, name: str, epoch: int, trained: Sequence[Trained]) -> Row:
    """What the trainings cost until that epoch, and how they do on the test images then."""
    tested = [test(store, name, each, epoch) for each in trained]
    return Row(
        target=target,
        recipe=name,
        epoch=epoch,
        run_ids=tuple(each.run_id for each in trained),
        energy_wh=tuple(each.energy_wh[epoch] for each in trained),
        augmenting_wh=tuple(each.augmenting_wh * epoch / max(each.accuracies) for each in trained),
        cpu_s=tuple(each.cpu_s[epoch] for each in trained),
        tested=tuple(accuracy for accuracy, _ in tested),
        distinct=tuple(accuracy for _, accuracy in tested),
    )


def test(store: Store, name: str, trained: Trained, epoch: int) -> tuple[float, float]:
    """Accuracy on the test images, and on those that are no near-duplicates; read only once."""
    curves = metrics.DISTINCT_ACCURACIES, metrics.TEST_ACCURACIES  # the last one seals the pair
    known = {curve: store.curve(trained.run_id, curve) for curve in curves}
    if epoch not in known[metrics.TEST_ACCURACIES]:
        for curve, accuracy in zip(curves, examine(name, trained, epoch), strict=True):
            known[curve][epoch] = accuracy
            Record(trained.run_id).point(curve, accuracy, epoch)
    return known[metrics.TEST_ACCURACIES][epoch], known[metrics.DISTINCT_ACCURACIES][epoch]


def examine(name: str, trained: Trained, epoch: int) -> tuple[float, float]:
    """The model's accuracy on the distinct images, and on all."""
    model = model_at(name, trained.run_id, epoch)
    images, twice = data.load().test, duplicates.known()
    everything = training.evaluate(model, images)
    doubled = training.evaluate(model, data.Split(images.images[twice], images.labels[twice]))
    distinct = (everything.correct - doubled.correct) / (everything.total - doubled.total)
    return distinct, everything.accuracy


def model_at(name: str, run_id: str, epoch: int) -> Any:
    """The model as it was after an epoch."""
    how = RECIPES[name].training
    model = models.build(how.family, how.width, how.depth)
    model = models.mirrored(model) if how.mirrored else model
    with np.load(io.BytesIO(files.read(run_id, WEIGHTS))) as weights:
        model.set_weights([weights[f"{epoch}/{i}"] for i in range(len(model.weights))])
    return model


def keep(started: Session, parent: Record, row: Row, reference: Row | None) -> None:
    """A row as a run, with the model of its first seed and what its predictions cost."""
    model = model_at(row.recipe, row.run_ids[0], row.epoch)
    told = {"target": f"{row.target:g}", "recipe": row.recipe, "epochs": str(row.epoch)}
    tags = {
        **grid_tags(started.meter),
        metrics.KIND_TAG: "recipe-row",
        metrics.RECIPE_TAG: row.recipe,
    }
    title = f"{row.target:g}: {row.recipe}"
    with started.store.child(parent.run_id, title, told, tags) as child:
        result = Result(scores=scores(row, reference), model=model)
        child.log(train.serve(result, data.load().validation, started.ledger))


def scores(row: Row, reference: Row | None) -> dict[str, float]:
    """A row as metrics: means over the seeds, and ratios to the reference's."""
    found = {
        metrics.EVAL_ACCURACY: row.accuracy,
        metrics.EVAL_ACCURACY_LOW: row.bound,
        metrics.DISTINCT_ACCURACY: mean(row.distinct),
        metrics.CPU_S: mean(row.cpu_s),
        metrics.TOTAL_WH: mean(row.energy_wh),
        metrics.AUGMENTING_WH: mean(row.augmenting_wh),
    }
    if reference is None:
        return found
    ratios = {
        metrics.RECIPE_ENERGY_RATIO: row.energy_ratio(reference).ratio,
        metrics.RECIPE_CPU_RATIO: row.cpu_ratio(reference).ratio,
    }
    return found | ratios


if __name__ == "__main__":
    with session("recipes", Config, check) as started:
        carry_out(started)
