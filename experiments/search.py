"""Which models give the most accuracy for each gram of CO2?

    mlflow run . -e search --env-manager local --experiment-name fashion-mnist-search

Searches Keras models of different family and size, with and without augmentation: validation
accuracy up, training emissions down. What promises most for its grams is tried next, and what
cannot reach the front any more is given up. Stop it at any moment; the same command goes on. At the
end the members of the front meet the test images, once. `main` fits 24 trials of smaller models
into three minutes on two cores (Zen 4), and the best reaches 0.91; the 40 larger ones take longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from operator import itemgetter

from ecotrack import terminal
from ecotrack.cli import UserError, option, options, parameters, spell
from ecotrack.launch import Session, in_numbers, session, tell
from ecotrack.measurement import Result
from ecotrack.metered import Metered, metered
from ecotrack.meters.grid import grid
from ecotrack.search import studying
from ecotrack.search.mirror import check_run_exists
from ecotrack.search.objectives import Goal, Objectives
from ecotrack.search.problem import Rules
from ecotrack.search.question import Question
from ecotrack.search.samplers import Sampler
from ecotrack.search.space import Space
from ecotrack.search.starts import warm_starts
from ecotrack.tracking import Store
from experiments import train
from experiments.reports import views
from experiments.studies import front, space, trial
from experiments.workloads.fashion import augment, models
from experiments.workloads.fashion.augment import Augmentation
from experiments.workloads.fashion.export import Precision
from experiments.workloads.fashion.models import Family
from experiments.workloads.fashion.training import Device

EXPERIMENT = "fashion-mnist-search"
CHOOSE = f"mlflow run . -e choose --env-manager local --experiment-name {EXPERIMENT}"
KWH_PER_WH = 1e-3


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
    families: tuple[Family, ...] = option(models.SEARCHED, "families to try")
    augmentations: tuple[Augmentation, ...] = option(augment.AUGMENTATIONS, "augmentations to try")
    max_width: int = option(128, "widest model", at_least=2, at_most=512)
    max_depth: int = option(4, "deepest model", at_least=1, at_most=16)
    max_epochs: int = option(12, "longest training", at_least=1, at_most=1000)
    max_tflop: float = option(
        60.0,
        "pass over models whose training takes more 10^12 operations",
        at_least=1e-6,
        at_most=1e9,
    )
    images: int | None = option(None, "train on so many images only", at_least=100, at_most=55_000)
    seed: int = option(0, "of the suggestions and of each training", at_least=0, at_most=2**31)
    device: Device = option("auto", "where to compute")
    objectives: tuple[Goal, ...] = option(
        ("accuracy", "training"), "two or three of accuracy, training, inference"
    )
    budget_g: float | None = option(
        None, "what the study may emit in all, grams", at_least=1e-9, at_most=1e12
    )
    budget_wh: float | None = option(
        None, "or: the energy it may take in all", at_least=1e-9, at_most=1e12
    )
    sampler: Sampler = option("tpe", "who suggests configurations")
    thrifty: bool = option(True, "of many suggestions, try what promises most for its grams")
    stopping: bool = option(True, "give up what will hardly reach the front")
    repeats_front: int = option(
        0, "train the front and near misses again with so many new seeds", at_least=0, at_most=100
    )
    warm_start: str | None = option(
        None, "try first the front of this earlier study, or the list in this JSON file"
    )
    exports: tuple[Precision, ...] | None = option(
        None, "LiteRT versions of the front to make, too: some of int8, float16, float32"
    )
    storage: str | None = option(
        None, "where studies lie, such as postgresql://host/optuna; none: beside the runs"
    )
    workers: str | None = option(
        None, "who trains: Dask's scheduler, such as tcp://host:8786, or so many processes here"
    )
    mixed_hardware: bool = option(
        False, "let machines of different kinds take part, each kind with a front of its own"
    )

    @property
    def measured_here(self) -> bool:
        """Whether this process trains; if others do, it need not wait for its turn."""
        return self.workers is None


def check(config: Config, store: Store) -> None:
    """Refuse bad data, a missing device, a study that cannot go on, a budget that is two."""
    studying.check(config.storage, config.workers, store)
    if not config.workers or config.workers.isdigit():  # machines elsewhere look for themselves
        train.check(base(config))
    if len(set(config.objectives)) != len(config.objectives) or len(config.objectives) < 2:
        raise UserError("--objectives takes two or three different ones")
    if config.budget_g and config.budget_wh:
        raise UserError("--budget-g and --budget-wh exclude each other; give one, or neither")
    if config.exports and find_spec("ai_edge_litert") is None:
        raise UserError("--exports needs LiteRT: pip install -r requirements.txt")
    study = question(config, store).open(store)
    check_run_exists(store, study)
    study.agree_on(terms(config))


def terms(config: Config) -> dict[str, str]:
    """What all sessions of a study share; the rest, such as the number of trials, may change."""
    may_change = (
        *("study", "trials", "time-s", "max-tflop", "no-wait", "json", "warm-start"),
        *("budget-g", "budget-wh", "sampler", "thrifty", "stopping", "repeats-front", "exports"),
        *("storage", "workers"),
    )
    own = {spell(field.name) for field in options(Config)}  # `main` has the options of the choice
    kept = {k: text for k, text in parameters(config).items() if k in own - {*may_change}}
    return {**kept, "country": grid(config.country).country}


def base(config: Config) -> train.Config:
    """What all trials share; the test images stay out of their reach."""
    return train.Config(
        seed=config.seed,
        images=config.images,
        device=config.device,
        **metered(config),
        test=False,
    )


def space_of(config: Config) -> Space:
    """What the user left open."""
    sizes = config.max_width, config.max_depth, config.max_epochs
    return space.space(config.families, config.augmentations, *sizes)


def question(config: Config, store: Store) -> Question:
    """What is asked of the study.

    Raises:
        UserError: what shall be tried first is not there, or cannot be tried.
    """
    shared, sizes = base(config), (config.max_width, config.max_depth)
    flops = space.largest_flops(config.families, config.augmentations, *sizes)
    precisions = config.exports or ()
    asked = Question(
        experiment=EXPERIMENT,
        study=config.study,
        place=config.storage or store.folder / "optuna.db",
        objectives=Objectives(config.objectives),
        space=space_of(config),
        starts=space.starts(),
        rules=Rules(
            trials=config.trials,
            seed=config.seed,
            sampler=config.sampler,
            thrifty=config.thrifty,
            stopping=config.stopping,
            budget_g=budget_g(config),
        ),
        features=partial(space.features, shared),
        kin=itemgetter("family"),
        refused=partial(space.refused, shared, config.max_tflop),
        prepare=partial(train.check, shared),
        trying=partial(trial.trying, shared, trial.Largest(config.max_tflop, flops)),
        finish=partial(front.finish, precisions),
        reserved_g=partial(front.reserved_g, precisions),
        repeats=config.repeats_front,
        time_s=config.time_s,
        mixed=config.mixed_hardware,
    )
    return replace(asked, starts=[*warm_starts(config.warm_start, asked, store), *asked.starts])


def budget_g(config: Config) -> float | None:
    """The budget in grams, whichever way it was given."""
    if config.budget_wh:
        return config.budget_wh * KWH_PER_WH * grid(config.country).intensity_g_per_kwh
    return config.budget_g


def carry_on(started: Session) -> tuple[Result, str]:
    """One session of the study: what its run now says, and the id of that run."""
    config = started.config
    return studying.carry_on(question(config, started.store), started, config.workers)


def print_study(started: Session, result: Result) -> None:
    """What the study found, and where there is more of it."""
    config = started.config
    tell(result, started.meter)
    view = views.search(started.store, config.study, list(space_of(config)))
    terminal.say(f"In the MLflow UI: `make ui`, then {view}")
    terminal.say(f"Another need: {CHOOSE} -P min-accuracy=0.89")


if __name__ == "__main__":
    with session("search", Config, check) as started:
        found, run_id = carry_on(started)
        print_study(started, found)
        terminal.result(started.config, in_numbers(found, run_id))
