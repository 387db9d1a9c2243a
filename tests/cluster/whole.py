"""Nothing lost, nothing doubled: a study and its runs tell the same."""

import sys
from collections import Counter

import optuna
import pytest

from ecotrack import metrics
from ecotrack.measurement import J_PER_WH
from ecotrack.search.study import Study
from ecotrack.tracking import Store
from tests.cluster.sleeping import OBJECTIVES


def check_whole(storage: str, parent_id: str, trials: int, experiment: str = "sleeping") -> None:
    """Nothing lost, nothing doubled: the study and its runs tell the same."""
    store = Store()
    study = Study(storage, "sleeping", OBJECTIVES.directions)
    assert len(study.finished) == trials
    states = Counter(
        t.state for t in optuna.load_study(study_name="sleeping", storage=storage).trials
    )
    assert states[optuna.trial.TrialState.RUNNING] == states[optuna.trial.TrialState.WAITING] == 0
    children = store.children(parent_id)
    finished = {run.run_id: run for run in children if run.status == "FINISHED"}
    assert sorted(finished) == sorted(trial.run_id for trial in study.finished)
    for trial in study.finished:
        assert finished[trial.run_id].metrics[metrics.EMISSIONS_G] == pytest.approx(trial.values[1])
        assert metrics.PARETO_TAG in finished[trial.run_id].tags
    assert {run.status for run in children} <= {"FINISHED", "FAILED", "KILLED"}
    parent = store.view(parent_id)
    assert parent.status == "FINISHED"
    (only,) = store.runs(experiment, {metrics.KIND_TAG: "search"})
    assert only.run_id == parent_id
    spent = sum(
        run.metrics.get(metrics.RUN_WH, run.metrics.get(metrics.TOTAL_WH, 0)) for run in children
    )
    assert parent.metrics[metrics.SEARCH_WH] >= spent > 0
    assert parent.metrics[metrics.SEARCH_WH] == pytest.approx(study.cost.energy_j.value / J_PER_WH)


if __name__ == "__main__":
    place, run_id, number = sys.argv[1:]
    check_whole(place, run_id, int(number))
