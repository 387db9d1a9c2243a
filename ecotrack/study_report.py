"""What a study found: its front as table and picture, what mattered, and what it cost itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ecotrack import figures, metrics, pareto, reading
from ecotrack.choosing import Candidate, candidate
from ecotrack.measurement import Result
from ecotrack.mirror import Mirror, cost_metrics
from ecotrack.study import Study
from ecotrack.tracking import RunView


def report(study: Study, mirror: Mirror) -> Result:
    """All that the study's own run holds besides its children."""
    runs, finished, spent = mirror.runs(), study.finished, study.cost
    front = front_of(runs)
    chart = figures.front(
        [_figure_point(run) for run in runs],
        f"Study {study.name}: accuracy against carbon",
        known_by(runs),
    )
    volumes = pareto.hypervolume_history(mirror.points(), mirror.reference)
    matters = study.importances()
    artifacts: dict[str, Any] = {
        "front.png": figures.png(chart),
        "front.html": figures.html(chart),
        "front.csv": [asdict(member) for member in front],
        "front.json": [asdict(member) for member in front],
        "hypervolume.png": figures.png(
            figures.history(volumes, "What the search still found", "hypervolume (g x accuracy)")
        ),
        "importances.json": json.dumps(matters, indent=1),
    }
    if matters:
        artifacts["importances.png"] = figures.png(figures.importances(matters, len(finished)))
    return Result(
        scores={
            **cost_metrics(spent),
            metrics.SEARCH_TRIALS: len(finished),
            metrics.SEARCH_FRONT: len(front),
        },
        artifacts=artifacts,
        tags={metrics.STUDY_TAG: study.name, **metrics.source_tags(spent)},
        summary={
            f"The front of study {study.name} after {len(finished)} trials": reading.front(front),
            "What the study itself cost": reading.costs({"search": spent}),
        },
    )


def front_of(runs: Sequence[RunView]) -> list[Candidate]:
    """The evaluated members of the front, cheapest first."""
    members = [run for run in runs if run.tags.get(metrics.PARETO_TAG) == "true"]
    found = [known for run in members if (known := candidate(run.run_id, run.name, run.metrics))]
    return sorted(found, key=lambda member: member.training_g)


def known_by(runs: Sequence[RunView]) -> str:
    """How the energy of these runs is known, and where the electricity comes from, as a caption."""
    if not runs:
        return "no trial is finished"
    tags = runs[-1].tags
    sources = "; ".join(
        f"{part.upper()} {tags[key]}"
        for part in ("cpu", "ram", "gpu")
        if tags.get(key := f"{metrics.SOURCE_TAG}.{part}", "absent") != "absent"
    )
    return f"{sources}; {tags.get(metrics.HOST_TAG, '')}"


def _figure_point(run: RunView) -> figures.Point:
    return figures.Point(
        name=run.name,
        emissions_g=run.metrics[metrics.EMISSIONS_G],
        accuracy=run.metrics[metrics.VAL_ACCURACY],
        on_front=run.tags.get(metrics.PARETO_TAG) == "true",
        run_id=run.run_id,
    )
