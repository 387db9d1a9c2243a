"""The search's decisions, on a made-up world whose trainings cost nothing."""

import math
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecotrack.measurement import Measurement
from ecotrack.search import judge as judging
from ecotrack.search import searching
from ecotrack.search.bill import Bill
from ecotrack.search.judge import Judge
from ecotrack.search.objectives import Objectives
from ecotrack.search.problem import Problem, Rules
from ecotrack.search.samplers import SAMPLERS
from ecotrack.search.searching import BudgetError, one_more, repeat_front, search
from ecotrack.search.space import Choice, Real, Space, When, Whole, coordinates, draw, holds
from ecotrack.search.study import Study
from ecotrack.search.trials import PassedOver, Trial
from tests.conftest import ROOT

OBJECTIVES = Objectives(("accuracy", "training"))
SETUP_G, EVAL_G = 0.5, 0.1
SPACE: Space = {
    "family": Choice(("line", "tree")),
    "depth": When("family", ("tree",), Whole(1, 6)),
    "epochs": Whole(1, 8),
    "rate": Real(0.001, 0.1, log=True),
}
DEAR: Space = {**SPACE, "family": Choice(("tree",)), "depth": Whole(5, 6), "epochs": Whole(7, 8)}
PLAIN = Rules(200, sampler="random", thrifty=False)  # where it does not matter what is picked
CHEAP = {"family": "line", "epochs": 1, "rate": 0.01}


@dataclass
class World:
    """Deeper trees learn more and cost more; a rate far from 0.01 spoils it."""

    spent_g: float = 0.0
    epochs: int = 0
    largest_epoch_g: float = 0.0
    noise: float = 0.0
    epoch_s: float = 0.0

    @property
    def bill(self) -> Bill:
        return Bill(lambda: self.spent_g)

    def epoch_g(self, params: Mapping[str, Any]) -> float:
        return 1.0 + params.get("depth", 0) ** 2

    def accuracy(self, params: Mapping[str, Any], epoch: int, seed: int = 0) -> float:
        best = 0.95 - 0.4 / (1 + params.get("depth", 0))
        spoiled = abs(math.log10(params["rate"] / 0.01)) * 0.3
        dice = np.random.default_rng([seed, params.get("depth", 0), params["epochs"]])
        noise = self.noise * float(dice.normal())
        share = epoch / params["epochs"]
        return float(np.clip((best - spoiled) * (1 - 0.5 * math.exp(-3 * share)) + noise, 0.05, 1))

    def objective(self, params: Mapping[str, Any], trial: Trial) -> tuple[float, ...]:
        self.spent_g += SETUP_G
        training_g = 0.0
        for epoch in range(1, params["epochs"] + 1):
            training_g += self.epoch_g(params)
            time.sleep(self.epoch_s)
            step_g = self.epoch_g(params) + EVAL_G
            self.spent_g += step_g
            self.largest_epoch_g = max(self.largest_epoch_g, step_g)
            accuracy = self.accuracy(params, epoch, trial.repeat)
            if not trial.goes_on(accuracy, training_g):
                raise PassedOver(trial.stopped)
        trial.remember(f"run-{trial.number}")
        trial.keep((accuracy, training_g))
        return accuracy, training_g

    def problem(self, **others: Any) -> Problem:
        def features(params: Mapping[str, Any]) -> Mapping[str, float | str]:
            operations = params["epochs"] * self.epoch_g(params)
            return {
                "operations": operations,
                "epochs": params["epochs"],
                "family": params["family"],
            }

        return Problem(SPACE, self.objective, features, **{"starts": [CHEAP], **others})


def study(path: Path | None = None) -> Study:
    return Study(path, "s", OBJECTIVES.directions)


def carry_on(world: World, study: Study, rules: Rules, **others: Any) -> Any:
    return search(study, world.problem(**others), rules, world.bill)


def known(trials: Any) -> list[dict[str, Any]]:
    return [dict(trial.params) for trial in trials]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("thrifty", [True, False])
def test_a_parameter_is_there_only_where_its_family_has_it(sampler, thrifty):
    found = study()
    carry_on(World(), found, Rules(25, sampler=sampler, thrifty=thrifty))
    everything = known(found.finished) + known(found.stopped)
    assert len(everything) == 25
    assert all(holds(SPACE, params) for params in everything)
    assert {"depth" in params for params in everything} == {True, False}
    assert len({tuple(params.items()) for params in everything}) == 25


def test_what_lies_in_a_space():
    tree = {"family": "tree", "depth": 3, "epochs": 2, "rate": 0.01}
    assert holds(SPACE, tree)
    assert holds(SPACE, CHEAP)
    assert not holds(SPACE, {**CHEAP, "depth": 1})
    assert not holds(SPACE, {**tree, "depth": 7})
    assert not holds(SPACE, {**tree, "depth": 2.5})
    assert not holds(SPACE, {name: v for name, v in tree.items() if name != "depth"})
    assert coordinates(SPACE, tree)[:2] == [0.0, 1.0]
    assert len(coordinates(SPACE, CHEAP)) == len(coordinates(SPACE, tree))


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 20))]
)
def test_a_budget_is_never_passed_by_more_than_an_epoch(seed):
    world, found = World(), study()
    budget_g = float(np.random.default_rng(seed).uniform(3, 400))
    carry_on(world, found, Rules(200, seed=seed, budget_g=budget_g))
    assert found.finished
    assert world.spent_g <= max(1.02 * budget_g, budget_g + world.largest_epoch_g)


TAKING_PART = """
import sys
from tests.search.test_searching import take_part
print(take_part(*sys.argv[1:]))
"""


def take_part(path: str, budget_g: str, seed: str) -> float:
    """Try all that a budget allows, beside other processes; returns grams of the dearest epoch."""
    judging.POLL_S, searching.MAX_IN_VAIN = 0.02, 3
    world, found = World(epoch_s=0.2), study(Path(path))
    cost = lambda: Measurement(wall_s=world.spent_g, co2_g=world.spent_g)  # noqa: E731
    bill = Bill(
        spent=lambda: found.cost_with(cost()).co2_g,
        own=lambda: world.spent_g,
        keep=lambda: found.keep_cost(cost()),
    )
    rules = Rules(1000, int(seed), "random", thrifty=False, budget_g=float(budget_g))
    problem = replace(world.problem(starts=[]), space=DEAR)
    while one_more(Judge(found, problem, rules, bill)) == "tried":
        pass
    return world.largest_epoch_g


@pytest.mark.slow
def test_several_processes_keep_one_budget(tmp_path):
    path, budget_g = tmp_path / "optuna.db", 700
    study(path)
    command = [sys.executable, "-W", "ignore", "-c", TAKING_PART, str(path), str(budget_g)]
    processes = [
        subprocess.Popen([*command, str(seed)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for seed in range(3)
    ]
    largest_g = max(float(process.communicate(timeout=250)[0]) for process in processes)
    found = study(path)
    assert [process.returncode for process in processes] == [0] * 3
    assert found.reserved_g == 0
    assert 0 < found.cost.co2_g <= max(1.02 * budget_g, budget_g + largest_g)
    spent_g = [trial.spent_g for trial in (*found.finished, *found.stopped)]
    assert sum(spent_g) == pytest.approx(found.cost.co2_g)


def test_what_a_budget_keeps_back_is_not_spent():
    world, found = World(), study()
    bill = Bill(lambda: world.spent_g, lambda: 40.0)
    search(found, world.problem(), replace(PLAIN, budget_g=100.0), bill)
    assert world.spent_g <= 60.0 + world.largest_epoch_g


@pytest.mark.parametrize("budget_g", [0.1, 1.5])
def test_a_budget_too_small_for_one_trial_is_said(budget_g):
    world = World()
    dear = {**CHEAP, "epochs": 8}
    with pytest.raises(BudgetError, match="too small for one trial"):
        carry_on(world, study(), Rules(1, budget_g=budget_g), starts=[dear])
    assert world.spent_g < 4


def test_a_budget_that_is_used_up_tries_nothing_more():
    world, found = World(), study()
    carry_on(world, found, replace(PLAIN, budget_g=50.0))
    before = world.spent_g
    carry_on(world, found, replace(PLAIN, budget_g=50.0))
    assert world.spent_g == before
    carry_on(world, found, replace(PLAIN, budget_g=90.0))
    assert before < world.spent_g <= 90 + world.largest_epoch_g


def test_what_cannot_win_is_stopped_counted_and_told():
    world, found = World(), study()
    judge = carry_on(world, found, Rules(60))
    stopped = found.stopped
    assert stopped
    for trial in stopped:
        assert len(trial.curve) < trial.params["epochs"]
        assert "will hardly pass" in trial.reason
        assert trial.spent_g == pytest.approx(
            SETUP_G + len(trial.curve) * (world.epoch_g(trial.params) + EVAL_G)
        )
    spent = sum(trial.spent_g for trial in (*found.finished, *stopped))
    assert spent == pytest.approx(world.spent_g)
    ends = [world.accuracy(t.params, t.params["epochs"]) for t in stopped]
    costs = [world.epoch_g(t.params) * t.params["epochs"] for t in stopped]
    beaten = [
        any(g <= cost and a >= end for g, a in map(judge.point, found.finished))
        for end, cost in zip(ends, costs, strict=True)
    ]
    assert np.mean(beaten) >= 0.9  # of 20 stopped, one may be wrong


def test_nothing_is_stopped_where_the_user_says_so():
    found = study()
    carry_on(World(), found, Rules(60, stopping=False))
    assert found.stopped == []
    assert len(found.finished) == 60


def test_with_other_objectives_nothing_is_stopped_or_picked():
    goals = Objectives(("accuracy", "training", "inference"))
    world = World()

    def objective(params, trial):
        return (*world.objective(params, trial), 1.0 + params.get("depth", 0))

    found = Study(None, "s", goals.directions)
    problem = world.problem()
    three = Problem(SPACE, objective, problem.features, starts=[CHEAP])
    search(found, three, Rules(40), world.bill)
    assert len(found.finished) == 40
    assert found.stopped == []


def test_the_thrifty_search_reaches_more_for_its_grams():
    """On this world; bench.search has the figures of the real one."""

    def reached(seed: int, thrifty: bool) -> float:
        found = study()
        rules = Rules(500, seed=seed, thrifty=thrifty, stopping=thrifty, budget_g=150.0)
        carry_on(World(), found, rules)
        return max(trial.values[0] for trial in found.finished)

    seeds = range(5)
    assert np.mean([reached(s, True) for s in seeds]) > np.mean([reached(s, False) for s in seeds])


def test_another_session_knows_what_the_first_one_did(tmp_path):
    world = World()
    for trials in (10, 25):
        found = study(tmp_path / "optuna.db")
        carry_on(world, found, Rules(trials))
        assert found.tried == trials
    everything = known(found.finished) + known(found.stopped)
    assert len({tuple(params.items()) for params in everything}) == 25


def test_the_front_is_tried_again_with_new_seeds():
    world, found = World(noise=0.01), study()
    judge = carry_on(world, found, Rules(20))
    before = len(found.finished)
    repeat_front(judge, OBJECTIVES.ways, 2)
    assert found.repeats
    assert len(found.finished) == before
    for number, again in found.repeats.items():
        (first,) = [trial for trial in found.finished if trial.number == number]
        assert 1 <= len(again) <= 2
        assert all(trial.params == first.params for trial in again)
        assert len({first.values[0], *(trial.values[0] for trial in again)}) == 1 + len(again)


def test_repeats_keep_the_budget():
    world, found = World(noise=0.01), study()
    judge = carry_on(world, found, Rules(12, budget_g=300.0))
    repeat_front(judge, OBJECTIVES.ways, 50)
    assert found.repeats
    assert world.spent_g <= 300.0 + world.largest_epoch_g


def test_starts_that_wait_for_another_session_are_not_taken_for_repeats():
    starts = [{**CHEAP, "epochs": epochs} for epochs in (1, 2, 3, 4)]
    world, found = World(noise=0.01), study()
    judge = carry_on(world, found, Rules(2), starts=starts)
    repeat_front(judge, OBJECTIVES.ways, 3)
    assert known(found.finished) == starts[:2]
    assert {len(again) for again in found.repeats.values()} == {3}
    carry_on(world, found, Rules(4), starts=starts)
    assert known(found.finished) == starts


def test_a_repeat_that_waits_twice_since_its_process_died_is_counted_once():
    world, found = World(noise=0.01), study()
    judge = carry_on(world, found, Rules(1), starts=[CHEAP])
    for _ in range(2):
        found.wait_for(CHEAP, repeat_of=0)
    repeat_front(judge, OBJECTIVES.ways, 3)
    repeat_front(judge, OBJECTIVES.ways, 3)
    (again,) = found.repeats.values()
    assert len({trial.values[0] for trial in again}) == len(again) == 3
    assert not found.waiting


@pytest.mark.parametrize("repeat_of", [None, 0])
def test_once_the_budget_is_used_up_nothing_waits(repeat_of):
    world, found = World(), study()
    carry_on(world, found, Rules(1), starts=[CHEAP])
    found.wait_for({**CHEAP, "epochs": 8}, repeat_of=repeat_of)
    spent_g = world.spent_g
    judge = carry_on(world, found, Rules(9, budget_g=spent_g / 2), starts=[CHEAP])
    repeat_front(judge, OBJECTIVES.ways, 3)
    assert not found.waiting
    assert world.spent_g == spent_g
    assert len(found.finished) == 1


def test_any_configuration_drawn_lies_in_its_space():
    rng = np.random.default_rng(0)
    assert all(holds(SPACE, draw(SPACE, rng)) for _ in range(200))
