"""Which models give the most accuracy for each gram of CO2?

    mlflow run . -e search --env-manager local --experiment-name fashion-mnist-search

Searches Keras models of different family and size, with and without augmentation: validation
accuracy up, training emissions down. Stop it at any moment; the same command goes on. At the end
the members of the front meet the test images, once. `main` fits some 20 trials of smaller models
into six minutes on two cores (Zen 4), and the best reaches 0.91; the 40 larger ones take longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ecotrack import gates, host, measure, metrics, reading, terminal
from ecotrack.cli import option, parameters, spell
from ecotrack.launch import Metered, Session, grid_tags, insured, metered, raw_record, session
from ecotrack.measure import Meter, Window
from ecotrack.measurement import Measurement, Result
from ecotrack.meters import grid
from ecotrack.mirror import DIRECTIONS, Mirror, check_run_exists
from ecotrack.space import Choice, Real, Space, Whole
from ecotrack.study import Finished, PassedOver, Study, Trial
from ecotrack.study_report import report
from ecotrack.tracking import Record, Store, dead_runs, views
from ecotrack.tracking import models as saved
from experiments import train
from experiments.workloads.fashion import data, models
from experiments.workloads.fashion.models import Augmentation, Family
from experiments.workloads.fashion.training import Device

EXPERIMENT = "fashion-mnist-search"
CHOOSE = f"mlflow run . -e choose --env-manager local --experiment-name {EXPERIMENT}"


@dataclass(frozen=True)
class Config(Metered):
    """What `search` can be told."""

    study: str = option(
        "fashion-mnist", "its name; the same name goes on with it", pattern=r"[\w.\- ]{1,100}"
    )
    trials: int = option(
        40, "trained models in all, over all sessions", at_least=1, at_most=100_000
    )
    time_s: float | None = option(
        None,
        "start no trial after so many seconds of searching, over all sessions",
        at_least=0,
        at_most=1e9,
    )
    families: tuple[Family, ...] = option(models.FAMILIES, "families to try")
    augmentations: tuple[Augmentation, ...] = option(models.AUGMENTATIONS, "augmentations to try")
    max_width: int = option(128, "widest model", at_least=2, at_most=512)
    max_depth: int = option(4, "deepest model", at_least=1, at_most=16)
    max_epochs: int = option(8, "longest training", at_least=1, at_most=1000)
    max_tflop: float = option(
        10.0,
        "pass over models whose training takes more 10^12 operations",
        at_least=1e-6,
        at_most=1e9,
    )
    images: int | None = option(None, "train on so many images only", at_least=100, at_most=55_000)
    seed: int = option(0, "of the suggestions and of each training", at_least=0, at_most=2**31)
    device: Device = option("auto", "where to compute")


WIDTHS = (2, 4, 8, 16, 32, 64, 128, 256, 512)


def starts() -> list[dict[str, Any]]:
    """Where every search begins: from the cheapest model that learns to a good one."""
    names = ("family", "width", "depth", "augmentation", "epochs", "batch_size", "learning_rate")
    rows = [
        ("mlp", 2, 1, "none", 1, 256, 0.01),
        ("cnn", 8, 3, "none", 4, 128, 0.005),
        ("mlp", 16, 1, "none", 4, 256, 0.003),
        ("cnn", 16, 3, "none", 5, 128, 0.005),
        ("cnn", 4, 2, "none", 2, 128, 0.01),
        ("residual", 8, 2, "none", 2, 256, 0.01),
        ("separable", 8, 2, "none", 2, 256, 0.01),
    ]
    return [dict(zip(names, row, strict=True)) for row in rows]


def space(config: Config) -> Space:
    """What a trial may be; the names are those of `train`'s options."""
    return {
        "family": Choice(config.families),
        "width": Choice(tuple(w for w in WIDTHS if w <= config.max_width)),
        "depth": Whole(1, config.max_depth),
        "augmentation": Choice(config.augmentations),
        "epochs": Whole(1, config.max_epochs, log=True),
        "batch_size": Choice((64, 128, 256, 512)),
        "learning_rate": Real(0.001, 0.02, log=True),
    }


def check(config: Config, store: Store) -> None:
    """Refuse bad data, a missing device, a study that cannot go on."""
    train.check(recipe(config, {}))
    study = open_study(config.study, store)
    check_run_exists(store, study)
    study.agree_on(terms(config))


def terms(config: Config) -> dict[str, str]:
    """What all sessions of a study share; the rest, such as the number of trials, may change."""
    may_change = ("study", "trials", "time-s", "max-tflop", "within", "no-wait")
    kept = {name: text for name, text in parameters(config).items() if name not in may_change}
    return {**kept, "country": grid(config.country).country}


def open_study(name: str, store: Store) -> Study:
    """The study, beside the store of runs."""
    return Study(
        store.folder / "optuna.db",
        name,
        DIRECTIONS,
        on_dead=lambda run: dead_runs.kill(store, run, "its trial died"),
        on_kept=lambda run: dead_runs.finish(store, run),
    )


def recipe(config: Config, params: Mapping[str, Any]) -> train.Config:
    """A trial's parameters as a configuration of `train`; the test images stay out of reach."""
    return train.Config(
        **params,
        seed=config.seed,
        images=config.images,
        device=config.device,
        **metered(config),
        test=False,
    )


def carry_on(started: Session) -> None:
    """One session of a study: trials, the front on the test images, the report, the print."""
    config, store, ledger = started.config, started.store, started.ledger
    study = open_study(config.study, store)
    # Energy known in another way, or on another machine, ranks no model of this front.
    study.agree_on({"machine": host.describe(), "energy": reading.known(ledger.read())})
    name = f"study {config.study}"
    with started.run(EXPERIMENT, name, kind="search", resume=study.run_id) as parent:
        dead_runs.bill(store, parent.run_id, study.keep_cost)
        mirror = Mirror(store, study, parent, grid_tags(started.meter))
        ledger.open(parent.run_id, shared=True)
        with raw_record(started.meter) as raw, measure(ledger) as window:
            try:
                try_models(started, study, mirror, parent, window)
                finish_front(mirror, ledger)
            finally:
                mirror.keep_cost(window.so_far())
                ledger.close(parent.run_id)
        result = report(study, mirror)
        parent.log(replace(result, artifacts={**result.artifacts, **raw}))
    for title, rows in result.summary.items():
        terminal.table(title, rows)
    terminal.say(f"In the MLflow UI: `make ui`, then {link(config.study, store)}")
    terminal.say(f"Another need: {CHOOSE} -P min-accuracy=0.89")


def try_models(
    started: Session, study: Study, mirror: Mirror, parent: Record, window: Window
) -> None:
    """Train one configuration after another, until there are enough or the time is up."""
    config, ledger = started.config, started.ledger

    def objective(params: dict[str, Any], trial: Trial) -> tuple[float, float]:
        chosen = recipe(config, params)
        operations = tflop(chosen)
        if operations > config.max_tflop:
            raise PassedOver(f"{operations:.3g} TFLOP of training")
        named = mirror.trial(trial.number, train.title(chosen), parameters(chosen))
        with named as child, insured(child, ledger):
            trial.remember(child.run_id)
            with raw_record(started.meter) as raw:
                result = train.run(chosen, ledger)
            cost = result.costs["training"]
            values = result.scores[metrics.VAL_ACCURACY], cost.co2_g
            flaw = gates.flaw(cost)
            good = not flaw and mirror.would_be_on_front(*values)
            child.log(replace(result, model=result.model if good else None, artifacts=raw))
            if flaw:
                raise PassedOver(flaw)
            trial.keep(values)
        if study.reference_g is None:
            study.reference_g = 2 * values[1] * config.max_tflop / operations
        parent.point(metrics.SEARCH_HYPERVOLUME, *mirror.hypervolume_with(values))
        return values

    def go_on() -> bool:
        mirror.keep_cost(window.so_far())
        front, spent = mirror.mark_front(), study.cost
        progress.update(len(study.finished), status(front, spent, config.time_s))
        return config.time_s is None or spent.wall_s < config.time_s

    allowed = space(config)
    with terminal.bar(f"study {config.study}", config.trials) as progress:
        study.search(
            allowed,
            objective,
            trials=config.trials,
            seed=config.seed,
            starts=[start for start in starts() if fits(start, allowed)],
            go_on=go_on,
        )
        go_on()


def finish_front(mirror: Mirror, meter: Meter) -> None:
    """Evaluate each member of the front on the test images, once in its life."""
    on_front = {trial.run_id for trial in mirror.mark_front()}
    for run in mirror.runs():
        if run.run_id in on_front and metrics.EVAL_ACCURACY not in run.metrics:
            model = saved.load(run.run_id)
            result = train.finish(Result(model=model), data.load(), meter)
            Record(run.run_id).log(replace(result, model=None))


def link(study: str, store: Store) -> str:
    """The saved view of a study in the MLflow UI: accuracy by carbon, and what led to it."""
    return store.save_view(
        store.experiment_id(EXPERIMENT),
        f"pareto-{study}",
        f"Pareto: accuracy x carbon ({study})",
        [
            views.scatter(metrics.EMISSIONS_G, metrics.VAL_ACCURACY),
            views.parallel(
                [spell(name) for name in space(Config())],
                [metrics.EMISSIONS_G, metrics.VAL_ACCURACY],
            ),
        ],
        columns=[
            f"tags.`{metrics.PARETO_TAG}`",
            *(f"metrics.`{m}`" for m in (metrics.VAL_ACCURACY, metrics.EVAL_ACCURACY)),
            *(f"metrics.`{m}`" for m in (metrics.EMISSIONS_G, metrics.TOTAL_WH, metrics.WALL_S)),
            f"metrics.`{metrics.PARAMETERS}`",
        ],
        order_by=metrics.EMISSIONS_G,
        search=f"tags.`{metrics.STUDY_TAG}` = '{study}' AND tags.`{metrics.KIND_TAG}` = 'trial'",
    )


def status(front: list[Finished], spent: Measurement, limit_s: float | None) -> str:
    """One line while the search runs."""
    left = "" if limit_s is None else f" · {max(0, limit_s - spent.wall_s):.0f} s left"
    best = f" · best {reading.percent(front[-1].values[0])}" if front else ""
    return f"{reading.quantity(spent.co2_g, 'g')}{best} · front {len(front)}{left}"


def fits(start: Mapping[str, Any], allowed: Space) -> bool:
    """Whether a start lies in the space that the user left open."""
    return all(start[name] in values for name, values in allowed.items())


def tflop(config: train.Config) -> float:
    """10^12 operations of training: forward once and backward twice, for each image and epoch."""
    once = models.flops(models.build(config.family, config.width, config.depth))
    images = config.images or len(data.load().training)
    return 3 * once * images * config.epochs / 1e12


if __name__ == "__main__":
    with session("search", Config, check) as started:
        carry_on(started)
