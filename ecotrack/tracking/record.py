"""Writing one run: what an experiment returned becomes metrics, curves, files and a model."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
from mlflow.data.numpy_dataset import from_numpy
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag

from ecotrack import host, metrics
from ecotrack.measurement import Dataset, Measurement, Result
from ecotrack.meters.book import Known
from ecotrack.tracking import models, place
from ecotrack.tracking.flat import flatten, from_full, in_full, run_totals, trust_tags
from ecotrack.tracking.notes import note

NOTE_TAG = "mlflow.note.content"
TABLES_TAG = "mlflow.loggedArtifacts"
MEASUREMENTS = "measurements.json"
INSIDE = "ECOTRACK_INSIDE"  # the run that measures this process from outside, told by `exec`
BATCH = 1000  # metrics that MLflow takes at once


class Record:
    """One run, open for writing."""

    def __init__(self, run_id: str, *, new: bool = False) -> None:
        """A new run has been made just now: what it holds already need not be asked for."""
        self.run_id = run_id
        self._new = new
        self._client = mlflow.MlflowClient()

    def log(self, result: Result) -> None:
        """Write down all that an experiment returned; its figures last, as the seal on it.

        Where files, curves or the model cannot be kept, as on a full disk, the figures still are.
        Of a run that was logged before nothing measured is lost: phases are added up.
        """
        result, told = self._with_earlier(result), note(result)
        tags = {
            **(trust_tags(result.costs) if result.costs else {}),
            **({NOTE_TAG: told} if told else {}),
            **result.tags,
        }
        model_id = None
        try:
            model_id = self._write_files(result)
        finally:
            self.write(values=flatten(result), tags=tags, model_id=model_id)
            self._new = False

    def costs(self) -> dict[str, Measurement]:
        """What was measured of this run so far: phase -> cost."""
        if self._new:
            return {}
        files = {file.path for file in self._client.list_artifacts(self.run_id)}
        if MEASUREMENTS not in files:
            return {}
        uri = f"{self._client.get_run(self.run_id).info.artifact_uri}/{MEASUREMENTS}"
        kept = json.loads(mlflow.artifacts.load_text(uri))
        return from_full(kept)

    def write_known(self, known: Known) -> None:
        """Add what the run had cost when it was ended early."""
        tags = trust_tags({"run": known.cost})
        if known.extrapolated_s:
            tags[metrics.EXTRAPOLATED_TAG] = f"{known.extrapolated_s:.1f}"
        self.write(values=run_totals(known.cost), tags=tags)

    def write(
        self,
        *,
        params: Mapping[str, str] | None = None,
        values: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        model_id: str | None = None,
    ) -> None:
        """Add to this run. Parameters that MLflow has already from MLproject stay as they are."""
        ask = params and not self._new
        have = self._client.get_run(self.run_id).data.params if ask else {}
        now = int(time.time() * 1000)
        self._client.log_batch(
            self.run_id,
            metrics=[
                Metric(key, value, now, 0, model_id=model_id)
                for key, value in (values or {}).items()
            ],
            params=[Param(key, text) for key, text in (params or {}).items() if key not in have],
            tags=[RunTag(key, str(text)) for key, text in (tags or {}).items()],
        )

    def point(self, metric: str, value: float, step: int) -> None:
        """Add one point to a curve."""
        self._client.log_metric(self.run_id, metric, value, step=step)

    def _with_earlier(self, result: Result) -> Result:
        if not result.costs:
            return result
        earlier = self.costs()
        added = {p: earlier.get(p, Measurement()) + cost for p, cost in result.costs.items()}
        return replace(result, costs={**earlier, **added})

    def _write_files(self, result: Result) -> str | None:
        """Files, data, model and curves; the id of the model."""
        for name, content in result.artifacts.items():
            self._write_artifact(name, content)
        if result.costs:
            self._write_artifact(MEASUREMENTS, json.dumps(in_full(result.costs), indent=1))
        if result.datasets:
            inputs = [_dataset_input(role, data) for role, data in result.datasets.items()]
            self._client.log_inputs(self.run_id, inputs)
        self._write_curves(result.curves)
        return models.save(result.model, self.run_id) if result.model is not None else None

    def _write_curves(self, curves: Mapping[str, Sequence[float] | Mapping[int, float]]) -> None:
        now = int(time.time() * 1000)
        points = [
            Metric(key, value, now, step)
            for key, values in curves.items()
            for step, value in (
                values.items() if isinstance(values, Mapping) else enumerate(values, start=1)
            )
        ]
        for start in range(0, len(points), BATCH):
            self._client.log_batch(self.run_id, metrics=points[start : start + BATCH])

    def _write_artifact(self, name: str, content: Any) -> None:
        if isinstance(content, str):
            self._client.log_text(self.run_id, content, name)
        elif isinstance(content, bytes):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / name
                path.write_bytes(content)
                self._client.log_artifact(self.run_id, str(path))
        elif name.endswith(".csv"):
            self._client.log_text(self.run_id, _csv(content), name)
        else:
            self._write_table(name, content)

    def _write_table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """A table that the UI shows as one. MLflow's log_table would append to an earlier one."""
        columns = list(rows[0]) if rows else []
        table = {"columns": columns, "data": [[row[key] for key in columns] for row in rows]}
        self._client.log_text(self.run_id, json.dumps(table), name)
        tags = self._client.get_run(self.run_id).data.tags
        listed = json.loads(tags.get(TABLES_TAG, "[]"))
        entry = {"path": name, "type": "table"}
        if entry not in listed:
            self._client.set_tag(self.run_id, TABLES_TAG, json.dumps([*listed, entry]))


def log_to_active_run(cost: Measurement) -> None:
    """Write a measurement as the main phase of the run that a script has started with MLflow.

    Raises:
        RuntimeError: it has started none.
    """
    active = mlflow.active_run()
    if active is None:
        raise RuntimeError("no MLflow run is active; start one: with mlflow.start_run(): ...")
    tags = {metrics.HOST_TAG: host.describe(), **within()}
    Record(active.info.run_id).log(Result(costs={"block": cost}, tags=tags))


def active_run() -> str | None:
    """The id of the run that a script has started with MLflow; None if it has started none."""
    active = mlflow.active_run()
    return None if active is None else active.info.run_id


def ledgers() -> Path:
    """Where a script's readings are written down: beside the store that it has told MLflow."""
    return place.ledgers(mlflow.get_tracking_uri())


def within() -> dict[str, str]:
    """Marks a run whose energy is in that of another one, too."""
    outer = os.environ.get(INSIDE)
    return {metrics.WITHIN_TAG: outer} if outer else {}


def _dataset_input(role: str, data: Dataset) -> DatasetInput:
    dataset = from_numpy(data.features, targets=data.targets, name=data.name, source=data.source)
    return DatasetInput(
        dataset=dataset._to_mlflow_entity(), tags=[InputTag("mlflow.data.context", role)]
    )


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
