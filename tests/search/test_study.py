"""The search itself, on objectives that take no time: totals, duplicates, deaths, resumption."""

import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from ecotrack.cli import UserError
from ecotrack.measurement import Measurement
from ecotrack.search.searching import Bill, Problem, Rules, search
from ecotrack.search.space import Choice, Real, Space, Whole
from ecotrack.search.study import Study
from ecotrack.search.trials import Objective, PassedOver
from tests.conftest import ROOT

DIRECTIONS = {"good": "maximize", "bad": "minimize"}
SPACE = {"kind": Choice(("a", "b")), "size": Whole(1, 4), "rate": Real(0.001, 1, log=True)}
TINY = {"kind": Choice(("a", "b")), "size": Whole(1, 2)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "optuna.db"


def carry_on(study: Study, space: Space, objective: Objective, trials: int, **others) -> None:
    """A plain search: nothing is foretold, stopped or budgeted."""
    go_on = others.pop("go_on", lambda: True)
    problem = Problem(space, objective, lambda params: {"epochs": 1}, None, None, **others)
    rules = Rules(trials, thrifty=False, stopping=False)
    search(study, problem, rules, Bill(lambda: 0.0), go_on)


def objective(params, trial):
    trial.remember(f"run-{trial.number}")
    return params["size"] * params.get("rate", 1), params["size"]


def test_trials_is_a_total_over_sessions(path):
    for total, expected in ((3, 3), (3, 3), (5, 5), (2, 5)):
        carry_on(Study(path, "s", DIRECTIONS), SPACE, objective, total)
        assert len(Study(path, "s", DIRECTIONS).finished) == expected


def test_a_session_that_goes_on_suggests_new_points(path):
    for total in (4, 8):
        carry_on(Study(path, "s", DIRECTIONS), SPACE, objective, total)
    rates = [trial.params["rate"] for trial in Study(path, "s", DIRECTIONS).finished]
    assert len(set(rates)) == 8


def test_a_finished_configuration_is_not_tried_again_and_a_used_up_space_ends(path):
    tried = []

    def counting(params, trial):
        tried.append(tuple(params.values()))
        return objective(params, trial)

    study = Study(path, "s", DIRECTIONS)
    carry_on(study, TINY, counting, 100)
    assert sorted(tried) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert len(study.finished) == 4


def test_what_is_passed_over_does_not_count(path):
    def picky(params, trial):
        if params["size"] > 2:
            raise PassedOver("too large")
        return objective(params, trial)

    study = Study(path, "s", DIRECTIONS)
    carry_on(study, SPACE, picky, 6)
    assert len(study.finished) == 6
    assert all(trial.params["size"] <= 2 for trial in study.finished)


def test_starts_come_first_and_once(path):
    starts = [{"kind": "b", "size": 4, "rate": 0.5}, {"kind": "a", "size": 1, "rate": 0.25}]
    for total in (1, 3):
        study = Study(path, "s", DIRECTIONS)
        carry_on(study, SPACE, objective, total, starts=starts)
    assert [dict(trial.params) for trial in study.finished[:2]] == starts
    assert dict(study.finished[2].params) not in starts


def test_numbers_have_two_significant_digits(path):
    study = Study(path, "s", DIRECTIONS)
    carry_on(study, SPACE, objective, 5)
    for trial in study.finished:
        assert trial.params["rate"] == float(f"{trial.params['rate']:.2g}")


def test_go_on_ends_a_session(path):
    study = Study(path, "s", DIRECTIONS)
    carry_on(study, SPACE, objective, 9, go_on=lambda: len(study.finished) < 2)
    assert len(study.finished) == 2


DYING = """
import os, sys
from pathlib import Path
from ecotrack.search.study import Study
from tests.search.test_study import DIRECTIONS, SPACE, carry_on, objective
def dying(params, trial):
    values = objective(params, trial)
    if trial.number == 1:
        os._exit(9)
    return values
carry_on(Study(Path(sys.argv[1]), "s", DIRECTIONS), SPACE, dying, 3)
"""


def test_the_trial_of_a_dead_process_is_buried_and_retried_with_its_parameters(path):
    died = subprocess.run([sys.executable, "-c", DYING, str(path)], cwd=ROOT)
    assert died.returncode == 9
    buried = []
    study = Study(path, "s", DIRECTIONS, on_dead=buried.append)
    carry_on(study, SPACE, objective, 3)
    assert buried == ["run-1"]
    trials = optuna.load_study(study_name="s", storage=f"sqlite:///{path}").get_trials()
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert trials[2].params == trials[1].params


KEPT = DYING.replace("if trial.number == 1:", "if trial.number == 1:\n        trial.keep(values)")


def test_a_result_that_was_kept_before_the_process_died_is_not_tried_again(path):
    died = subprocess.run([sys.executable, "-c", KEPT, str(path)], cwd=ROOT)
    assert died.returncode == 9
    buried, kept = [], []
    study = Study(path, "s", DIRECTIONS, on_dead=buried.append, on_kept=kept.append)
    carry_on(study, SPACE, objective, 3)
    assert (buried, kept) == ([], ["run-1"])
    assert [trial.run_id for trial in study.finished] == ["run-0", "run-1", "run-2"]


def test_a_study_keeps_its_terms(path):
    study = Study(path, "s", DIRECTIONS)
    study.agree_on({"images": "none", "country": "FRA"})
    Study(path, "s", DIRECTIONS).agree_on({"images": "none", "country": "FRA"})
    study.agree_on({"machine": "mine"})  # a term that is new, as after an update
    with pytest.raises(UserError, match="was begun with country FRA, not POL"):
        study.agree_on({"images": "none", "country": "POL"})


def test_an_objective_that_raises_ends_the_session_and_is_not_finished(path):
    def broken(params, trial):
        raise RuntimeError("no such luck")

    study = Study(path, "s", DIRECTIONS)
    with pytest.raises(RuntimeError, match="no such luck"):
        carry_on(study, SPACE, broken, 2)
    assert study.finished == []


def test_sessions_costs_add_up(path):
    study = Study(path, "s", DIRECTIONS)
    study.keep_cost(Measurement(wall_s=1, cpu_j=2))
    study.keep_cost(Measurement(wall_s=3, cpu_j=4))
    assert study.cost == Measurement(wall_s=3, cpu_j=4)
    for _ in range(2):
        study.keep_cost(Measurement(wall_s=10, cpu_j=20), "elsewhere:1:0")
        assert study.cost == Measurement(wall_s=13, cpu_j=24)


def test_of_two_accounts_of_a_killed_session_the_longer_stays(path):
    study = Study(path, "s", DIRECTIONS)
    for wall_s, longest_s in ((10, 10), (12, 12), (11, 12)):
        study.keep_cost(Measurement(wall_s=wall_s, cpu_j=2 * wall_s), "elsewhere:1:0")
        assert study.cost == Measurement(wall_s=longest_s, cpu_j=2 * longest_s)


def test_other_objectives_under_the_same_name_are_refused(path):
    Study(path, "s", DIRECTIONS)
    with pytest.raises(UserError, match="other objectives"):
        Study(path, "s", {"good": "minimize", "bad": "minimize"})


def test_another_schema_is_refused(path):
    Study(path, "s", DIRECTIONS)._study.set_user_attr("schema", 99)
    with pytest.raises(UserError, match="another version of ecotrack"):
        Study(path, "s", DIRECTIONS)


def test_importances_name_the_parameter_that_matters(path):
    study = Study(path, "s", DIRECTIONS)
    assert study.importances() == {}
    carry_on(study, SPACE, objective, 12)
    shares = study.importances()
    assert max(shares["bad"], key=lambda name: shares["bad"][name]) == "size"
