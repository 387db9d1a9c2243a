"""What a study found: its front as tables and picture, what mattered, and what it cost itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ecotrack import figures, metrics, reading
from ecotrack.fronts.choosing import Candidate, candidate
from ecotrack.fronts.table import table
from ecotrack.measurement import Result
from ecotrack.search import exports, front_quality, front_report
from ecotrack.search.mirror import Mirror, cost_metrics
from ecotrack.search.study import Study
from ecotrack.tracking import RunView

VOLUME = "hypervolume (log10 g x accuracy)"


def report(study: Study, mirror: Mirror, forecast_error: float | None = None) -> Result:
    """All that the study's own run holds besides its children."""
    runs, finished, spent = mirror.runs(), study.finished, study.cost
    objectives, everything = mirror.objectives, mirror.all_runs()
    names = {run.run_id: run.name for run in everything}
    front = front_of(everything)
    sure = front_report.certainty(study.results, objectives, names)
    steps = front_report.prices(mirror.points(), objectives, [run.name for run in runs])
    given_up = front_report.stopped(study.stopped, names)
    good = front_quality.quality(study.results, objectives, mirror.reference, runs)
    course = front_quality.course(mirror.points(), mirror.reference, objectives)
    smaller = exports.exports_of(front, everything)
    known = known_by(runs)
    chart = figures.front(
        [_figure_point(run) for run in runs],
        f"Study {study.name}: accuracy against carbon",
        known,
    )
    volumes = [row["hypervolume_log"] for row in course]
    matters = study.importances()
    artifacts: dict[str, Any] = {
        "front.png": figures.png(chart),
        "front.html": figures.html(chart),
        "front.csv": [asdict(member) for member in front],
        "front.json": [asdict(member) for member in front],
        "quality.csv": good,
        "certainty.csv": sure,
        "prices.csv": steps,
        "course.csv": course,
        "stopped.csv": given_up,
        "hypervolume.png": figures.png(
            figures.history(volumes, "What the search still found", VOLUME)
        ),
        "importances.json": json.dumps(matters, indent=1),
    }
    if matters:
        artifacts["importances.png"] = figures.png(figures.importances(matters, len(finished)))
    if smaller:
        artifacts["exports.csv"] = exports.rows(smaller)
    return Result(
        scores={
            **cost_metrics(spent),
            metrics.SEARCH_TRIALS: len(finished),
            metrics.SEARCH_FRONT: len(front),
        },
        artifacts=artifacts,
        tags={metrics.STUDY_TAG: study.name, **metrics.source_tags(spent)},
        summary={
            front_title(study.name, len(finished)): table(front),
            "How good it is": front_quality.told_quality(good),
            "Smaller still, by LiteRT": exports.told(exports.rows(smaller)),
            "How sure that is": front_report.told_certainty(sure, objectives),
            "What more accuracy asks": front_report.told_prices(steps),
            "Given up on the way": front_report.told_stopped(given_up),
            f"What the study itself cost ({reading.briefly(spent)})": reading.costs(
                {"search": spent}
            ),
        },
        findings=[
            *([reading.how(reading.known(spent))] if spent.total_j else []),
            *front_quality.sentences(good, study.results, objectives, mirror.reference),
            *exports.sentences(smaller),
            *told_error(forecast_error),
            *told_untested(everything),
        ],
    )


def front_title(study: str, trials: int) -> str:
    """Over the table of its front."""
    return f"The front of study {study} after {trials} trials"


def told_error(forecast_error: float | None) -> list[str]:
    """How well the cost of trials was foretold, in a sentence."""
    if forecast_error is None:
        return []
    return [f"Half of the trials' costs are foretold within {100 * forecast_error:.0f} %."]


def told_untested(runs: Sequence[RunView]) -> list[str]:
    """How many of the front cannot be chosen yet, in a sentence."""
    members = [run for run in runs if run.tags.get(metrics.PARETO_TAG) == "true"]
    untested = sum(metrics.EVAL_ACCURACY not in run.metrics for run in members)
    if not untested:
        return []
    return [
        f"{untested} of {len(members)} models on the front have not met the test images: the budget"
        " was used up, or their weights are gone. A larger budget goes on."
    ]


def front_of(runs: Sequence[RunView]) -> list[Candidate]:
    """The evaluated members of the front, cheapest first, and what their repeats reached."""
    members = [run for run in runs if run.tags.get(metrics.PARETO_TAG) == "true"]
    found = [
        candidate(
            run.run_id,
            run.name,
            run.metrics,
            repeats_of(run, runs),
            known=reading.known_from(run.tags),
        )
        for run in members
    ]
    return sorted(filter(None, found), key=lambda member: member.training_g)


def repeats_of(run: RunView, runs: Sequence[RunView]) -> list[float]:
    """Validation accuracies of the same configuration, trained again with other seeds."""
    return [
        other.metrics[metrics.VAL_ACCURACY]
        for other in runs
        if other.tags.get(metrics.REPEAT_OF_TAG) == run.run_id
        and metrics.VAL_ACCURACY in other.metrics
    ]


def known_by(runs: Sequence[RunView]) -> str:
    """How the energy of these runs is known, and where the electricity comes from, as a caption."""
    if not runs:
        return "no trial is finished"
    tags = runs[-1].tags
    return f"{reading.known_from(tags)}; {tags.get(metrics.HOST_TAG, '')}"


def _figure_point(run: RunView) -> figures.Point:
    return figures.Point(
        name=run.name,
        emissions=metrics.amount(metrics.EMISSIONS_G, run.metrics),
        accuracy=run.metrics[metrics.VAL_ACCURACY],
        on_front=run.tags.get(metrics.PARETO_TAG) == "true",
        run_id=run.run_id,
    )
