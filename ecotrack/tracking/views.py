"""Saved views of the MLflow UI: which charts an experiment opens with.

MLflow 3.17 keeps a view in an experiment tag, `mlflow.sharedViewState.KEY`. The format is internal
to its UI: nothing but the link to a view may depend on this module.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ecotrack import metrics

TAG_PREFIX = "mlflow.sharedViewState."
MOST_RUNS = 100  # on a chart
SHARED_COLUMNS = (  # of every experiment's table
    *(f"metrics.`{name}`" for name in (metrics.WALL_S, metrics.CPU_S, metrics.TOTAL_WH)),
    f"metrics.`{metrics.EMISSIONS_G}`",
    *(f"tags.`{name}`" for name in (metrics.SOURCE_TAG, metrics.HOST_TAG)),
)


@dataclass(frozen=True)
class View:
    """What an experiment opens with.

    Attributes:
        key: stands in the link to it.
        name: what people read in the list of views.
        charts: of `scatter`, `parallel`, `line` and `bar`.
        columns: of the table before those that all share: "metrics.`KEY`", "params.`KEY`" or
            "tags.`KEY`".
        order_by: a metric, lowest first.
        search: which runs, in MLflow's search syntax.
    """

    key: str
    name: str
    charts: Sequence[dict[str, Any]]
    columns: Sequence[str]
    order_by: str
    search: str


def scatter(x: str, y: str) -> dict[str, Any]:
    """A chart of two metrics, one point a run."""
    axes = {"xaxis": {"key": x, "type": "METRIC"}, "yaxis": {"key": y, "type": "METRIC"}}
    return {"type": "SCATTER", "displayName": f"{y} by {x}", **axes}


def parallel(params: Sequence[str], metrics: Sequence[str]) -> dict[str, Any]:
    """Parallel coordinates: one line a run, from its parameters to its metrics."""
    return {
        "type": "PARALLEL",
        "displayName": "parameters to metrics",
        "selectedParams": list(params),
        "selectedMetrics": list(metrics),
        "showAllRuns": True,
    }


def line(metric: str, step: str) -> dict[str, Any]:
    """A curve a run, over its steps, both axes logarithmic; `step` says what a step is."""
    return {
        "type": "LINE",
        "displayName": f"{metric} by {step}",
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "lineSmoothness": 0,
        "scaleType": "log",
        "xAxisScaleType": "log",
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "useGlobalXaxisKey": False,
        "displayPoints": True,
    }


def bar(metric: str) -> dict[str, Any]:
    """A bar a run."""
    return {"type": "BAR", "displayName": metric, "metricKey": metric}


def tag(view: View, *, created_ms: int) -> tuple[str, str]:
    """The experiment tag (key, value) that makes a view; `created_ms` is Unix time."""
    key = view.key
    section = str(uuid5(NAMESPACE_URL, f"{key}/section"))
    state = {
        "orderByKey": f"metrics.`{view.order_by}`",
        "orderByAsc": True,
        "searchFilter": view.search,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "isAccordionReordered": True,
        "viewMode": "CHART",
        "compareRunsMode": "CHART",
        "runsHiddenMode": "SHOW_ALL",
        "selectedColumns": ["attributes.`Source`", *view.columns, *SHARED_COLUMNS],
        "compareRunSections": [
            {
                "uuid": section,
                "name": view.name,
                "display": True,
                "isReordered": False,
                "deleted": False,
                "isGenerated": False,
            }
        ],
        "compareRunCharts": [
            {
                "uuid": str(uuid5(NAMESPACE_URL, f"{key}/chart/{number}")),
                "metricSectionId": section,
                "deleted": False,
                "isGenerated": False,
                "runsCountToCompare": MOST_RUNS,
                **chart,
            }
            for number, chart in enumerate(view.charts)
        ],
    }
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    envelope = {"name": view.name, "createdAt": created_ms, "state": f"deflate;{packed}"}
    return f"{TAG_PREFIX}{key}", json.dumps(envelope)


def link(server: str, experiment_id: str, key: str) -> str:
    """The address of a saved view."""
    query = f"viewStateShareKey={key}&compareRunsMode=CHART&workflowType=machine_learning"
    return f"{server}/#/experiments/{experiment_id}/runs?{query}"
