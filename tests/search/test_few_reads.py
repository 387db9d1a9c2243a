"""What is read of a study of thousands, and how often its storage is asked. Counts, no seconds."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient

from ecotrack import metrics
from ecotrack.measurement import Measurement, Result
from ecotrack.search import cluster, mirror
from ecotrack.search.mirror import Mirror
from ecotrack.search.objectives import Objectives
from ecotrack.search.space import Whole
from ecotrack.search.study import Study
from ecotrack.search.study_report import report
from ecotrack.search.trials import PassedOver
from ecotrack.tracking import Store, reader
from experiments import choose
from tests.page import stores

GOALS = Objectives(("accuracy", "training"))
SPACE = {"size": Whole(1, 10**6)}


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The ids of all runs that are read by searching, as often as they are."""
    ids: list[str] = []
    view_of = reader.view_of
    monkeypatch.setattr(reader, "view_of", lambda run: ids.append(run.info.run_id) or view_of(run))
    return ids


@pytest.fixture
def searched(home):
    """A store, and a study of three members of the front, 17 beaten trials, a given-up one."""
    store, study = Store(), Study(Path(home.folder) / "optuna.db", "s", GOALS.directions)
    study.sample_by("random", 0, SPACE)
    with store.run("e", "study s", {}, {metrics.KIND_TAG: "search"}) as parent:
        seen = Mirror(store, study, GOALS, parent, {})

        def objective(params, trial):
            on_front = trial.number < 3
            accuracy = 0.5 + 0.1 * trial.number if on_front else 0.3
            grams = 1.0 + trial.number
            with seen.trial(trial, "made up", {}) as child:
                child.log(
                    Result(
                        costs={"training": Measurement(wall_s=grams, cpu_j=grams, co2_g=grams)},
                        scores={metrics.VAL_ACCURACY: accuracy},
                    )
                )
                if trial.number == 20:
                    raise PassedOver("as a stopped one ends")
                trial.keep((accuracy, grams))
            return accuracy, grams

        for _ in range(21):
            study.attempt(SPACE, objective)
        study.reference_g = (100.0,)
        Mirror(store, study, GOALS, parent, {}).mark_front()
        yield SimpleNamespace(store=store, study=study, parent=parent)


def test_a_resume_reads_the_front_and_what_has_no_mark_yet(searched, read):
    study, parent, client = searched.study, searched.parent, searched.store.client
    last = study.finished[-1].run_id
    client.delete_tag(last, metrics.PARETO_TAG)  # as if killed before it was marked
    front = Mirror(searched.store, study, GOALS, parent, {}).mark_front()
    assert sorted(read) == sorted([*(trial.run_id for trial in front), last])
    assert len(front) == 3
    assert searched.store.view(last).tags[metrics.PARETO_TAG] == "false"


def test_a_mark_that_others_set_wrongly_is_mended(searched):
    study, parent, client = searched.study, searched.parent, searched.store.client
    one, another = study.finished[0].run_id, study.finished[9].run_id
    client.set_tag(one, metrics.PARETO_TAG, "false")
    client.set_tag(another, metrics.PARETO_TAG, "true")
    Mirror(searched.store, study, GOALS, parent, {}).mark_front()
    marks = [searched.store.view(run_id).tags[metrics.PARETO_TAG] for run_id in (one, another)]
    assert marks == ["true", "false"]


def test_a_report_of_many_trials_reads_the_front_and_some_others(searched, read, monkeypatch):
    study, seen = searched.study, Mirror(searched.store, searched.study, GOALS, searched.parent, {})
    whole = report(study, seen)
    assert len(read) == 21
    read.clear()
    monkeypatch.setattr(mirror, "SHOWN", 5)
    some = report(study, seen)
    finished = [trial.run_id for trial in study.finished]
    assert len(read) == len(set(read)) <= 3 + 5
    assert {*finished[:3], finished[-1]} <= set(read)
    for name in ("certainty.csv", "prices.csv", "course.csv"):
        assert some.artifacts[name] == whole.artifacts[name]
    assert some.scores == whole.scores


def test_a_choice_reads_the_front_alone(home, read):
    store = Store()
    stores.add_study(store)
    found = choose.searched(choose.Config(), store)
    assert len(found.front) == len(stores.NAMES) - 1
    assert len(set(read)) == len(stores.NAMES), "the front, and the study's own run"
    largest = max(found.trials, key=lambda run: run.metrics[metrics.FLOPS])
    assert found.instead.run_id == largest.run_id


def test_a_new_run_is_not_asked_what_it_holds(searched, monkeypatch):
    store, parent = searched.store, searched.parent
    asked = []
    for name in ("get_run", "list_artifacts"):
        of_mlflow = getattr(MlflowClient, name)

        def heard(client, *args, _name=name, _ask=of_mlflow, **more):
            asked.append(_name)
            return _ask(client, *args, **more)

        monkeypatch.setattr(MlflowClient, name, heard)
    cost = Result(costs={"training": Measurement(wall_s=1.0, cpu_j=1.0)})
    with store.child(parent.run_id, "a trial", {"width": "4"}, {}) as child:
        child.log(cost)
        assert asked == []
        child.log(cost)
        assert "list_artifacts" in asked
        assert child.costs()["training"].wall_s == 2.0


def test_a_look_asks_the_storage_for_the_trials_once(searched, monkeypatch):
    study, asked = searched.study, []
    seen = Mirror(searched.store, study, GOALS, searched.parent, {})
    ask = study._study.get_trials
    monkeypatch.setattr(study._study, "get_trials", lambda **of: asked.append(of) or ask(**of))
    with study.at_once():
        study.wake()
        assert len(seen.mark_front()) == 3
        assert study.tried == 20
    assert len(asked) == 1
    assert study.tried == 20
    assert len(asked) > 1, "a block is over"


def test_a_beaten_trial_that_was_born_so_is_not_marked_again(searched, monkeypatch):
    store, study, parent = searched.store, searched.study, searched.parent
    seen = Mirror(store, study, GOALS, parent, {})
    seen.mark_front()

    def beaten(params, trial):
        tags = {metrics.PARETO_TAG: mirror.BEATEN}
        with seen.trial(trial, "made up", {}) as child:
            child.log(Result(scores={metrics.VAL_ACCURACY: 0.2}, tags=tags))
        return 0.2, 50.0

    study.attempt(SPACE, beaten)
    asked = []
    monkeypatch.setattr(mirror.Record, "write", lambda *of, **more: asked.append(of))
    assert len(seen.mark_front()) == 3
    assert asked == []


class Task(SimpleNamespace):
    """A future."""

    __hash__ = object.__hash__


class Tasks:
    """A cluster on a clock of its own, which has done a task every few seconds."""

    def __init__(self, takes_s: int) -> None:
        self.now_s, self.takes_s, self.under_way = 0.0, takes_s, []

    def count(self) -> int:
        return 1

    def submit(self, task):
        future = Task(status="pending", result=lambda timeout: task())
        self.under_way.append(future)
        return future

    def wait(self) -> None:
        self.now_s += 1.0
        if self.under_way and self.now_s % self.takes_s == 0:
            self.under_way.pop(0).status = "finished"


def test_the_storage_is_asked_after_each_task_and_seldom_else(monkeypatch):
    tasks, done, asked = Tasks(takes_s=10), [], []
    monkeypatch.setattr(cluster.time, "monotonic", lambda: tasks.now_s)

    def missing() -> int:
        asked.append(tasks.now_s)
        return 6 - len(done)

    cluster.keep_placing(tasks, lambda: done.append(1) or "tried", missing)
    assert len(done) == 6
    assert tasks.now_s == 60
    assert len(asked) <= 1 + 60 / cluster.ASK_S + 6


def test_machines_begin_before_the_study_is_looked_at(monkeypatch):
    tasks, begun = Tasks(takes_s=1), []
    monkeypatch.setattr(cluster.time, "monotonic", lambda: tasks.now_s)

    def missing() -> int:
        begun.append(len(tasks.under_way))
        return 0

    cluster.keep_placing(tasks, lambda: "enough", missing)
    assert begun[0] == tasks.count()
    assert not tasks.under_way
