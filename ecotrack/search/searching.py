"""The search itself: what to try next, what it may cost, and when to give it up.

suggestions ─▶ pick ─▶ affordable? ─▶ epoch ─▶ epoch ─▶ … ─▶ finished ─▶ repeated, if good
                ▲          │ no         │ cannot win, or the budget is up   │
                │          ▼            ▼                                   │
                └──── passed over    stopped             forecasts learn ◀──┘
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

from ecotrack import host
from ecotrack.fronts import uncertain
from ecotrack.fronts.pareto import Direction
from ecotrack.search.judge import Bill, Judge, Problem, Rules
from ecotrack.search.space import holds
from ecotrack.search.study import Study
from ecotrack.search.trials import Objective, Trial

MAX_IN_VAIN = 50  # suggestions in a row that led to no training: the space is used up
Outcome = Literal["tried", "enough", "over", "used up"]


class BudgetError(Exception):
    """The budget does not allow a single trial; the message tells what one costs."""


def search(
    study: Study,
    problem: Problem,
    rules: Rules,
    bill: Bill,
    go_on: Callable[[], bool] = lambda: True,
) -> Judge:
    """Try configurations until `rules.trials` are done, or the budget or the space is used up.

    Args:
        study: what is known so far, and where results are kept.
        problem: what is searched.
        rules: how.
        bill: what all of it has cost.
        go_on: asked before each trial; False ends the session.

    Raises:
        BudgetError: the budget was up before one trial was finished.
    """
    judge = Judge(study, problem, rules, bill)
    study.wake()
    put_first(study, problem)
    sample(judge, rules.seed)
    in_vain, done = 0, tried(study)
    while done < rules.trials and in_vain < MAX_IN_VAIN and judge.room_g() > 0 and go_on():
        study.attempt(problem.space, judged(judge))
        before, done = done, tried(study)
        in_vain = 0 if done > before else in_vain + 1
    if judge.room_g() <= 0 or done:
        check_budget(judge)
    return judge


def one_more(judge: Judge, go_on: Callable[[], bool] = lambda: True) -> Outcome:
    """Try one more configuration, if the study is short of its number: safe to repeat.

    Any number of processes may do so at once.

    Args:
        judge: what is known, and what is affordable.
        go_on: asked before each attempt; False ends it.

    Returns:
        Whether one was tried; if none was, because enough are tried or under way, because the
        budget or `go_on` ends the search, or because the space is used up.
    """
    study, rules = judge.study, judge.rules
    # Processes that know the same trials must not suggest the same points.
    sample(judge, rules.seed + zlib.crc32(host.process_id().encode()) % 2**20)
    for _ in range(MAX_IN_VAIN):
        if not study.is_short(rules.trials):
            return "enough"
        if judge.room_g() <= 0 or not go_on():
            return "over"
        if study.attempt(judge.problem.space, judged(judge), of=rules.trials):
            return "tried"
    return "used up"


def put_first(study: Study, problem: Problem) -> None:
    """Put a problem's starts in the queue, each once in the study's life."""
    for start in problem.starts:
        if holds(problem.space, start):
            study.wait_for(start)


def sample(judge: Judge, seed: int) -> None:
    """Choose who suggests, by the rules."""
    pick = judge.pick if judge.rules.thrifty and judge.two else None
    judge.study.sample_by(judge.rules.sampler, seed, judge.problem.space, pick)


def check_budget(judge: Judge) -> None:
    """Refuse a budget that was up before one trial was finished.

    Raises:
        BudgetError: it was.
    """
    budget_g = judge.rules.budget_g
    if budget_g is not None and not judge.study.finished:
        raise BudgetError(
            f"a budget of {budget_g:.3g} g is too small for one trial:"
            f" {judge.bill.spent():.3g} g were gone before one was finished"
        )


def repeat_front(
    judge: Judge,
    ways: Sequence[Direction],
    repeats: int,
    go_on: Callable[[], bool] = lambda: True,
) -> None:
    """Try the front and near misses again with new seeds, what tells most for its grams first.

    Args:
        judge: what is known, and what is affordable.
        ways: which way is better for each objective, as `pareto` takes it.
        repeats: at most so many of each.
        go_on: asked before each; False ends it.
    """
    study = judge.study
    while repeats and go_on():
        several_each = study.results
        finished = [several[0] for several in several_each]
        results = [[trial.values for trial in several] for several in several_each]
        spends_g = [trial.spent_g or 0.0 for trial in finished]
        chosen = uncertain.next_to_repeat(
            results, spends_g, ways, most=1 + repeats, budget=judge.room_g()
        )
        if chosen is None:
            return
        number, before = finished[chosen].number, len(results[chosen])
        study.wait_for(finished[chosen].params, repeat_of=number)
        study.attempt(judge.problem.space, judged(judge))
        if len(study.repeats.get(number, [])) < before:
            return  # it was stopped by the budget, or cannot be believed


def tried(study: Study) -> int:
    """How many configurations were tried, to the end or until they were given up."""
    return len(study.finished) + len(study.stopped)


def judged(judge: Judge) -> Objective:
    """The problem's objective under a judge: admitted, watched and charged."""

    def objective(params: dict[str, Any], trial: Trial) -> tuple[float, ...]:
        judge.admit(params)
        before_g = judge.bill.spent()

        def verdict(curve: Sequence[float], costs_g: Sequence[float]) -> str | None:
            spent_g = judge.bill.spent() - before_g
            return judge.verdict(params, curve, costs_g, spent_g, repeat=trial.repeat > 0)

        try:
            return judge.problem.objective(params, trial.under(verdict))
        finally:
            trial.charge(judge.bill.spent() - before_g)

    return objective
