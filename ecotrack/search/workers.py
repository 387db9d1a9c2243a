"""A study carried on by Dask's workers: what the coordinator places, and what a worker does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from ecotrack import host, terminal
from ecotrack.launch import Session
from ecotrack.measurement import Result
from ecotrack.metered import Metered, metered
from ecotrack.search import cluster
from ecotrack.search.bill import Bill
from ecotrack.search.judge import Judge
from ecotrack.search.machines import machines
from ecotrack.search.mirror import Mirror, open_study
from ecotrack.search.objectives import Objectives
from ecotrack.search.question import Question
from ecotrack.search.searching import check_budget, one_more, pass_over, repeat_front
from ecotrack.search.sharing import Share, agree, measuring, reaching, share
from ecotrack.search.status import status
from ecotrack.search.study import Study
from ecotrack.search.study_report import report
from ecotrack.tracking import Record, Store, dead_runs


@dataclass(frozen=True)
class Job:
    """What a worker has to know to take its share in a study.

    Attributes:
        question: what is asked.
        options: of its meter.
        store_uri: of the runs.
        parent_id: the study's own run.
    """

    question: Question
    options: Metered
    store_uri: str
    parent_id: str


def carry_out_by(
    workers: str, question: Question, started: Session, study: Study, parent: Record
) -> Result:
    """Carry a study on by workers; this process only places their tasks.

    Raises:
        BudgetError: the budget was up before one trial was finished.
    """
    store, rules = started.store, question.rules
    mirror = Mirror(store, study, question.objectives, parent, {})
    job = Job(question, Metered(**metered(started.config)), store.uri, parent.run_id)

    def missing() -> int:
        with study.at_once():
            study.wake()
            front, tried = mirror.mark_front(), study.tried
        line = status(study.cost, mirror.accuracies(front), left_s=None, left_g=None)
        progress.update(tried, line)
        return 0 if question.used_up(study) else max(0, rules.trials - tried)

    with (
        machines(workers) as reached,
        terminal.bar(f"study {study.name}", rules.trials) as progress,
    ):
        cluster.keep_placing(reached, partial(work, job), missing)
        judge = Judge(study, question.problem(), rules, Bill(lambda: study.cost.co2_g))
        check_budget(judge)
        kinds = [] if question.used_up(study) else mirror.kinds()
        missed = cluster.on_one_of_each(reached, partial(wind_up, job), host.hardware, kinds)
    pass_over(judge)
    mirror.mark_front(afresh=True)
    dead_runs.bill(store, parent.run_id, study.keep_cost)
    result = report(study, mirror, judge.forecast_error)
    told_missed = [f"No {kind} was there to evaluate its front." for kind in missed]
    return replace(result, findings=[*result.findings, *told_missed])


@reaching
def work(job: Job) -> str:
    """On a worker: one more trial, if the study is short of its number."""
    with at_work(job) as (own, judge):
        return one_more(judge, partial(in_time, job.question, own))


@reaching
def wind_up(job: Job) -> str:
    """On a worker: what follows the trials, for machines of its kind."""
    question = job.question
    with at_work(job) as (own, judge):
        ways = question.objectives.ways
        repeat_front(judge, ways, question.repeats, partial(in_time, question, own))
        own.mirror.mark_front(afresh=True)
        question.finish(own, judge)
    return "tried"


def in_time(question: Question, own: Share) -> bool:
    """Whether another trial may start, by the time that the study may take."""
    return not question.out_of_time(own.spent())


@contextmanager
def at_work(job: Job) -> Iterator[tuple[Share, Judge]]:
    """A worker's share, once it is its machine's turn to measure, and who decides there."""
    question = job.question
    os.environ["MLFLOW_TRACKING_URI"] = job.store_uri
    question.prepare()
    store, study = opened(question.place, question.study, question.objectives, job.store_uri)
    with measuring("search", job.options, store) as started:
        agree(started, study, mixed=question.mixed)
        with share(started, study, question.objectives, Record(job.parent_id)) as own:
            yield own, Judge(study, question.problem(own), question.rules, question.bill(own))


@cache
def opened(
    place: Path | str, name: str, objectives: Objectives, store_uri: str
) -> tuple[Store, Study]:
    """The stores, opened once in a worker's life: a study of thousands takes seconds to read.

    The runs of a worker that was killed here before it get what that one's ledger tells.
    """
    store = Store()
    dead_runs.settle(store, store.ledgers)
    return store, open_study(place, name, objectives, store)
