"""One session of a study: trials, repeats, what its front still needs, and the report."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from ecotrack import database, terminal
from ecotrack.cli import UserError
from ecotrack.launch import Session, raw_record
from ecotrack.measurement import Result
from ecotrack.search.bill import Bill
from ecotrack.search.judge import Judge
from ecotrack.search.mirror import Mirror
from ecotrack.search.question import Question
from ecotrack.search.searching import BudgetError, repeat_front, search
from ecotrack.search.sharing import Share, agree, share
from ecotrack.search.status import status
from ecotrack.search.study import Study
from ecotrack.search.study_report import report
from ecotrack.tracking import Record, Store, dead_runs


def check(storage: str | None, workers: str | None, store: Store) -> None:
    """Refuse a password in a URL, one database for two, and workers that cannot reach the study.

    Raises:
        UserError: there is such a thing.
    """
    if storage:
        try:
            database.refuse_password("--storage", storage)
        except UserError:
            store.forget_launch("storage")
            raise
        if not database.is_postgresql(storage):
            raise UserError("--storage takes postgresql://…, without a password, or none")
        if database.same(storage, store.uri):
            raise UserError("--storage must be another database than MLflow's: both number theirs")
    if workers:
        try:
            from ecotrack.search import cluster
        except ImportError as error:
            raise UserError(
                f"--workers needs Dask ({error}): pip install -r requirements-cluster.txt"
            ) from error
        cluster.check(workers)
        local = not storage or database.sqlite_path(store.uri)
        if local and not workers.isdigit():
            raise UserError(
                "machines elsewhere reach no file of this one: give --storage postgresql://…,"
                " and MLFLOW_TRACKING_URI of a server"
            )


def carry_on(question: Question, started: Session, workers: str | None) -> tuple[Result, str]:
    """Carry a study on in this process, or by Dask's workers.

    Returns what the study's run now says, and the id of that run.

    Raises:
        UserError: it was begun otherwise, or the budget was up before one trial was finished.
    """
    study = question.open(started.store)
    with ExitStack() as open_runs:
        with study.alone():  # two that begin it at once agree on its run
            name = f"study {study.name}"
            run = started.run(question.experiment, name, kind="search", resume=study.run_id)
            parent = open_runs.enter_context(run)
            study.run_id = parent.run_id
        dead_runs.bill(started.store, parent.run_id, study.keep_cost)
        try:
            result = carry_out(question, started, study, parent, workers)
        except BudgetError as error:
            raise UserError(str(error)) from error
        result = replace(result, findings=(*result.findings, *missing(question, study)))
        parent.log(result)
    return result, parent.run_id


def carry_out(
    question: Question, started: Session, study: Study, parent: Record, workers: str | None
) -> Result:
    """The same below the study's run, `parent`.

    Raises:
        BudgetError: the budget was up before one trial was finished.
    """
    if not workers:
        agree(started, study, mixed=question.mixed)
    if question.used_up(study):
        return nothing_more(question, started, study, parent)
    if workers:
        from ecotrack.search.workers import carry_out_by  # Dask, for those alone who ask for it

        return carry_out_by(workers, question, started, study, parent)
    with (
        raw_record(started.meter) as raw,
        share(started, study, question.objectives, parent) as own,
    ):
        judge = try_models(question, own)
        question.finish(own, judge)
    result = report(study, own.mirror, judge.forecast_error)
    return replace(result, artifacts={**result.artifacts, **raw})


def missing(question: Question, study: Study) -> list[str]:
    """That trials are missing since the time is up, if so."""
    done, asked = study.tried, question.rules.trials
    if done >= asked or not question.out_of_time(study.cost):
        return []
    return [
        f"Trials: {done} of {asked}, for the {question.time_s:g} s of time-s are used up, all"
        " sessions together. With a larger time-s the same command goes on."
    ]


def nothing_more(question: Question, started: Session, study: Study, parent: Record) -> Result:
    """What is known of a study whose budget is used up; nothing waits any more.

    Raises:
        BudgetError: it was before one trial was finished.
    """
    mirror = Mirror(started.store, study, question.objectives, parent, {})
    bill = Bill(lambda: study.cost.co2_g)
    judge = search(study, question.problem(), question.rules, bill)
    mirror.mark_front(afresh=True)
    return report(study, mirror, judge.forecast_error)


def try_models(question: Question, own: Share) -> Judge:
    """Try one configuration after another, then the best of them again."""
    study, mirror, rules = own.study, own.mirror, question.rules

    def go_on() -> bool:
        own.keep()
        front = mirror.mark_front()
        spent = study.cost
        left_s = None if question.time_s is None else question.time_s - spent.wall_s
        left_g = None if rules.budget_g is None else rules.budget_g - spent.co2_g
        line = status(spent, mirror.accuracies(front), left_s=left_s, left_g=left_g)
        progress.update(study.tried, line)
        return left_s is None or left_s > 0

    with terminal.bar(f"study {study.name}", rules.trials) as progress:
        judge = search(study, question.problem(own), rules, question.bill(own), go_on)
        repeat_front(judge, mirror.objectives.ways, question.repeats, go_on)
        go_on()
    return judge
