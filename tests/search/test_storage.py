"""A study that many processes carry on at once: no trial too many, and none that comes back."""

from pathlib import Path

import pytest
import sqlalchemy
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import IntegrityError, OperationalError

from ecotrack.cli import UserError
from ecotrack.search import storage
from ecotrack.search.mirror import Mirror
from ecotrack.search.objectives import Objectives
from ecotrack.search.space import Whole
from ecotrack.search.storage import patiently
from ecotrack.search.study import Study
from ecotrack.search.trials import PassedOver

DIRECTIONS = {"good": "maximize", "bad": "minimize"}
SPACE = {"size": Whole(1, 1000)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "optuna.db"


def opened(path: Path, **told) -> Study:
    study = Study(path, "s", DIRECTIONS, **told)
    study.sample_by("random", 0, SPACE)
    return study


def make_old(path: Path) -> None:
    """As if no heartbeat had been heard for an hour."""
    with sqlalchemy.create_engine(f"sqlite:///{path}").begin() as connection:
        long_ago = "UPDATE trial_heartbeats SET heartbeat = '2020-01-01 00:00:00'"
        connection.execute(sqlalchemy.text(long_ago))


def objective(params, trial):
    trial.remember(f"run-{trial.number}")
    trial.keep((0.5, 1.0))
    return 0.5, 1.0


@pytest.mark.parametrize("late", ["keeps its result", "has kept it, and tells it"])
def test_a_trial_that_was_taken_for_dead_does_not_report(path, late):
    buried, also_buried = [], []
    study, other = opened(path, on_dead=buried.append), opened(path, on_dead=also_buried.append)

    def cut_off(params, trial):
        trial.remember("lost")
        if late == "has kept it, and tells it":
            trial.keep((0.9, 0.1))
        make_old(path)
        other.wake()
        if late == "keeps its result":
            trial.keep((0.9, 0.1))
        return 0.9, 0.1

    assert not study.attempt(SPACE, cut_off)
    assert buried == also_buried == ["lost"]
    assert other.waiting
    assert other.attempt(SPACE, objective)
    assert [trial.values for trial in study.finished] == [(0.5, 1.0)]
    assert [trial.run_id for trial in study.finished] == ["run-1"]


def test_an_error_of_the_objective_is_no_death(path):
    def failing(params, trial):
        raise AssertionError("of its own")

    with pytest.raises(AssertionError, match="of its own"):
        opened(path).attempt(SPACE, failing)


def test_of_processes_that_see_a_study_one_short_each_begins_a_trial_and_one_counts(path):
    study, other = opened(path), opened(path)
    within = []

    def while_another_begins(params, trial):
        assert not other.is_short(1)
        within.append(other.attempt(SPACE, objective, of=1))
        return objective(params, trial)

    assert study.attempt(SPACE, while_another_begins, of=1)
    assert within == [False]
    assert len(study.finished) == 1


def test_what_is_passed_over_leaves_the_study_short(path):
    study = opened(path)

    def passing(params, trial):
        raise PassedOver("too large")

    assert not study.attempt(SPACE, passing, of=1)
    assert study.is_short(1)
    assert study.attempt(SPACE, objective, of=1)
    assert not study.is_short(1)


def test_a_dead_trial_is_seen_to_once_by_many(path):
    study = opened(path)
    kept = study._study._storage
    kept.record_heartbeat(kept.create_new_trial(study._study._study_id))
    make_old(path)
    for other in [opened(path) for _ in range(3)]:
        other.wake()
    assert len(study._study.get_trials(states=[storage.TrialState.WAITING])) == 1


def failing_with(*errors):
    left = list(errors)

    def ask():
        if left:
            raise left.pop(0)
        return "answer"

    return ask


AWAY = OperationalError("SELECT 1", {}, Exception("connection refused"))


def wrapped(error: Exception) -> StorageInternalError:
    told = StorageInternalError("as Optuna tells it")
    told.__cause__ = error
    return told


def test_a_server_that_is_away_is_asked_again(monkeypatch):
    monkeypatch.setattr(storage, "AGAIN_S", 0.0)
    assert patiently(failing_with(AWAY, wrapped(AWAY)))() == "answer"


def test_patience_ends(monkeypatch):
    monkeypatch.setattr(storage, "PATIENCE_S", -1.0)
    with pytest.raises(OperationalError):
        patiently(failing_with(AWAY))()


@pytest.mark.parametrize(
    "error", [wrapped(ValueError("bad")), IntegrityError("INSERT", {}, Exception("twice"))]
)
def test_any_other_error_is_told_at_once(error):
    with pytest.raises(type(error)):
        patiently(failing_with(error))()


def test_each_kind_of_machine_has_results_and_a_front_of_its_own(path, monkeypatch):
    goals = Objectives(("accuracy", "training"))
    found = {"laptop": (0.5, 10.0), "server": (0.9, 1.0)}
    for kind, values in found.items():
        monkeypatch.setattr("ecotrack.host.hardware", lambda kind=kind: kind)
        study = Study(path, "s", goals.directions)
        study.sample_by("random", 0, {"size": Whole(1, 1)})
        # One configuration: what another kind of machine found of it is not reused.
        assert study.attempt({"size": Whole(1, 1)}, lambda params, trial, v=values: v)
    mirror = Mirror(None, study, goals, None, {})
    assert mirror.kinds() == ["laptop", "server"]
    assert [trial.hardware for trial in mirror.front()] == ["server", "laptop"]
    assert [trial.hardware for trial in study.comparable] == ["server"]
    assert mirror.points_here() == [pytest.approx((0.9, 1.0))]


def test_a_study_keeps_to_one_kind_of_machine(path):
    study = opened(path)
    study.agree_on({"hardware": "laptop"})
    with pytest.raises(UserError, match="begun with hardware laptop, not server"):
        study.agree_on({"hardware": "server"})
