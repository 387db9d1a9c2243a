"""A study whose trials sleep: all that a cluster does for a search, without the training."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from ecotrack import metrics
from ecotrack.launch import Metered, grid_tags, insured, meter_for
from ecotrack.measure import measure
from ecotrack.measurement import Result
from ecotrack.search import cluster
from ecotrack.search.judge import Bill, Judge, Problem, Rules
from ecotrack.search.mirror import Mirror, cost_metrics
from ecotrack.search.objectives import Objectives
from ecotrack.search.searching import one_more, tried
from ecotrack.search.sharing import Share, agree, measuring, reaching, share
from ecotrack.search.space import Real, Whole
from ecotrack.search.study import Study
from ecotrack.search.trials import Objective, Trial
from ecotrack.tracking import Record, Store, dead_runs

OBJECTIVES = Objectives(("accuracy", "training"))
SPACE = {"width": Whole(1, 64), "rate": Real(0.001, 1, log=True)}


@dataclass(frozen=True)
class Job:
    storage: str
    trials: int
    experiment: str = "sleeping"
    sleep_s: float = 0.1
    mixed: bool = False
    parent_id: str = ""
    store_uri: str = ""


def coordinate(job: Job, workers: str) -> str:
    """As `search --workers` does: the run of the study, the trials, the marks."""
    store = Store()
    study = open_study(job, store)
    with ExitStack() as open_runs:
        tags = {metrics.KIND_TAG: "search", **grid_tags(meter_for(Metered()))}
        with study.alone():
            run = store.run(job.experiment, "sleeping", {}, tags, resume=study.run_id)
            parent = open_runs.enter_context(run)
            study.run_id = parent.run_id
        dead_runs.bill(store, parent.run_id, study.keep_cost)
        mirror = Mirror(store, study, OBJECTIVES, parent, {})
        told = Job(**{**vars(job), "parent_id": parent.run_id, "store_uri": store.uri})

        def missing() -> int:
            study.wake()
            return max(0, job.trials - tried(study))

        with cluster.machines(workers) as machines:
            cluster.keep_placing(machines, partial(work, told), missing, mirror.mark_front)
        mirror.mark_front(afresh=True)
        dead_runs.bill(store, parent.run_id, study.keep_cost)
        parent.write(values=cost_metrics(study.cost))
    return parent.run_id


@reaching
def work(job: Job) -> str:
    """On a worker."""
    os.environ["MLFLOW_TRACKING_URI"] = job.store_uri
    store, study = opened(Job(job.storage, 1), job.store_uri)
    with measuring("sleeping", Metered(), store) as started:
        agree(started, study, mixed=job.mixed)
        with share(started, study, OBJECTIVES, Record(job.parent_id)) as own:
            problem = Problem(SPACE, sleeping(own, job.sleep_s), lambda params: {"epochs": 1})
            rules = Rules(job.trials, sampler="random", thrifty=False, stopping=False)
            bill = Bill(lambda: own.spent().co2_g, own=lambda: own.so_far().co2_g)
            return one_more(Judge(study, problem, rules, bill))


@cache
def opened(job: Job, store_uri: str) -> tuple[Store, Study]:
    store = Store()
    return store, open_study(job, store)


def open_study(job: Job, store: Store) -> Study:
    return Study(
        job.storage,
        "sleeping",
        OBJECTIVES.directions,
        on_dead=lambda run: dead_runs.kill(store, run, "its trial died"),
        on_kept=lambda run: dead_runs.finish(store, run),
    )


def sleeping(own: Share, sleep_s: float) -> Objective:
    def objective(params: dict[str, Any], trial: Trial) -> tuple[float, ...]:
        texts = {key: str(value) for key, value in params.items()}
        ledger = own.started.ledger
        with trial_run(own, trial, texts) as child, insured(child, ledger):
            trial.remember(child.run_id)
            with measure(ledger) as window:
                time.sleep(sleep_s)
            accuracy = 1 - 1 / (1 + params["width"])
            result = Result(
                costs={"training": window.cost}, scores={metrics.VAL_ACCURACY: accuracy}
            )
            child.log(result)
            values = (accuracy, max(window.cost.co2_g, 1e-9))
            trial.keep(values)
        return values

    return objective


@contextmanager
def trial_run(own: Share, trial: Trial, params: dict[str, str]) -> Iterator[Record]:
    with own.mirror.trial(trial, "sleep", params) as child:
        yield child


if __name__ == "__main__":
    from tests.cluster import sleeping as known  # by this name workers import it

    place, number, title, seconds, address = sys.argv[1:]
    print(known.coordinate(known.Job(place, int(number), title, float(seconds)), address))
