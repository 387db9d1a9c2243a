"""A search as its user sees it: one line while it runs, and its view in the MLflow UI."""

from __future__ import annotations

from collections.abc import Sequence

from ecotrack import metrics, reading
from ecotrack.cli import spell
from ecotrack.measurement import Measurement
from ecotrack.tracking import Store, views


def link(study: str, store: Store, experiment: str, parameters: Sequence[str]) -> str:
    """The saved view of a study in the MLflow UI: accuracy by carbon, and what led to it."""
    return store.save_view(
        store.experiment_id(experiment),
        f"pareto-{study}",
        f"Pareto: accuracy x carbon ({study})",
        [
            views.scatter(metrics.EMISSIONS_G, metrics.VAL_ACCURACY),
            views.parallel(
                [spell(name) for name in parameters],
                [metrics.EMISSIONS_G, metrics.VAL_ACCURACY],
            ),
        ],
        columns=[
            f"tags.`{metrics.PARETO_TAG}`",
            *(f"metrics.`{m}`" for m in (metrics.VAL_ACCURACY, metrics.EVAL_ACCURACY)),
            *(f"metrics.`{m}`" for m in (metrics.EMISSIONS_G, metrics.TOTAL_WH, metrics.WALL_S)),
            f"metrics.`{metrics.PARAMETERS}`",
        ],
        order_by=metrics.EMISSIONS_G,
        search=f"tags.`{metrics.STUDY_TAG}` = '{study}' AND tags.`{metrics.KIND_TAG}` = 'trial'",
    )


def status(
    spent: Measurement,
    accuracies: Sequence[float],
    *,
    left_s: float | None,
    left_g: float | None,
) -> str:
    """One line while the search runs; `accuracies` are those of the front, if asked for."""
    words = [reading.quantity(spent.co2_g, "g")]
    if accuracies:
        words += [f"best {reading.percent(max(accuracies))}", f"front {len(accuracies)}"]
    if left_s is not None:
        words.append(f"{max(0, left_s):.0f} s left")
    if left_g is not None:
        words.append(f"{reading.quantity(max(0, left_g), 'g')} left")
    return " · ".join(words)
