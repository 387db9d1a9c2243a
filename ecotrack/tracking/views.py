"""Saved views of the MLflow UI: which charts an experiment opens with.

MLflow 3.17 keeps a view in an experiment tag, `mlflow.sharedViewState.KEY`. The format is internal
to its UI: nothing but the link to a view may depend on this module.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

TAG_PREFIX = "mlflow.sharedViewState."


def scatter(x: str, y: str) -> dict[str, Any]:
    """A chart of two metrics, one point a run."""
    axes = {"xaxis": {"key": x, "type": "METRIC"}, "yaxis": {"key": y, "type": "METRIC"}}
    return {"type": "SCATTER", "displayName": f"{y} by {x}", "runsCountToCompare": 100, **axes}


def parallel(params: Sequence[str], metrics: Sequence[str]) -> dict[str, Any]:
    """Parallel coordinates: one line a run, from its parameters to its metrics."""
    return {
        "type": "PARALLEL",
        "displayName": "parameters to metrics",
        "runsCountToCompare": 100,
        "selectedParams": list(params),
        "selectedMetrics": list(metrics),
        "showAllRuns": True,
    }


def tag(
    key: str,
    name: str,
    charts: Sequence[dict[str, Any]],
    *,
    columns: Sequence[str],
    order_by: str,
    search: str,
    created_ms: int,
) -> tuple[str, str]:
    """The experiment tag (key, value) that makes `name` a view of that experiment.

    Args:
        key: stands in the link to the view.
        name: what people read in the list of views.
        charts: of `scatter` and `parallel`.
        columns: of the table, as "metrics.`KEY`", "params.`KEY`" or "tags.`KEY`".
        order_by: a metric, lowest first.
        search: which runs, in MLflow's search syntax.
        created_ms: milliseconds since 1970.
    """
    section = str(uuid5(NAMESPACE_URL, f"{key}/section"))
    state = {
        "orderByKey": f"metrics.`{order_by}`",
        "orderByAsc": True,
        "searchFilter": search,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "isAccordionReordered": True,
        "viewMode": "CHART",
        "compareRunsMode": "CHART",
        "runsHiddenMode": "SHOW_ALL",
        "selectedColumns": ["attributes.`Source`", *columns],
        "compareRunSections": [
            {
                "uuid": section,
                "name": name,
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
                **chart,
            }
            for number, chart in enumerate(charts)
        ],
    }
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    envelope = {"name": name, "createdAt": created_ms, "state": f"deflate;{packed}"}
    return f"{TAG_PREFIX}{key}", json.dumps(envelope)


def link(server: str, experiment_id: str, key: str) -> str:
    """The address of a saved view."""
    query = f"viewStateShareKey={key}&compareRunsMode=CHART&workflowType=machine_learning"
    return f"{server}/#/experiments/{experiment_id}/runs?{query}"
