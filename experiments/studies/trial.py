"""How a study tries a configuration: as `train` would, in a run of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecotrack import metrics
from ecotrack.cli import parameters
from ecotrack.launch import insured, raw_record
from ecotrack.meters import gates
from ecotrack.search.mirror import BEATEN
from ecotrack.search.objectives import METRICS, Goal
from ecotrack.search.sharing import Share
from ecotrack.search.trials import Objective, PassedOver, Trial
from experiments import train
from experiments.studies.space import flops, recipe, tflop
from experiments.workloads.fashion import data


@dataclass(frozen=True)
class Largest:
    """10^12 operations of training, and operations of a prediction, of which nothing has more."""

    tflop: float
    flops: int


def trying(base: train.Config, largest: Largest, own: Share) -> Objective:
    """The objective of a process with this share of the study; `base` is what all trials share."""
    started, study, mirror = own.started, own.study, own.mirror
    ledger, objectives = started.ledger, own.mirror.objectives

    def objective(params: dict[str, Any], trial: Trial) -> tuple[float, ...]:
        chosen = recipe(base, params, trial.repeat)
        with (
            mirror.trial(trial, train.title(chosen), parameters(chosen)) as child,
            insured(child, ledger),
        ):
            with raw_record(started.meter) as raw:
                result = train.run(chosen, ledger, trial.goes_on)
                if "inference" in objectives.goals and not trial.stopped:
                    result = train.serve(result, data.load().validation, ledger)
            flaw = trial.stopped or gates.flaw(result.costs["training"])
            seen = {**result.scores, metrics.EMISSIONS_G: result.costs["training"].co2_g}
            good = not flaw and mirror.may_be_on_front(objectives.of(seen))
            tags = {metrics.REASON_TAG: f"stopped {trial.stopped}"} if trial.stopped else {}
            if not flaw and not trial.repeat:
                tags[metrics.PARETO_TAG] = BEATEN  # until the front is marked
            child.log(
                replace(
                    result,
                    model=result.model if good else None,
                    artifacts=raw,
                    tags={**result.tags, **tags},
                )
            )
            if flaw:
                raise PassedOver(flaw)
            values = objectives.of(seen)
            trial.keep(values)
        if not trial.repeat:
            study.reference_g = reference_g(largest, chosen, seen, objectives.costs)
            volume = mirror.hypervolume_with(values)
            mirror.parent.point(metrics.SEARCH_HYPERVOLUME, *volume)
        return values

    return objective


def reference_g(
    largest: Largest, chosen: train.Config, seen: Mapping[str, float], costs: Sequence[Goal]
) -> tuple[float, ...]:
    """Twice the grams of the largest configuration, in proportion to one that is known."""
    times = {"training": largest.tflop / tflop(chosen), "inference": largest.flops / flops(chosen)}
    return tuple(2 * times[goal] * seen[METRICS[goal]] for goal in costs)
