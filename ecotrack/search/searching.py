"""The search itself: what to try next, what it may cost, and when to give it up.

suggestions ─▶ pick ─▶ affordable? ─▶ epoch ─▶ epoch ─▶ … ─▶ finished ─▶ repeated, if good
                ▲          │ no         │ cannot win, or the budget is up   │
                │          ▼            ▼                                   │
                └──── passed over    stopped             forecasts learn ◀──┘
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from ecotrack import host
from ecotrack.fronts import uncertain
from ecotrack.fronts.pareto import Direction
from ecotrack.search.bill import Bill
from ecotrack.search.judge import Judge
from ecotrack.search.problem import Problem, Rules
from ecotrack.search.space import holds
from ecotrack.search.study import Study
from ecotrack.search.trials import Finished, Objective, Trial

SEQUENCES = SEEDS_EACH = 2**15  # of suggestions: a process has one, of a seed for each trial
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
    starts = starts_of(problem)
    sample(judge, rules.seed)
    in_vain, done = 0, study.tried
    while done < rules.trials and in_vain < MAX_IN_VAIN and judge.room_g() > 0 and go_on():
        put_next(study, starts)
        study.attempt(problem.space, judged(judge))
        before, done = done, study.tried
        in_vain = 0 if done > before else in_vain + 1
    check_budget(judge)
    pass_over(judge)
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
    study, rules, starts = judge.study, judge.rules, starts_of(judge.problem)
    # Processes that know the same trials must not suggest the same points; nor may one those that
    # another one did some trials ago, for a seed goes up with their number.
    own = zlib.crc32(host.process_id().encode()) % SEQUENCES
    sample(judge, rules.seed + own * SEEDS_EACH)
    for _ in range(MAX_IN_VAIN):
        if not study.is_short(rules.trials):
            return "enough"
        if judge.room_g() <= 0 or not go_on():
            return "over"
        put_next(study, starts)
        if study.attempt(judge.problem.space, judged(judge), of=rules.trials):
            return "tried"
    return "used up"


def starts_of(problem: Problem) -> Iterator[Mapping[str, Any]]:
    """A problem's starts, as far as they lie in its space."""
    return (start for start in problem.starts if holds(problem.space, start))


def put_next(study: Study, starts: Iterator[Mapping[str, Any]]) -> None:
    """Put the next start in the queue, once in the study's life; none while something waits.

    One by one: what the number of trials or the budget leaves untried is left to later sessions,
    and repeats do not wait behind it.
    """
    with study.alone():
        while not study.waiting and (start := next(starts, None)):
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
    budget_g, study = judge.rules.budget_g, judge.study
    over = judge.room_g() <= 0 or study.tried > 0
    if budget_g is not None and not study.finished and over:
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
    while repeats and judge.room_g() > 0 and go_on():
        if not study.waiting:  # else a repeat whose process died is tried first
            chosen = _to_repeat(judge, ways, repeats)
            if chosen is None:
                return
            study.wait_for(chosen.params, repeat_of=chosen.number)
        before = sum(map(len, study.results))
        study.attempt(judge.problem.space, judged(judge))
        if sum(map(len, study.results)) == before:
            break  # it was stopped by the budget, or cannot be believed
    pass_over(judge)


def pass_over(judge: Judge) -> None:
    """Once the budget is used up nothing waits any more, not even what a killed process tried."""
    while judge.room_g() <= 0 and judge.study.waiting:
        judge.study.attempt(judge.problem.space, judged(judge))


def _to_repeat(judge: Judge, ways: Sequence[Direction], repeats: int) -> Finished | None:
    """Of the trials of machines like this one: another seed elsewhere would cost otherwise."""
    study = judge.study
    several_each = [several for several in study.results if study.compares(several[0])]
    results = [[trial.values for trial in several] for several in several_each]
    spends_g = [several[0].spent_g or 0.0 for several in several_each]
    chosen = uncertain.next_to_repeat(
        results, spends_g, ways, most=1 + repeats, budget=judge.room_g()
    )
    return None if chosen is None else several_each[chosen][0]


def judged(judge: Judge) -> Objective:
    """The problem's objective under a judge: admitted, watched and charged."""

    def objective(params: dict[str, Any], trial: Trial) -> tuple[float, ...]:
        judge.admit(params, trial)
        before_g = judge.bill.of_trials()

        def verdict(curve: Sequence[float], costs_g: Sequence[float]) -> str | None:
            spent_g = judge.bill.of_trials() - before_g
            return judge.verdict(params, curve, costs_g, spent_g, trial)

        try:
            return judge.problem.objective(params, trial.under(verdict))
        finally:
            trial.charge(judge.bill.of_trials() - before_g)
            judge.bill.keep()  # once the trial is over, nothing is set aside for it any more

    return objective
