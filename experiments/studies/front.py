"""What a front needs at the end: test images, exports, a largest model to be set against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from ecotrack import host, metrics, terminal
from ecotrack.launch import insured, raw_record
from ecotrack.litert_file import LiteRTFile
from ecotrack.measure import Meter, measure
from ecotrack.measurement import Result
from ecotrack.search.judge import Judge
from ecotrack.search.mirror import Mirror
from ecotrack.search.sharing import Share
from ecotrack.search.study import Study
from ecotrack.tracking import Record, RunView
from ecotrack.tracking import models as saved
from experiments import train
from experiments.studies.space import flops, recipe
from experiments.workloads.fashion import data, models, training
from experiments.workloads.fashion.export import EXAMPLES, Precision, litert
from experiments.workloads.fashion.quiet import silence

EVALUATION_S = 3.0  # of a model on the front, at least: test images, two blocks of a second
EXPORT = 2.0  # evaluations: of another precision of it, converted, with validation images too
Affordable = Callable[[float], bool]


def finish(precisions: Sequence[Precision], own: Share, judge: Judge) -> None:
    """Do all of it for machines of this kind, as far as the budget allows."""

    def affordable(times: float) -> bool:
        return judge.left_g() >= times * evaluation_g(own.study)

    evaluate(own.mirror, own.started.ledger, affordable)
    if affordable(1):
        know_largest(own.mirror, own.study, own.started.ledger)
    export(precisions, own, affordable)


def reserved_g(precisions: Sequence[Precision], mirror: Mirror, study: Study) -> float:
    """What the end will still cost: each member of the front is evaluated and exported once."""
    waiting = sum(metrics.EVAL_ACCURACY not in run.metrics for run in mirror.front_runs())
    exports = len(mirror.not_exported(precisions)) if precisions else 0
    return (waiting + 1 + EXPORT * exports) * evaluation_g(study)


def evaluation_g(study: Study) -> float:
    """What an evaluation takes: as much as a trial besides its training, and seconds at least.

    Both build a model, have TensorFlow trace it, and write to the store.
    """
    spent, trials = study.cost, study.comparable
    least_g = EVALUATION_S * spent.co2_g / spent.wall_s if spent.wall_s else 0.0
    besides_g = [known for trial in trials if (known := trial.besides_training_g) is not None]
    return max(least_g, median(besides_g)) if besides_g else least_g


def evaluate(mirror: Mirror, meter: Meter, affordable: Affordable) -> None:
    """Evaluate each member of this machine's front on the test images, once in its life."""
    front = filter(ran_on_this_kind, mirror.front_runs())
    runs = [run for run in front if metrics.EVAL_ACCURACY not in run.metrics]
    with terminal.bar("test images", len(runs)) as progress:
        for run in runs:
            if saved.exists(run.run_id) and affordable(1):
                model = saved.load(run.run_id)
                result = train.finish(Result(model=model), data.load(), meter)
                Record(run.run_id).log(replace(result, model=None))
            progress.advance(run.name)


def know_largest(mirror: Mirror, study: Study, meter: Meter) -> None:
    """Measure the predictions of the largest model: what the search must beat, whoever beat it.

    Its weights, kept only on the front, do not matter for that.
    """
    anything = train.Config()
    largest = max(
        study.comparable, key=lambda trial: flops(recipe(anything, trial.params)), default=None
    )
    if not largest:
        return
    chosen = recipe(anything, largest.params)
    for run in mirror.runs_of([largest]):
        if metrics.INFERENCE_G_PER_1K not in run.metrics:
            model = models.build(chosen.family, chosen.width, chosen.depth)
            model = models.mirrored(model) if chosen.mirrored else model
            served = train.serve(Result(model=model), data.load().validation, meter)
            Record(run.run_id).log(replace(served, model=None))


def export(precisions: Sequence[Precision], own: Share, affordable: Affordable) -> None:
    """Export each member of the front in each of these precisions, once in its life."""
    started = own.started
    for run, precision in own.mirror.not_exported(precisions):
        here = ran_on_this_kind(run) and saved.exists(run.run_id)
        if not here or not affordable(EXPORT):
            continue
        with own.mirror.export(run, precision) as child, insured(child, started.ledger):
            with raw_record(started.meter) as raw:
                result = convert(saved.load(run.run_id), precision, started.ledger)
            child.log(replace(result, artifacts={**result.artifacts, **raw}))


def convert(model: Any, precision: Precision, meter: Meter) -> Result:
    """Make a trained Keras model smaller by LiteRT, and measure what came of it as any other.

    It is not trained again: its main cost is that of converting it.
    """
    images = data.load()
    examples = images.training.first(EXAMPLES)
    with measure(meter) as conversion:
        content = litert(model, precision, examples.images)
    with silence():  # the interpreter tells that it is there
        small = LiteRTFile(content)
    with measure(meter) as window:
        validation = training.evaluate(small, images.validation)
    calibration = {"calibration": train.dataset("training", examples)}
    result = Result(
        costs={"export": conversion.cost, "eval": window.cost},
        scores={
            metrics.VAL_ACCURACY: validation.accuracy,
            metrics.PARAMETERS: model.count_params(),
            metrics.SIZE_BYTES: len(content),
        },
        datasets=calibration if precision == "int8" else {},
        model=small,
    )
    return train.finish(result, images, meter)


def ran_on_this_kind(run: RunView) -> bool:
    """Whether a run was measured on a machine of this kind, as far as that is known."""
    return run.tags.get(metrics.HARDWARE_TAG, host.hardware()) == host.hardware()
