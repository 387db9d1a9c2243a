"""A run as it was read from the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlflow.entities import Run

from ecotrack import metrics

PARENT_TAG = "mlflow.parentRunId"


@dataclass(frozen=True)
class RunView:
    """A run as it was read from the store.

    `start_s` is Unix time; `wall_s` is how long the run was open, None while it still is.
    """

    run_id: str
    name: str
    status: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    experiment_id: str
    start_s: float
    wall_s: float | None
    deleted: bool

    def __str__(self) -> str:
        return f"{self.name} {self.short_id}"

    @property
    def short_id(self) -> str:
        """The beginning of its id, which is enough to find it by."""
        return self.run_id[:8]

    @property
    def parent_id(self) -> str | None:
        """The run that this one is a part of, if any."""
        return self.tags.get(PARENT_TAG)

    @property
    def outer_id(self) -> str | None:
        """The run in whose energy all of this one's is, if any; of a study, some may be."""
        if any(tag.startswith(f"{metrics.WITHIN_TAG}.") for tag in self.tags):
            return self.parent_id
        return self.parent_id or self.tags.get(metrics.WITHIN_TAG)


def view_of(run: Run) -> RunView:
    """What MLflow gave, as ours."""
    data, info = run.data, run.info
    return RunView(
        run_id=info.run_id,
        name=info.run_name or "",
        status=info.status,
        params=data.params,
        metrics=data.metrics,
        tags=data.tags,
        experiment_id=info.experiment_id,
        start_s=info.start_time / 1000,
        wall_s=(info.end_time - info.start_time) / 1000 if info.end_time else None,
        deleted=info.lifecycle_stage != "active",
    )
