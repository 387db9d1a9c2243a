"""What a study found: its front as tables and picture, what mattered, and what it cost itself."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ecotrack import figures, metrics, reading
from ecotrack.fronts.choosing import Candidate, candidate
from ecotrack.fronts.table import table
from ecotrack.measurement import Result
from ecotrack.search import exports, front_quality, front_report
from ecotrack.search.mirror import Mirror, cost_metrics
from ecotrack.search.study import Study
from ecotrack.search.trials import Finished, Stopped
from ecotrack.tracking import RunView

VOLUME = "hypervolume (log10 g x accuracy)"


def report(study: Study, mirror: Mirror, forecast_error: float | None = None) -> Result:
    """All that the study's own run holds besides its children.

    Machines of different kinds have tables and pictures of their own.
    """
    everything, spent = mirror.telling_runs(), study.cost
    tried: list[Finished | Stopped] = [*study.finished, *study.stopped]
    names = {trial.run_id: trial.name for trial in tried}
    names |= {run.run_id: run.name for run in everything}
    given_up = front_report.stopped(study.stopped, names)
    kinds = mirror.kinds() or [""]
    parts = [
        part(study, mirror, everything, names, kind, f"-{number}" if len(kinds) > 1 else "")
        for number, kind in enumerate(kinds, start=1)
    ]
    matters = study.importances()
    artifacts: dict[str, Any] = {
        "stopped.csv": given_up,
        "importances.json": json.dumps(matters, indent=1),
    }
    if matters:
        trials = len(study.finished)
        artifacts["importances.png"] = figures.png(figures.importances(matters, trials))
    summary = {title: rows for found in parts for title, rows in found.summary.items()}
    cost_title = f"What the study itself cost ({reading.briefly(spent)})"
    return Result(
        scores={
            **cost_metrics(spent),
            metrics.SEARCH_TRIALS: len(study.finished),
            metrics.SEARCH_FRONT: sum(found.scores[metrics.SEARCH_FRONT] for found in parts),
        },
        artifacts={key: a for found in parts for key, a in found.artifacts.items()} | artifacts,
        tags={metrics.STUDY_TAG: study.name, **metrics.source_tags(spent)},
        summary={
            **summary,
            "Given up on the way": front_report.told_stopped(given_up),
            cost_title: reading.costs({"search": spent}),
        },
        findings=[
            *([reading.how(reading.known(spent))] if spent.total_j else []),
            *(sentence for found in parts for sentence in found.findings),
            *told_error(forecast_error),
            *told_untested(everything),
        ],
    )


def part(
    study: Study,
    mirror: Mirror,
    everything: Sequence[RunView],
    names: Mapping[str, str],
    kind: str,
    mark: str,
) -> Result:
    """The front of one kind of machine: tables, pictures, sentences.

    Args:
        study: what is told of.
        mirror: its runs.
        everything: these runs, repeats and failures among them; of a large study, some.
        names: run id -> the name of the trial, of all.
        kind: of machine.
        mark: of its files, such as `-2`; empty where all trials are of one kind.
    """
    objectives, by_id = mirror.objectives, {run.run_id: run for run in everything}
    trials, points = mirror.of_kind(kind)
    runs = [by_id[trial.run_id] for trial in trials if trial.run_id in by_id]
    numbers = {trial.number for trial in trials}
    results = [several for several in study.results if several[0].number in numbers]
    front = front_of(everything, {run.run_id for run in runs})
    sure = front_report.certainty(results, objectives, names)
    in_order = [names[trial.run_id] for trial in trials]
    steps = front_report.prices(points, objectives, in_order)
    good = front_quality.quality(results, objectives, mirror.reference, in_order, runs)
    course = front_quality.course(points, mirror.reference, objectives)
    smaller = exports.exports_of(front, everything)
    known = known_by(runs)
    chart = figures.front(
        [_figure_point(run) for run in runs],
        f"Study {study.name}: accuracy against carbon",
        known + (f"; {len(runs)} of {len(trials)} trials" if len(runs) < len(trials) else ""),
    )
    volumes = {row["trials"]: row["hypervolume_log"] for row in course}
    volume = figures.history(volumes, "What the search still found", VOLUME)
    of_kind = f" on {kind}" if mark else ""
    return Result(
        scores={metrics.SEARCH_FRONT: len(front)},
        artifacts={
            f"front{mark}.png": figures.png(chart),
            f"front{mark}.html": figures.html(chart),
            f"front{mark}.csv": [asdict(member) for member in front],
            f"front{mark}.json": [asdict(member) for member in front],
            f"quality{mark}.csv": good,
            f"certainty{mark}.csv": sure,
            f"prices{mark}.csv": steps,
            f"course{mark}.csv": course,
            f"hypervolume{mark}.png": figures.png(volume),
            **({f"exports{mark}.csv": exports.rows(smaller)} if smaller else {}),
        },
        summary={
            f"{front_title(study.name, len(trials))}{of_kind}": table(front),
            f"How good it is{of_kind}": front_quality.told_quality(good),
            f"Smaller still, by LiteRT{of_kind}": exports.told(exports.rows(smaller)),
            f"How sure that is{of_kind}": front_report.told_certainty(sure, objectives),
            f"What more accuracy asks{of_kind}": front_report.told_prices(steps),
        },
        findings=[
            *front_quality.sentences(good, results, objectives, mirror.reference),
            *exports.sentences(smaller),
        ],
    )


def front_title(study: str, trials: int | None) -> str:
    """Over the table of its front; of how many trials, if that is known."""
    return f"The front of study {study}" + (f" after {trials} trials" if trials else "")


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


def front_of(runs: Sequence[RunView], among: Container[str] | None = None) -> list[Candidate]:
    """The evaluated members of the front, cheapest first, and what their repeats reached.

    `among` are ids of runs: no other is taken for a member.
    """
    members = [
        run
        for run in runs
        if run.tags.get(metrics.PARETO_TAG) == "true" and (among is None or run.run_id in among)
    ]
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
