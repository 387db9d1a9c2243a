"""The search itself: what to try next, what it may cost, and when to give it up.

suggestions ─▶ pick ─▶ affordable? ─▶ epoch ─▶ epoch ─▶ … ─▶ finished ─▶ repeated, if good
                ▲          │ no         │ cannot win, or the budget is up   │
                │          ▼            ▼                                   │
                └──── passed over    stopped             forecasts learn ◀──┘
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ecotrack import curves, promise, uncertain
from ecotrack.forecast import CostModel, Forecast
from ecotrack.samplers import Sampler
from ecotrack.space import Space, coordinates, holds
from ecotrack.study import Study
from ecotrack.trials import Finished, Objective, PassedOver, Trial

MAX_IN_VAIN = 50  # suggestions in a row that led to no training: the space is used up
FEW = 3  # finished trials before which nothing can be foretold
CONFIDENCE = 0.95  # that a trial which is stopped could not have reached the front
LEAST_GAIN = 0.1  # accuracy of a model that has learned nothing, of ten classes


class BudgetError(Exception):
    """The budget does not allow a single trial; the message tells what one costs."""


@dataclass(frozen=True)
class Problem:
    """What is searched; real training and a replayed table alike.

    Attributes:
        space: what may be tried.
        objective: (configuration, trial) -> one value an objective. Between epochs it asks
            `trial.goes_on`.
        features: what is known of a configuration before it is tried, `epochs` among it: of this
            its cost is foretold.
        gain, cost: positions of accuracy and of training's grams among the objectives; None where
            they are not both asked for: then nothing is stopped early or picked by its promise.
        refused: why a configuration will not be tried, or None.
        starts: configurations to try first.
    """

    space: Space
    objective: Objective
    features: Callable[[Mapping[str, Any]], Mapping[str, float | str]]
    gain: int | None = 0
    cost: int | None = 1
    refused: Callable[[Mapping[str, Any]], str | None] = lambda params: None
    starts: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Rules:
    """How it is searched.

    Attributes:
        trials: configurations to try in all, earlier sessions included, finished or stopped.
        seed: of the suggestions.
        sampler: who suggests.
        thrifty: take the suggestion that promises the most for its grams.
        stopping: give up what cannot win.
        budget_g: what the study may cost in all, grams.
    """

    trials: int
    seed: int = 0
    sampler: Sampler = "tpe"
    thrifty: bool = True
    stopping: bool = True
    budget_g: float | None = None


@dataclass
class Bill:
    """What the study costs, grams: `spent` in all so far, `reserved` for what must follow."""

    spent: Callable[[], float]
    reserved: Callable[[], float] = lambda: 0.0


class Foretold(NamedTuple):
    """Grams of a configuration's training, and of the trial as a whole."""

    training: Forecast
    spent: Forecast


@dataclass
class Judge:
    """Decides on configurations: which is next, whether it is affordable, whether it goes on."""

    study: Study
    problem: Problem
    rules: Rules
    bill: Bill
    _models: dict[int, tuple[CostModel, CostModel]] = field(default_factory=dict)

    def pick(self, suggestions: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """The suggestion that promises the most hypervolume a gram; None while nobody can tell."""
        finished, given_up = self.study.finished, self.study.stopped
        tried = [trial.params for trial in finished] + [trial["params"] for trial in given_up]
        asked = [
            params
            for params in _distinct(suggestions)
            if params not in tried and not self.problem.refused(params)
        ]
        training, spending = self._fitted()
        if len(finished) < FEW or not asked or not spending.trials:
            return None
        features = [self.problem.features(params) for params in asked]
        costs_g = np.array([known.expected_g for known in training.predict_all(features)])
        spends_g = np.array([known.expected_g for known in spending.predict_all(features)])
        points = [self.point(trial) for trial in finished]
        worst_g = self.study.reference_g or (2 * max(cost for cost, _ in points),)
        gained = promise.promises(
            self._placed([trial.params for trial in finished], [cost for cost, _ in points]),
            points,
            self._placed(asked, costs_g),
            costs_g,
            (worst_g[0], LEAST_GAIN),
        )
        value = np.where(spends_g <= self.room_g(), gained / spends_g, -np.inf)
        best = int(np.argmax(value))
        return asked[best] if value[best] > -np.inf else None

    def admit(self, params: Mapping[str, Any]) -> None:
        """Let a configuration be tried.

        Raises:
            PassedOver: it is refused, was stopped before, or is too dear for the budget.
            BudgetError: it is, and nothing was tried yet.
        """
        why = self.problem.refused(params)
        if why:
            raise PassedOver(why)
        known = self.foretold(params)
        if known and known.spent.expected_g > self.room_g():
            raise PassedOver(
                f"it would take some {known.spent.expected_g:.3g} g,"
                f" and {max(0.0, self.room_g()):.3g} g of the budget are left"
            )

    def verdict(
        self,
        params: Mapping[str, Any],
        curve: Sequence[float],
        cost_g: float,
        spent_g: float,
        *,
        repeat: bool = False,
    ) -> str | None:
        """Why a trial should be given up after these epochs; None to go on.

        Args:
            params: its configuration.
            curve: accuracy after each epoch so far.
            cost_g: training's grams so far, its objective.
            spent_g: all that the trial has taken so far.
            repeat: it is tried again, to be known better: only the budget ends it.
        """
        epochs = int(self.problem.features(params)["epochs"])
        if len(curve) >= epochs:
            return None
        next_g = spent_g / len(curve)
        if next_g > self.room_g():
            return f"the next epoch would pass the budget of {self.rules.budget_g:g} g"
        if repeat or not (self.rules.stopping and self.two):
            return None
        return self._hopeless(curve, epochs, cost_g)

    def _hopeless(self, curve: Sequence[float], epochs: int, cost_g: float) -> str | None:
        """Why a trial will not reach the front, as far as finished curves tell."""
        finished = self.study.finished
        best = curves.optimistic(curve, epochs, [t.curve for t in finished if t.curve], CONFIDENCE)
        for trial in finished:
            grams, accuracy = self.point(trial)
            if grams <= cost_g and accuracy >= best:
                return (
                    f"it will hardly pass {best:.4f}, and trial {trial.number} had"
                    f" {accuracy:.4f} for less"
                )
        return None

    def foretold(self, params: Mapping[str, Any]) -> Foretold | None:
        """What a configuration will cost; None before the first trial."""
        features = self.problem.features(params)
        training, spent = (model.predict(features) for model in self._fitted())
        return Foretold(training, spent) if training and spent else None

    def room_g(self) -> float:
        """What a trial may still take, grams."""
        if self.rules.budget_g is None:
            return float("inf")
        return self.rules.budget_g - self.bill.spent() - self.bill.reserved()

    def point(self, trial: Finished) -> tuple[float, float]:
        """(grams, accuracy) of a trial."""
        assert self.problem.cost is not None
        assert self.problem.gain is not None
        return trial.values[self.problem.cost], trial.values[self.problem.gain]

    @property
    def two(self) -> bool:
        """Whether accuracy and training's grams are both asked for."""
        return self.problem.gain is not None and self.problem.cost is not None

    def _fitted(self) -> tuple[CostModel, CostModel]:
        """Models of training's grams and of whole trials': of what was free they know nothing."""
        finished = self.study.finished
        if len(finished) not in self._models:
            spends = [trial.spent_g or 0.0 for trial in finished]
            costs = spends if self.problem.cost is None else [self.point(t)[0] for t in finished]
            self._models = {len(finished): (self._model(costs), self._model(spends))}
        return self._models[len(finished)]

    def _model(self, grams: Sequence[float]) -> CostModel:
        known = [
            (self.problem.features(trial.params), cost)
            for trial, cost in zip(self.study.finished, grams, strict=True)
            if cost > 0
        ]
        return CostModel.fit([features for features, _ in known], [cost for _, cost in known])

    def _placed(self, configurations: Sequence[Mapping[str, Any]], costs_g: Any) -> np.ndarray:
        """(n, k) coordinates, the logarithm of the cost among them: dearer models know more."""
        places = [coordinates(self.problem.space, params) for params in configurations]
        return np.column_stack([np.array(places), np.log10(costs_g)])


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
    for start in problem.starts:
        if holds(problem.space, start):
            study.wait_for(start)
    pick = judge.pick if rules.thrifty and judge.two else None
    study.sample_by(rules.sampler, rules.seed, problem.space, pick)
    in_vain, done = 0, tried(study)
    while done < rules.trials and in_vain < MAX_IN_VAIN and go_on():
        study.attempt(problem.space, judged(judge))
        before, done = done, tried(study)
        in_vain = 0 if done > before else in_vain + 1
        if rules.budget_g and not study.finished and judge.room_g() <= 0:
            raise BudgetError(
                f"a budget of {rules.budget_g:g} g is too small for one trial:"
                f" {bill.spent():.3g} g were gone before one was finished"
            )
    return judge


def repeat_front(
    judge: Judge,
    point: Callable[[Sequence[float]], tuple[float, ...]],
    repeats: int,
    go_on: Callable[[], bool] = lambda: True,
) -> None:
    """Try the front and near misses again with new seeds, what tells most for its grams first.

    Args:
        judge: what is known, and what is affordable.
        point: an objective's values as `pareto` takes them.
        repeats: at most so many of each.
        go_on: asked before each; False ends it.
    """
    study = judge.study
    while repeats and go_on():
        finished, again = study.finished, study.repeats
        results = [
            [point(trial.values), *(point(t.values) for t in again.get(trial.number, []))]
            for trial in finished
        ]
        spends_g = [trial.spent_g or trial.values[judge.problem.cost or 0] for trial in finished]
        chosen = uncertain.next_to_repeat(results, spends_g, most=1 + repeats)
        if chosen is None or spends_g[chosen] > judge.room_g():
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

        def verdict(curve: Sequence[float], cost_g: float) -> str | None:
            spent_g = judge.bill.spent() - before_g
            return judge.verdict(params, curve, cost_g, spent_g, repeat=trial.repeat > 0)

        try:
            return judge.problem.objective(params, trial.under(verdict))
        finally:
            trial.charge(judge.bill.spent() - before_g)

    return objective


def _distinct(configurations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({tuple(params.items()): params for params in configurations}.values())
