"""Reading runs back. Through a server one takes some 8 ms: of thousands, ask for what is needed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import mlflow
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.tracking import SEARCH_MAX_RESULTS_THRESHOLD

from ecotrack.tracking.run_view import PARENT_TAG, RunView, view_of

OLDEST = ["attributes.start_time ASC"]
NAMED_AT_ONCE = 100  # ids in one question: it is parsed word by word


class Reader:
    """What is in a store of runs that is open; it changes nothing."""

    client: mlflow.MlflowClient

    def __init__(self) -> None:
        self._experiments: dict[str, str] = {}  # by run

    def runs(
        self, experiment: str, tags: Mapping[str, str | None], *, having: str = "", most: str = ""
    ) -> list[RunView]:
        """All runs of an experiment that carry these tags, oldest first.

        Args:
            experiment: its name.
            tags: of the runs.
            having: a metric that they have; a negative one does not count.
            most: such a metric: only the run that has the most of it.
        """
        found = self.client.get_experiment_by_name(experiment)
        if found is None:
            return []
        conditions = _tagged(tags)
        conditions += [f"metrics.`{name}` >= 0" for name in (having, most) if name]
        if most:
            order = [f"metrics.`{most}` DESC", *OLDEST]
            ids, condition = [found.experiment_id], " AND ".join(conditions)
            page = self.client.search_runs(ids, condition, max_results=1, order_by=order)
            return [*map(view_of, page)]
        return self._search([found.experiment_id], " AND ".join(conditions))

    def all_runs(self, *, deleted: bool = False) -> list[RunView]:
        """The runs of all experiments, oldest first; what was deleted too, if it is asked for."""
        which = ViewType.ALL if deleted else ViewType.ACTIVE_ONLY
        return self._search(list(self.experiment_names()), "", which)

    def running(self) -> list[RunView]:
        """What is open, or was left so."""
        ids = [e.experiment_id for e in self.client.search_experiments()]
        return self._search(ids, "attributes.status = 'RUNNING'")

    def experiment_names(self) -> dict[str, str]:
        """Experiment id -> name, deleted ones included."""
        found = self.client.search_experiments(ViewType.ALL, SEARCH_MAX_RESULTS_THRESHOLD)
        return {experiment.experiment_id: experiment.name for experiment in found}

    def curve(self, run_id: str, metric: str) -> dict[int, float]:
        """Step -> value of one metric of a run."""
        history = self.client.get_metric_history(run_id, metric)
        return {point.step: point.value for point in history}

    def table(self, run_id: str, name: str) -> list[dict[str, Any]]:
        """The rows of a table among a run's files.

        Raises:
            LookupError: the run has no such file.
            ValueError: it is no table.
        """
        uri = f"{self.client.get_run(run_id).info.artifact_uri}/{name}"
        try:
            text = mlflow.artifacts.load_text(uri)
        except (MlflowException, OSError) as error:
            raise LookupError(f"run {run_id} has no file {name}") from error
        try:
            table = json.loads(text)
            return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
        except (TypeError, KeyError) as error:
            raise ValueError(f"{name} of run {run_id} is no table") from error

    def has_run(self, run_id: str) -> bool:
        """Whether a run is here, and not deleted."""
        try:
            return self.client.get_run(run_id).info.lifecycle_stage == "active"
        except MlflowException:
            return False

    def view(self, run_id: str) -> RunView:
        """One run as it stands."""
        return view_of(self.client.get_run(run_id))

    def children(
        self,
        parent_id: str,
        tags: Mapping[str, str | None] | None = None,
        *,
        ids: Collection[str] | None = None,
        failed: bool = True,
    ) -> list[RunView]:
        """The children of a run, oldest first.

        Args:
            parent_id: of the run.
            tags: they carry these; a tag that is None they lack.
            ids: only these of them.
            failed: those that failed, too.
        """
        experiment_id = self._experiment_of(parent_id)
        conditions = _tagged({PARENT_TAG: parent_id, **(tags or {})})
        conditions += [] if failed else ["attributes.status != 'FAILED'"]
        if ids is None:
            return self._search([experiment_id], " AND ".join(conditions))
        found: list[RunView] = []
        for start in range(0, len(ids), NAMED_AT_ONCE):
            named = ", ".join(f"'{run_id}'" for run_id in [*ids][start : start + NAMED_AT_ONCE])
            some = [*conditions, f"attributes.run_id IN ({named})"]
            found += self._search([experiment_id], " AND ".join(some))
        return sorted(found, key=lambda run: run.start_s)

    def _experiment_of(self, run_id: str) -> str:
        """The id of a run's experiment, which never changes."""
        if run_id not in self._experiments:
            self._experiments[run_id] = self.client.get_run(run_id).info.experiment_id
        return self._experiments[run_id]

    def _search(
        self,
        experiment_ids: Sequence[str],
        condition: str,
        which: int = ViewType.ACTIVE_ONLY,
    ) -> list[RunView]:
        found: list[RunView] = []
        token = None
        while True:
            page = self.client.search_runs(
                list(experiment_ids), condition, which, order_by=OLDEST, page_token=token
            )
            found.extend(map(view_of, page))
            token = page.token
            if not token:
                return found


def _tagged(tags: Mapping[str, str | None]) -> list[str]:
    """Conditions in MLflow's words; None: the tag is not there."""
    return [
        f"tags.`{key}` IS NULL" if text is None else f"tags.`{key}` = '{text}'"
        for key, text in tags.items()
    ]
