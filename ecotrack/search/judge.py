"""Decides on a search's configurations: which is next, is it affordable, does it go on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from ecotrack.search import curves, promise
from ecotrack.search.bill import Bill
from ecotrack.search.forecast import CostModel, Forecast, running
from ecotrack.search.problem import Problem, Rules
from ecotrack.search.space import coordinates
from ecotrack.search.study import Study
from ecotrack.search.trials import Finished, PassedOver, Stopped, Trial

FEW = 3  # finished trials before which nothing can be foretold
CONFIDENCE = 0.995  # that a stopped trial would not have reached the front; asked each epoch
MOST = 500  # trials, the latest, that models learn from: their time grows with the cube
DEAREST_TIMES = 20  # the cheapest set-up: none of bench/tables/one.csv.gz takes more (19)
LEAST_GAIN = 0.1  # accuracy of a model that has learned nothing, of ten classes
POLL_S = 1.0


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

    # A second thread only waits on such small matrices: 21 CPU-seconds in 150 trials instead of 5.
    @threadpool_limits.wrap(limits=1, user_api="blas")
    def pick(self, suggestions: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """The suggestion that promises the most hypervolume a gram; None while nobody can tell."""
        with self.study.at_once():
            return self._picked(suggestions)

    def _picked(self, suggestions: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """The same, by what the study is now."""
        finished = self.study.comparable
        given_up = [trial for trial in self.study.stopped if self.study.compares(trial)]
        both: list[Finished | Stopped] = [*finished, *given_up]
        tried = {_items(trial.params) for trial in both}
        distinct = {_items(params): params for params in suggestions}
        asked = [
            params
            for items, params in distinct.items()
            if items not in tried and not self.problem.refused(params)
        ]
        training, spending = self._fitted()
        if len(finished) < FEW or not asked or not spending.trials:
            return None
        learnt = sorted(both, key=lambda trial: trial.number)[-MOST:]
        features = [self.problem.features(params) for params in asked]
        costs_g = np.array([known.expected_g for known in training.predict_all(features)])
        spends_g = np.array([known.expected_g for known in spending.predict_all(features)])
        points = [self.point(trial) for trial in finished]
        ends = [self._end(trial) for trial in learnt]
        grams = [cost_g for cost_g, _ in ends]
        worst_g = self.study.reference_g or (2 * max(grams),)
        gained = promise.promises(
            self._placed([trial.params for trial in learnt], grams),
            np.array([accuracy for _, accuracy in ends]),
            points,
            self._placed(asked, costs_g),
            costs_g,
            (worst_g[0], LEAST_GAIN),
        )
        value = np.where(spends_g <= self.free_g(), gained / spends_g, -np.inf)
        best = int(np.argmax(value))
        return asked[best] if value[best] > -np.inf else None

    def admit(self, params: Mapping[str, Any], trial: Trial) -> None:
        """Let a configuration be tried, and set aside what it will take of the budget.

        Waits while the trials of other processes may leave enough of it.

        Raises:
            PassedOver: it is refused, too dear for the budget, or the budget is used up.
        """
        why = self.problem.refused(params)
        if why:
            raise PassedOver(why)
        if not self.rules.budget_g:
            return
        while not self._is_admitted(params, trial):
            time.sleep(POLL_S)

    def _is_admitted(self, params: Mapping[str, Any], trial: Trial) -> bool:
        """Whether the budget has room for it now, which is then set aside; see `admit`."""
        end_g = self.bill.reserved()  # asks the store of runs, which may take seconds
        with self.study.alone():  # of two that see the same room, one has it
            room_g = self.left_g() - end_g
            free_g = room_g - self.study.reserved_g
            if room_g <= 0:
                raise PassedOver("the budget is used up")
            known = self.foretold(params)
            # A training can be ended after each epoch; nothing ends what comes before the first.
            expected_g = known.spent.expected_g if known else 0.0
            takes_g = max(expected_g, self._besides_training_g(params))
            if takes_g > room_g:
                raise PassedOver(
                    f"it may take {takes_g:.3g} g, and {room_g:.3g} g of the budget are left"
                )
            if free_g <= 0 or takes_g > free_g:
                return False
            trial.reserve(takes_g if known else free_g)  # a first trial may take all there is
            return True

    def verdict(
        self,
        params: Mapping[str, Any],
        curve: Sequence[float],
        costs_g: Sequence[float],
        spent_g: float,
        trial: Trial,
    ) -> str | None:
        """Why a trial should be given up after these epochs; None to go on.

        Args:
            params: its configuration.
            curve: accuracy after each epoch so far.
            costs_g: grams of training, its objective, until the end of each epoch so far.
            spent_g: all that the trial has taken so far.
            trial: of the study; one that is tried again, to be known better, only the budget ends.
        """
        epochs = self._epochs(params)
        if len(curve) >= epochs:
            return None
        if self.rules.budget_g:
            end_g = self.bill.reserved()
            with self.study.alone():
                free_g = self.left_g() - end_g - self.study.reserved_g
                if why := self._too_dear(costs_g, epochs, spent_g, free_g):
                    return why
                next_g = spent_g + spent_g / len(costs_g)
                if next_g > trial.reserved_g:
                    trial.reserve(next_g)
        hopeless = self.rules.stopping and self.two and not trial.repeat
        return self._hopeless(params, curve, costs_g[-1]) if hopeless else None

    def _too_dear(
        self, costs_g: Sequence[float], epochs: int, spent_g: float, room_g: float
    ) -> str | None:
        """Why a trial must not go on: the budget would be passed, or surely will be."""
        if spent_g / len(costs_g) > room_g:
            return f"the next epoch would pass the budget of {self.rules.budget_g:.3g} g"
        known = running(costs_g, epochs, [trial.costs_g for trial in self.study.comparable])
        least_g = (known.low_g - costs_g[-1]) * spent_g / costs_g[-1] if costs_g[-1] else 0.0
        if least_g > room_g:
            return (
                f"the rest would take {least_g:.3g} g or more,"
                f" and {room_g:.3g} g of the budget are left"
            )
        return None

    def _hopeless(
        self, params: Mapping[str, Any], curve: Sequence[float], cost_g: float
    ) -> str | None:
        """Why a trial will not reach the front, as far as finished curves of its kin tell."""
        finished, kin = self.study.comparable, self.problem.kin
        alike = [t.curve for t in finished if t.curve and kin(t.params) == kin(params)]
        best = curves.optimistic(curve, self._epochs(params), alike, CONFIDENCE)
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

    @property
    def forecast_error(self) -> float | None:
        """Half of the trials' costs are foretold within this share; None while nobody can tell."""
        _, spending = self._fitted()
        return spending.error

    def _besides_training_g(self, params: Mapping[str, Any]) -> float:
        """The most that it may take, as far as finished trials tell: before any, nothing."""
        finished, kin = self.study.comparable, self.problem.kin
        known = [g for trial in finished if (g := trial.besides_training_g or 0.0) > 0]
        if not known:
            return 0.0
        families = {kin(trial.params) for trial in finished}
        if kin(params) in families:
            return max(known)
        # What nobody has tried may stand above the rest as far as they stand apart.
        return max(known) ** 2 / min(known) if len(families) > 1 else DEAREST_TIMES * min(known)

    def free_g(self) -> float:
        """What a trial may take now, grams: what those of other processes may need is not in it."""
        return self.room_g() - self.study.reserved_g if self.rules.budget_g else float("inf")

    def room_g(self) -> float:
        """What trials may still take, grams, those under way included."""
        return self.left_g() - self.bill.reserved() if self.rules.budget_g else float("inf")

    def left_g(self) -> float:
        """What is left of the budget, grams, what is reserved included."""
        return self.rules.budget_g - self.bill.spent() if self.rules.budget_g else float("inf")

    def point(self, trial: Finished) -> tuple[float, float]:
        """(grams, accuracy) of a trial."""
        assert self.problem.cost is not None
        assert self.problem.gain is not None
        return trial.values[self.problem.cost], trial.values[self.problem.gain]

    @property
    def two(self) -> bool:
        """Whether accuracy and training's grams are the objectives, and there is no other."""
        return {self.problem.gain, self.problem.cost} == {0, 1} and self.study.objectives == 2

    def _fitted(self) -> tuple[CostModel, CostModel]:
        """Models of training's grams and of whole trials': of what was free they know nothing."""
        finished = self.study.comparable
        if len(finished) not in self._models:
            number, finished = len(finished), finished[-MOST:]
            spends = [trial.spent_g or 0.0 for trial in finished]
            costs = spends if self.problem.cost is None else [self.point(t)[0] for t in finished]
            models = self._model(finished, costs), self._model(finished, spends)
            self._models = {number: models}
            return models
        return self._models[len(finished)]

    def _model(self, finished: Sequence[Finished], grams: Sequence[float]) -> CostModel:
        known = [
            (self.problem.features(trial.params), cost)
            for trial, cost in zip(finished, grams, strict=True)
            if cost > 0
        ]
        return CostModel.fit([features for features, _ in known], [cost for _, cost in known])

    def _end(self, trial: Finished | Stopped) -> tuple[float, float]:
        """(grams, accuracy) of a trial; of one that was stopped, as likely passed as not."""
        if isinstance(trial, Finished):
            return self.point(trial)
        epochs = self._epochs(trial.params)
        known = [finished.curve for finished in self.study.comparable[-MOST:] if finished.curve]
        accuracy = curves.optimistic(trial.curve, epochs, known, confidence=0.5)
        return trial.costs_g[-1] / len(trial.curve) * epochs, accuracy

    def _epochs(self, params: Mapping[str, Any]) -> int:
        return int(self.problem.features(params)["epochs"])

    def _placed(self, configurations: Sequence[Mapping[str, Any]], costs_g: Any) -> np.ndarray:
        """(n, k) coordinates, the logarithm of the cost among them: dearer models know more."""
        places = [coordinates(self.problem.space, params) for params in configurations]
        return np.column_stack([np.array(places), np.log10(costs_g)])


def _items(params: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    """What makes two configurations the same."""
    return frozenset(params.items())
