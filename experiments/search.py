"""Which models give the most accuracy for each gram of CO2?

    mlflow run . -e search --env-manager local --experiment-name fashion-mnist-search

Searches Keras models of different family and size, with and without augmentation: validation
accuracy up, training emissions down. What promises most for its grams is tried next, and what
cannot reach the front any more is given up. Stop it at any moment; the same command goes on. At the
end the members of the front meet the test images, once. `main` fits 24 trials of smaller models
into three minutes on two cores (Zen 4), and the best reaches 0.91; the 40 larger ones take longer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any

from ecotrack import database, host, metrics, terminal
from ecotrack.cli import UserError, option, options, parameters, spell
from ecotrack.launch import (
    Metered,
    Session,
    in_numbers,
    insured,
    metered,
    raw_record,
    session,
    tell,
)
from ecotrack.measure import Meter
from ecotrack.measurement import Result
from ecotrack.meters import gates
from ecotrack.meters.codecarbon import grid
from ecotrack.search.judge import Bill, Judge, Problem, Rules
from ecotrack.search.mirror import Mirror, check_run_exists
from ecotrack.search.objectives import METRICS, Goal, Objectives
from ecotrack.search.samplers import Sampler
from ecotrack.search.searching import (
    BudgetError,
    check_budget,
    one_more,
    pass_over,
    repeat_front,
    tried,
)
from ecotrack.search.searching import search as search_for
from ecotrack.search.sharing import Share, agree, measuring, reaching, share
from ecotrack.search.space import Space, holds
from ecotrack.search.study import Study, names
from ecotrack.search.study_report import report
from ecotrack.search.trials import Objective, PassedOver, Trial
from ecotrack.tracking import Record, RunView, Store, dead_runs
from ecotrack.tracking import models as saved
from experiments import train
from experiments.reports import views
from experiments.reports.search import status
from experiments.spaces import fashion
from experiments.spaces.fashion import features, flops, starts, tflop
from experiments.workloads.fashion import augment, data, models
from experiments.workloads.fashion.augment import Augmentation
from experiments.workloads.fashion.export import Precision
from experiments.workloads.fashion.models import Family
from experiments.workloads.fashion.training import Device

EXPERIMENT = "fashion-mnist-search"
CHOOSE = f"mlflow run . -e choose --env-manager local --experiment-name {EXPERIMENT}"
KWH_PER_WH = 1e-3
EVALUATION_S = 3.0  # of a model on the front, at least: test images, two blocks of a second
EXPORT = 2.0  # evaluations: of another precision of it, converted, with validation images too
Affordable = Callable[[float], bool]


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


def space(config: Config) -> Space:
    """What the user left open."""
    sizes = config.max_width, config.max_depth, config.max_epochs
    return fashion.space(config.families, config.augmentations, *sizes)


def check(config: Config, store: Store) -> None:
    """Refuse bad data, a missing device, a study that cannot go on, a budget that is two."""
    check_places(config, store)
    train.check(recipe(config, {}))
    if len(set(config.objectives)) != len(config.objectives) or len(config.objectives) < 2:
        raise UserError("--objectives takes two or three different ones")
    if config.budget_g and config.budget_wh:
        raise UserError("--budget-g and --budget-wh exclude each other; give one, or neither")
    if config.exports and find_spec("ai_edge_litert") is None:
        raise UserError("--exports needs LiteRT: pip install -r requirements.txt")
    warm_starts(config, store)
    study = open_study(config, store)
    check_run_exists(store, study)
    study.agree_on(terms(config))


def check_places(config: Config, store: Store) -> None:
    """Refuse a password in a URL, one database for two, and workers that cannot reach the study.

    Raises:
        UserError: there is such a thing.
    """
    if config.storage:
        try:
            database.refuse_password("--storage", config.storage)
        except UserError:
            store.forget_launch("storage")
            raise
        if not database.is_postgresql(config.storage):
            raise UserError("--storage takes postgresql://…, without a password, or none")
        if database.same(config.storage, store.uri):
            raise UserError("--storage must be another database than MLflow's: both number theirs")
    if config.workers:
        try:
            from ecotrack.search import cluster
        except ImportError as error:
            raise UserError(
                f"--workers needs Dask ({error}): pip install -r requirements-cluster.txt"
            ) from error
        cluster.check(config.workers)
        local = not config.storage or database.sqlite_path(store.uri)
        if local and not config.workers.isdigit():
            raise UserError(
                "machines elsewhere reach no file of this one: give --storage postgresql://…,"
                " and MLFLOW_TRACKING_URI of a server"
            )


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


def recipe(config: Config, params: Mapping[str, Any], repeat: int = 0) -> train.Config:
    """A trial's parameters as a configuration of `train`; the test images stay out of reach."""
    of_one_size = {} if params.get("family") in models.SIZED else {"width": 1, "depth": 1}
    given: dict[str, Any] = {**params, **of_one_size}
    return train.Config(
        **given,
        seed=config.seed + repeat,
        label_smoothing=0.0,  # has not been seen to help short trainings of small models
        images=config.images,
        device=config.device,
        **metered(config),
        test=False,
    )


def open_study(config: Config, store: Store, name: str = "") -> Study:
    """The study of this configuration, or another one in the same place."""
    return Study(
        place_of(config, store),
        name or config.study,
        Objectives(config.objectives).directions,
        on_dead=lambda run: dead_runs.kill(store, run, "its trial died"),
        on_kept=lambda run: dead_runs.finish(store, run),
    )


def place_of(config: Config, store: Store) -> Path | str:
    """Where all studies lie: in the database that is named, or beside the store of runs."""
    return config.storage or store.folder / "optuna.db"


def warm_starts(config: Config, store: Store) -> list[dict[str, Any]]:
    """Configurations that the user wants tried first.

    Raises:
        UserError: there is no such study or file, or it holds something else.
    """
    if not config.warm_start:
        return []
    if config.warm_start in names(place_of(config, store)):
        tags = {metrics.STUDY_TAG: config.warm_start, metrics.PARETO_TAG: "true"}
        front = {run.run_id for run in store.runs(EXPERIMENT, tags)}
        earlier = open_study(config, store, config.warm_start)
        found = [dict(trial.params) for trial in earlier.finished if trial.run_id in front]
        return [params for params in found if holds(space(config), params)]
    try:
        found = json.loads(Path(config.warm_start).read_text())
    except (OSError, ValueError) as error:
        raise UserError(
            f"--warm-start {config.warm_start} is neither a study nor a JSON file: {error}"
        ) from error
    for params in found if isinstance(found, list) else [found]:
        if not isinstance(params, dict) or not holds(space(config), params):
            raise UserError(f"--warm-start: {json.dumps(params)} is not in the space of this study")
    return found


def carry_on(started: Session) -> tuple[Result, str]:
    """One session of a study: trials, repeats, the front on the test images.

    Returns what the study's run now says, and the id of that run.
    """
    config, store = started.config, started.store
    study = open_study(config, store)
    with ExitStack() as open_runs:
        with study.alone():  # two that begin it at once agree on its run
            run = started.run(
                EXPERIMENT, f"study {config.study}", kind="search", resume=study.run_id
            )
            parent = open_runs.enter_context(run)
            study.run_id = parent.run_id
        dead_runs.bill(store, parent.run_id, study.keep_cost)
        carry_out = on_machines if config.workers else here
        try:
            result = carry_out(started, study, parent)
        except BudgetError as error:
            raise UserError(str(error)) from error
        parent.log(result)
    return result, parent.run_id


def print_study(started: Session, result: Result) -> None:
    """What the study found, and where there is more of it."""
    config = started.config
    tell(result, started.meter)
    view = views.search(started.store, config.study, list(space(config)))
    terminal.say(f"In the MLflow UI: `make ui`, then {view}")
    terminal.say(f"Another need: {CHOOSE} -P min-accuracy=0.89")


def here(started: Session, study: Study, parent: Record) -> Result:
    """Carry a study on in this process.

    Raises:
        BudgetError: the budget was up before one trial was finished.
    """
    config = started.config
    agree(started, study, mixed=config.mixed_hardware)
    if used_up(config, study):
        return nothing_more(started, study, parent)
    objectives = Objectives(config.objectives)
    with raw_record(started.meter) as raw, share(started, study, objectives, parent) as own:
        judge = try_models(own)
        finish(own, judge)
    result = report(study, own.mirror, judge.forecast_error)
    return replace(result, artifacts={**result.artifacts, **raw})


def used_up(config: Config, study: Study) -> bool:
    """Whether the budget is: then nothing may cost the study anything."""
    most_g = budget_g(config)
    return most_g is not None and study.cost.co2_g >= most_g


def nothing_more(started: Session, study: Study, parent: Record) -> Result:
    """What is known of a study whose budget is used up; nothing waits any more.

    Raises:
        BudgetError: it was before one trial was finished.
    """
    config, store = started.config, started.store
    mirror = Mirror(store, study, Objectives(config.objectives), parent, {})
    problem = problem_of(config, lambda params, trial: (), tried_first(config, store))
    judge = search_for(study, problem, rules_of(config), Bill(lambda: study.cost.co2_g))
    mirror.mark_front(afresh=True)
    return report(study, mirror, judge.forecast_error)


def try_models(own: Share) -> Judge:
    """Train one configuration after another, then the best of them again."""
    config: Config = own.started.config
    study, mirror, rules = own.study, own.mirror, rules_of(config)
    before_g = study.cost.co2_g
    bill = Bill(
        lambda: before_g + own.window.so_far().co2_g,
        lambda: reserve_g(mirror, study, config.exports or ()),
    )
    problem = problem_of(config, trying(own), tried_first(config, own.started.store))

    def go_on() -> bool:
        own.keep()
        mirror.mark_front()
        spent = study.cost
        left_s = None if config.time_s is None else config.time_s - spent.wall_s
        left_g = None if rules.budget_g is None else rules.budget_g - spent.co2_g
        line = status(spent, mirror.front_accuracies(), left_s=left_s, left_g=left_g)
        progress.update(tried(study), line)
        return left_s is None or left_s > 0

    with terminal.bar(f"study {config.study}", config.trials) as progress:
        judge = search_for(study, problem, rules, bill, go_on)
        repeat_front(judge, mirror.objectives.ways, config.repeats_front, go_on)
        go_on()
    return judge


def rules_of(config: Config) -> Rules:
    """How it is searched, as the search takes it."""
    return Rules(
        trials=config.trials,
        seed=config.seed,
        sampler=config.sampler,
        thrifty=config.thrifty,
        stopping=config.stopping,
        budget_g=budget_g(config),
    )


def finish(own: Share, judge: Judge) -> None:
    """What the front still needs: the test images, exports, and a largest model to be set against.

    As far as the budget allows it.
    """

    def affordable(times: float) -> bool:
        return judge.left_g() >= times * evaluation_g(own.study)

    finish_front(own.mirror, own.started.ledger, affordable)
    if affordable(1):
        know_largest(own.mirror, own.started.ledger)
    export_front(own.started, own.mirror, affordable)


def on_machines(started: Session, study: Study, parent: Record) -> Result:
    """Carry a study on by Dask's workers; this process only places their tasks.

    Raises:
        BudgetError: the budget was up before one trial was finished.
    """
    from ecotrack.search import cluster  # Dask, for those alone who ask for it
    from experiments import search as known  # by this name workers import it; ours may be another

    config, store = started.config, started.store
    if used_up(config, study):
        return nothing_more(started, study, parent)
    mirror = Mirror(store, study, Objectives(config.objectives), parent, {})
    problem = problem_of(config, lambda params, trial: (), tried_first(config, store))
    own = {field.name: getattr(config, field.name) for field in options(Config)}
    told_config = known.Config(**{**own, "warm_start": None})
    job = known.Job(told_config, store.uri, parent.run_id, problem.starts)

    def missing() -> int:
        study.wake()
        return 0 if used_up(config, study) else max(0, config.trials - tried(study))

    def told() -> None:
        mirror.mark_front()
        line = status(study.cost, mirror.front_accuracies(), left_s=None, left_g=None)
        progress.update(tried(study), line)

    with (
        cluster.machines(config.workers) as machines,
        terminal.bar(f"study {config.study}", config.trials) as progress,
    ):
        cluster.keep_placing(machines, partial(known.work, job), missing, told)
        judge = Judge(study, problem, rules_of(config), Bill(lambda: study.cost.co2_g))
        check_budget(judge)
        kinds = [] if used_up(config, study) else mirror.kinds()
        missed = cluster.on_one_of_each(machines, partial(known.wind_up, job), host.hardware, kinds)
    pass_over(judge)
    mirror.mark_front(afresh=True)
    dead_runs.bill(store, parent.run_id, study.keep_cost)
    result = report(study, mirror, judge.forecast_error)
    told_missed = [f"No {kind} was there to evaluate its front." for kind in missed]
    return replace(result, findings=[*result.findings, *told_missed])


@dataclass(frozen=True)
class Job:
    """What a worker has to know to take its share in a study.

    Attributes:
        config: as the coordinator was given it.
        store_uri: of the runs.
        parent_id: the study's own run.
        starts: what is tried first; a worker cannot read the user's file.
    """

    config: Config
    store_uri: str
    parent_id: str
    starts: Sequence[Mapping[str, Any]]


@reaching
def work(job: Job) -> str:
    """On a worker: one more trial, if the study is short of its number."""
    with at_work(job) as own:
        return one_more(judge_of(own, job.starts), partial(in_time, own))


@reaching
def wind_up(job: Job) -> str:
    """On a worker: what follows the trials, for machines of its kind."""
    with at_work(job) as own:
        judge, ways = judge_of(own, job.starts), own.mirror.objectives.ways
        repeat_front(judge, ways, job.config.repeats_front, partial(in_time, own))
        own.mirror.mark_front(afresh=True)
        finish(own, judge)
    return "tried"


def in_time(own: Share) -> bool:
    """Whether another trial may start, by the time that the study may take."""
    time_s = own.started.config.time_s
    return time_s is None or own.spent().wall_s < time_s


@contextmanager
def at_work(job: Job) -> Iterator[Share]:
    """A worker's share, once it is its machine's turn to measure."""
    config = job.config
    os.environ["MLFLOW_TRACKING_URI"] = job.store_uri
    store, study = opened(replace(config, trials=1), job.store_uri)
    objectives = Objectives(config.objectives)
    with measuring("search", config, store) as started:
        agree(started, study, mixed=config.mixed_hardware)
        with share(started, study, objectives, Record(job.parent_id)) as own:
            yield own


@cache
def opened(config: Config, store_uri: str) -> tuple[Store, Study]:
    """The stores, opened once in a worker's life: a study of thousands takes seconds to read."""
    store = Store()
    return store, open_study(config, store)


def judge_of(own: Share, starts: Sequence[Mapping[str, Any]]) -> Judge:
    """Who decides in a worker, by what all of them have cost."""
    config = own.started.config
    bill = Bill(
        spent=lambda: own.spent().co2_g,
        reserved=lambda: reserve_g(own.mirror, own.study, config.exports or ()),
        own=lambda: own.so_far().co2_g,
        keep=own.keep if budget_g(config) else lambda: None,
    )
    return Judge(own.study, problem_of(config, trying(own), starts), rules_of(config), bill)


def trying(own: Share) -> Objective:
    """The objective: train a configuration in a run of its own."""
    started, study, mirror = own.started, own.study, own.mirror
    config, ledger = started.config, started.ledger

    def objective(params: dict[str, Any], trial: Trial) -> tuple[float, ...]:
        chosen = recipe(config, params, trial.repeat)
        with (
            mirror.trial(trial, train.title(chosen), parameters(chosen)) as child,
            insured(child, ledger),
        ):
            trial.remember(child.run_id)
            with raw_record(started.meter) as raw:
                result = train.run(chosen, ledger, trial.goes_on)
                if "inference" in config.objectives and not trial.stopped:
                    result = train.serve(result, data.load().validation, ledger)
            flaw = trial.stopped or gates.flaw(result.costs["training"])
            seen = {**result.scores, metrics.EMISSIONS_G: result.costs["training"].co2_g}
            good = not flaw and mirror.may_be_on_front(mirror.objectives.of(seen))
            tags = {metrics.REASON_TAG: f"stopped {trial.stopped}"} if trial.stopped else {}
            child.log(
                replace(
                    result,
                    model=result.model if good else None,
                    artifacts=raw,
                    tags={**result.tags, **tags},
                )
            )
            if flaw:
                raise PassedOver(flaw)
            values = mirror.objectives.of(seen)
            trial.keep(values)
        if not trial.repeat:
            study.reference_g = reference_g(config, params, seen)
            volume = mirror.hypervolume_with(values)
            mirror.parent.point(metrics.SEARCH_HYPERVOLUME, *volume)
        return values

    return objective


def tried_first(config: Config, store: Store) -> list[Mapping[str, Any]]:
    """What the user wants tried first, and then what this search always begins with."""
    return [*warm_starts(config, store), *starts()]


def problem_of(config: Config, objective: Objective, first: Sequence[Mapping[str, Any]]) -> Problem:
    """What is searched, as the search takes it."""
    objectives = Objectives(config.objectives)

    def refused(params: Mapping[str, Any]) -> str | None:
        operations = tflop(recipe(config, params))
        return f"{operations:.3g} TFLOP of training" if operations > config.max_tflop else None

    return Problem(
        space(config),
        objective,
        features=lambda params: features(recipe(config, params)),
        gain=objectives.position("accuracy"),
        cost=objectives.position("training"),
        kin=itemgetter("family"),
        refused=refused,
        starts=first,
    )


def reference_g(
    config: Config, params: Mapping[str, Any], seen: Mapping[str, float]
) -> tuple[float, ...]:
    """Twice the grams of the largest configuration, in proportion to one that is known."""
    chosen = recipe(config, params)
    shape = config.max_width, config.max_depth
    largest = max(models.planned_flops(family, *shape) for family in config.families)
    times = {"training": config.max_tflop / tflop(chosen), "inference": largest / flops(chosen)}
    costs = Objectives(config.objectives).costs
    return tuple(2 * times[goal] * seen[METRICS[goal]] for goal in costs)


def budget_g(config: Config) -> float | None:
    """The budget in grams, whichever way it was given."""
    if config.budget_wh:
        return config.budget_wh * KWH_PER_WH * grid(config.country).intensity_g_per_kwh
    return config.budget_g


def reserve_g(mirror: Mirror, study: Study, precisions: Sequence[Precision]) -> float:
    """What the end will still cost: each member of the front is evaluated and exported once."""
    waiting = sum(metrics.EVAL_ACCURACY not in run.metrics for run in mirror.front_runs())
    exports = len(mirror.not_exported(precisions)) if precisions else 0
    return (waiting + 1 + EXPORT * exports) * evaluation_g(study)


def evaluation_g(study: Study) -> float:
    """What an evaluation takes: as much as a trial besides its training, and seconds at least.

    Both build a model, have TensorFlow trace it, and write to the store.
    """
    spent, trials = study.cost, study.comparable
    least_g = EVALUATION_S * spent.co2_g / spent.wall_s if spent.wall_s else 0.0
    besides_g = [known for trial in trials if (known := trial.besides_training_g) is not None]
    return max(least_g, median(besides_g)) if besides_g else least_g


def finish_front(mirror: Mirror, meter: Meter, affordable: Affordable) -> None:
    """Evaluate each member of this machine's front on the test images, once in its life."""
    front = filter(ran_on_this_kind, mirror.front_runs())
    runs = [run for run in front if metrics.EVAL_ACCURACY not in run.metrics]
    with terminal.bar("test images", len(runs)) as progress:
        for run in runs:
            if saved.exists(run.run_id) and affordable(1):
                model = saved.load(run.run_id)
                result = train.finish(Result(model=model), data.load(), meter)
                Record(run.run_id).log(replace(result, model=None))
            progress.advance(run.name)


def know_largest(mirror: Mirror, meter: Meter) -> None:
    """Measure the predictions of the largest model: what the search must beat, whoever beat it.

    Its weights, kept only on the front, do not matter for that.
    """
    runs = filter(ran_on_this_kind, mirror.runs())
    largest = max(runs, key=lambda run: run.metrics[metrics.FLOPS], default=None)
    if largest and metrics.INFERENCE_G_PER_1K not in largest.metrics:
        known: Mapping[str, Any] = largest.params
        model = models.build(known["family"], int(known["width"]), int(known["depth"]))
        served = train.serve(Result(model=model), data.load().validation, meter)
        Record(largest.run_id).log(replace(served, model=None))


def export_front(started: Session, mirror: Mirror, affordable: Affordable) -> None:
    """Export each member of the front in each precision that was asked for, once in its life."""
    for run, precision in mirror.not_exported(started.config.exports or ()):
        here = ran_on_this_kind(run) and saved.exists(run.run_id)
        if not here or not affordable(EXPORT):
            continue
        with mirror.export(run, precision) as child, insured(child, started.ledger):
            with raw_record(started.meter) as raw:
                result = train.export(saved.load(run.run_id), precision, started.ledger)
            child.log(replace(result, artifacts={**result.artifacts, **raw}))


def ran_on_this_kind(run: RunView) -> bool:
    """Whether a run was measured on a machine of this kind, as far as that is known."""
    return run.tags.get(metrics.HARDWARE_TAG, host.hardware()) == host.hardware()


if __name__ == "__main__":
    with session("search", Config, check) as started:
        found, run_id = carry_on(started)
        print_study(started, found)
        terminal.result(started.config, in_numbers(found, run_id))
