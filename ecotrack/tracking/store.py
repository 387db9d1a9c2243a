"""The store of runs: opening it, and opening and closing runs in it."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking.context.registry import resolve_tags
from sqlalchemy.exc import SQLAlchemyError

from ecotrack import database, host, metrics, stop
from ecotrack.cli import UserError
from ecotrack.tracking import place, views
from ecotrack.tracking.reader import Reader
from ecotrack.tracking.record import NOTE_TAG, Record, within
from ecotrack.tracking.run_view import PARENT_TAG
from ecotrack.tracking.views import View

PROMPT_S = 1.0  # no answer that comes so soon was lost before


class Store(Reader):
    """The place where runs are kept; open it before anything is started."""

    def __init__(self, *, only_read: bool = False) -> None:
        """Connect; of many that come first to a fresh database, one sets it up.

        Raises:
            UserError: the store is of another version, or cannot be written, unless it is there
                and shall only be read; or its URL carries a password.
        """
        super().__init__()
        self.uri = place.default_uri()
        database.refuse_password("MLFLOW_TRACKING_URI", self.uri)
        if not (only_read and place.exists(self.uri)):
            place.check_writable(self.uri)
        mlflow.set_tracking_uri(self.uri)
        try:
            with database.alone(self.uri):
                self.client = mlflow.MlflowClient()
                self.client.search_experiments(max_results=1)
        except (MlflowException, SQLAlchemyError, ImportError, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"the run store {self.uri} cannot be used: {reason}") from error
        # Taken off the environment, or the first run that MLflow opens by itself would be this one.
        self._project_run = os.environ.pop("MLFLOW_RUN_ID", None)
        os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
        if self._project_run:  # whatever kills us from here on, the next start can close it
            self.client.set_tag(self._project_run, metrics.PROCESS_TAG, host.process_id())

    @property
    def folder(self) -> Path:
        """Where the store's database lies, and so what belongs beside it."""
        return place.folder(self.uri)

    @property
    def ledgers(self) -> Path:
        """Where processes write down what their runs cost as they go."""
        return place.ledgers(self.uri)

    @contextmanager
    def run(
        self,
        experiment: str,
        name: str,
        params: Mapping[str, str],
        tags: Mapping[str, str],
        *,
        resume: str | None = None,
    ) -> Iterator[Record]:
        """Open a run (or go on with the one named by `resume`), and close it as it ended.

        Under `mlflow run` the project's run is this run if it lies in the right experiment and
        nothing is resumed; otherwise it is marked as a mere launch, linked both ways.
        """
        experiment_id = self.experiment_id(experiment)
        all_tags = {**_host_tags(), **({} if resume else within()), **tags}
        project_run = self.client.get_run(self._project_run) if self._project_run else None
        self._project_run = None  # the first run that this command opens, and no other
        if not resume and project_run and project_run.info.experiment_id == experiment_id:
            resume, project_run = project_run.info.run_id, None
        run_id = resume or self._create(experiment_id, name)
        record = Record(run_id)
        record.write(params=params, tags=all_tags)
        self._rename(run_id, name)
        if project_run:
            self._mark_launch(project_run.info.run_id, record, experiment_id)
        self.client.update_run(run_id, status="RUNNING")
        with self._closing([run_id, *([project_run.info.run_id] if project_run else [])]):
            yield record

    @contextmanager
    def child(
        self, parent_id: str, name: str, params: Mapping[str, str], tags: Mapping[str, str]
    ) -> Iterator[Record]:
        """Open a run below another one, and close it as its block ends."""
        run_id = self._create(self._experiment_of(parent_id), name, {PARENT_TAG: parent_id})
        record = Record(run_id, new=True)
        record.write(params=params, tags=tags)
        with self._closing([run_id]):
            yield record

    def forget_launch(self, param: str) -> None:
        """Remove what `mlflow run` has already kept of a parameter that must not be kept.

        Of a server only the whole run can be deleted, and its administrator must sweep it out.
        """
        if not self._project_run:
            return
        if database.is_sql(self.uri):
            database.forget(self.uri, "params", {"run_uuid": self._project_run, "key": param})
        else:
            self.client.delete_run(self._project_run)
            print(
                f"the server still holds it: mlflow gc --run-ids {self._project_run}, there",
                file=sys.stderr,
            )

    def experiment_id(self, name: str) -> str:
        """Id of an experiment, which is created when it is new."""
        found = self.client.get_experiment_by_name(name)
        if found is None:
            return self.client.create_experiment(
                name, place.artifacts(self.uri, name), {metrics.SCHEMA_TAG: str(metrics.SCHEMA)}
            )
        if found.lifecycle_stage != "active":
            raise UserError(
                f"experiment {name!r} was deleted; "
                f"`mlflow experiments restore -x {found.experiment_id}` brings it back"
            )
        return found.experiment_id

    def describe(self, experiment: str, description: str) -> str:
        """Say what an experiment is about, in Markdown; return the link to it."""
        experiment_id = self.experiment_id(experiment)
        self.client.set_experiment_tag(experiment_id, NOTE_TAG, description)
        return f"{place.server(self.uri)}/#/experiments/{experiment_id}"

    def offer(self, experiment: str, description: str, view: View) -> str:
        """Describe an experiment in the UI and offer a view of it; return the link to the view."""
        self.describe(experiment, description)
        experiment_id, now_ms = self.experiment_id(experiment), int(time.time() * 1000)
        self.client.set_experiment_tag(experiment_id, *views.tag(view, created_ms=now_ms))
        return views.link(place.server(self.uri), experiment_id, view.key)

    def run_link(self, experiment_id: str, run_id: str) -> str:
        """The address of a run's page in the UI."""
        return f"{place.server(self.uri)}/#/experiments/{experiment_id}/runs/{run_id}"

    def _create(self, experiment_id: str, name: str, tags: Mapping[str, str] | None = None) -> str:
        # create_run alone, unlike start_run, would lack the user, source and commit tags.
        all_tags = resolve_tags({**_host_tags(), **(tags or {})})
        begun_s = time.monotonic()
        now_ms = int(time.time() * 1000)
        made = self.client.create_run(experiment_id, now_ms, all_tags, name).info.run_id
        if time.monotonic() - begun_s > PROMPT_S:
            self._remove_twins(experiment_id, made, now_ms)
        return made

    def _remove_twins(self, experiment_id: str, made: str, start_ms: int) -> None:
        """Where an answer was lost MLflow asked again, and may have made the run twice."""
        condition = f"attributes.start_time = {start_ms}"
        condition += f" AND tags.`{metrics.PROCESS_TAG}` = '{host.process_id()}'"
        for run in self._search([experiment_id], condition):
            if run.run_id != made:
                self.client.delete_run(run.run_id)

    def _rename(self, run_id: str, name: str) -> None:
        """Replace the name that MLflow invented (such as `bold-crane-12`), not one a user gave."""
        given = self.client.get_run(run_id).info.run_name or ""
        if re.fullmatch(r"[a-z]+-[a-z]+-\d+", given):
            self.client.update_run(run_id, name=name)

    def _mark_launch(self, launch_id: str, record: Record, experiment_id: str) -> None:
        tags = {metrics.KIND_TAG: "launch", metrics.RUN_TAG: record.run_id, **_host_tags()}
        tags[NOTE_TAG] = (
            f"Only launched [the run itself]({self.run_link(experiment_id, record.run_id)})."
        )
        for key, text in tags.items():
            self.client.set_tag(launch_id, key, text)
        record.write(tags={metrics.LAUNCH_TAG: launch_id})

    @contextmanager
    def _closing(self, run_ids: Sequence[str]) -> Iterator[None]:
        status = "FAILED"
        try:
            with stop.heard():
                yield
            status = "FINISHED"
        except (KeyboardInterrupt, SystemExit):
            status = "KILLED"
            raise
        finally:
            for run_id in run_ids:
                self.client.set_terminated(run_id, status)


@cache  # git takes longer than a run's other tags together, and a search opens many runs
def _host_tags() -> dict[str, str]:
    tags = {
        metrics.SCHEMA_TAG: str(metrics.SCHEMA),
        metrics.HOST_TAG: host.describe(),
        metrics.HARDWARE_TAG: host.hardware(),
        metrics.PROCESS_TAG: host.process_id(),
    }
    dirty = host.git_is_dirty(place.project_root())
    return tags if dirty is None else {**tags, metrics.DIRTY_TAG: str(dirty).lower()}
