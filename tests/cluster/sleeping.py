"""A study whose trials sleep: all that a cluster does for a search, without the training."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from ecotrack import metrics
from ecotrack.launch import insured
from ecotrack.measure import measure
from ecotrack.measurement import Result
from ecotrack.metered import Metered, grid_tags, meter_for
from ecotrack.search import cluster, workers
from ecotrack.search.machines import machines
from ecotrack.search.mirror import BEATEN, Mirror, cost_metrics
from ecotrack.search.objectives import Objectives
from ecotrack.search.problem import Rules
from ecotrack.search.question import Question
from ecotrack.search.sharing import Share
from ecotrack.search.space import Real, Whole
from ecotrack.search.trials import Objective, Trial
from ecotrack.tracking import Store, dead_runs

OBJECTIVES = Objectives(("accuracy", "training"))
SPACE = {"width": Whole(1, 64), "rate": Real(0.001, 1, log=True)}


@dataclass(frozen=True)
class Job:
    storage: str
    trials: int
    experiment: str = "sleeping"
    sleep_s: float = 0.1
    mixed: bool = False


def coordinate(job: Job, address: str) -> str:
    """As `search --workers` does, but for the report: the run of the study, the trials, the marks.

    Returns the id of the study's run.
    """
    store, asked = Store(), question(job)
    study = asked.open(store)
    with ExitStack() as open_runs:
        tags = {metrics.KIND_TAG: "search", **grid_tags(meter_for(Metered()))}
        with study.alone():
            run = store.run(job.experiment, "sleeping", {}, tags, resume=study.run_id)
            parent = open_runs.enter_context(run)
            study.run_id = parent.run_id
        dead_runs.bill(store, parent.run_id, study.keep_cost)
        mirror = Mirror(store, study, OBJECTIVES, parent, {})
        work = partial(workers.work, workers.Job(asked, Metered(), store.uri, parent.run_id))

        def missing() -> int:
            with study.at_once():
                study.wake()
                mirror.mark_front()
                return max(0, job.trials - study.tried)

        with machines(address) as reached:
            cluster.keep_placing(reached, work, missing)
        mirror.mark_front(afresh=True)
        dead_runs.bill(store, parent.run_id, study.keep_cost)
        parent.write(values=cost_metrics(study.cost))
    return parent.run_id


def question(job: Job) -> Question:
    return Question(
        experiment=job.experiment,
        study="sleeping",
        place=job.storage,
        objectives=OBJECTIVES,
        space=SPACE,
        starts=(),
        rules=Rules(job.trials, sampler="random", thrifty=False, stopping=False),
        features=one_epoch,
        kin=nothing,
        refused=nothing,
        prepare=nothing,
        trying=partial(sleeping, job.sleep_s),
        finish=nothing,
        reserved_g=no_g,
        mixed=job.mixed,
    )


def one_epoch(params: Mapping[str, Any]) -> Mapping[str, float]:
    return {"epochs": 1}


def nothing(*_: object) -> None:
    return None


def no_g(*_: object) -> float:
    return 0.0


def sleeping(sleep_s: float, own: Share) -> Objective:
    def objective(params: dict[str, Any], trial: Trial) -> tuple[float, ...]:
        texts = {key: str(value) for key, value in params.items()}
        ledger = own.started.ledger
        with own.mirror.trial(trial, "sleep", texts) as child, insured(child, ledger):
            with measure(ledger) as window:
                time.sleep(sleep_s)
            accuracy = 1 - 1 / (1 + params["width"])
            result = Result(
                costs={"training": window.cost},
                scores={metrics.VAL_ACCURACY: accuracy},
                tags={metrics.PARETO_TAG: BEATEN},
            )
            child.log(result)
            values = (accuracy, max(window.cost.co2_g, 1e-9))
            trial.keep(values)
        return values

    return objective


if __name__ == "__main__":
    from tests.cluster import sleeping as known  # by this name workers import it

    place, number, title, seconds, address = sys.argv[1:]
    print(known.coordinate(known.Job(place, int(number), title, float(seconds)), address))
