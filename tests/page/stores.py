"""Stores with made-up runs, written as the experiments write theirs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ecotrack import metrics
from ecotrack.measurement import Result
from ecotrack.tracking import Record, Store
from experiments.reports import pi
from experiments.reports.sorting import Study, report
from experiments.workloads.sorting import ALGORITHMS
from tests.test_reports import cost, measured, series

SEARCH, FASHION = "fashion-mnist-search", "fashion-mnist"
GRID = {
    metrics.COUNTRY_TAG: "WORLD",
    metrics.INTENSITY_TAG: "475",
    metrics.INTENSITY_SOURCE_TAG: "made up",
    metrics.INTENSITY_YEAR_TAG: "2019",
    metrics.WALL_TAG: "not metered, up to × 1.5",
}
NAMES = ("linear", "mlp-4x1", "mlp-16x2", "cnn-4x2", "cnn-8x3", "cnn-16x3")
G_PER_J = 475 / 3.6e6


def add_study(store: Store, names: Sequence[str] = NAMES, study: str = "fashion-mnist") -> None:
    """A finished study: each model four times as dear as the one before, and better; all on the
    front but the second, and the last of them slow to use.
    """
    tags = {metrics.KIND_TAG: "search", metrics.STUDY_TAG: study, **GRID}
    with store.run(SEARCH, f"study {study}", {}, tags) as parent:
        for number, name in enumerate(names):
            beaten = number == 1
            result = trained(number, better=not beaten)
            tags = {
                metrics.KIND_TAG: "trial",
                metrics.STUDY_TAG: study,
                metrics.TRIAL_TAG: str(number),
                metrics.PARETO_TAG: str(not beaten).lower(),
                **GRID,
            }
            params = {
                "family": name.partition("-")[0],
                "augmentation": ("none", "flip")[number % 2],
            }
            with store.child(parent.run_id, name, params, tags) as child:
                child.log(result)
        spent = cost(40.0 * 4 ** len(names) / 1000, co2_g=5.0)
        values = metrics.with_band(metrics.SEARCH_WH, spent.energy_wh)
        parent.write(values={**values, metrics.SEARCH_G: spent.co2_g, metrics.SEARCH_S: 60.0})


def trained(number: int, *, better: bool = True) -> Result:
    """What a training of this place in the order brought."""
    wall_s = 0.1 * 4**number
    training = cost(wall_s, co2_g=23 * wall_s * G_PER_J)
    served = cost(1e-4 * 3**number)
    accuracy = 0.75 + 0.03 * number - (0 if better else 0.05)
    return Result(
        costs={"training": training},
        scores={
            metrics.VAL_ACCURACY: accuracy,
            metrics.EVAL_ACCURACY: accuracy - 0.004,
            metrics.EVAL_ACCURACY_LOW: accuracy - 0.011,
            metrics.EVAL_ACCURACY_HIGH: accuracy + 0.003,
            metrics.PARAMETERS: 1000 * 3**number,
            metrics.SIZE_BYTES: 4000 * 3**number,
            metrics.FLOPS: 2000 * 3**number,
            metrics.LATENCY_MS: 0.5 + number,
            **metrics.with_band(metrics.INFERENCE_WH_PER_1K, served.energy_wh),
            metrics.INFERENCE_G_PER_1K: served.total_j * G_PER_J,
        },
    )


def add_trainings(store: Store) -> None:
    """The same model with and without augmentation; and one that failed, one that is impossible."""
    for name, augmentation, number in (("a", "none", 3), ("b", "flip", 4), ("c", "shift", 3)):
        params = {"family": "cnn", "width": "8", "depth": "3", "epochs": "5"}
        params |= {"augmentation": augmentation, "images": "none", "batch-size": "128"}
        params["learning-rate"] = "0.005"
        with store.run(FASHION, name, params, {metrics.KIND_TAG: "train", **GRID}) as record:
            record.log(trained(number))
    tags = {metrics.KIND_TAG: "train", metrics.INVALID_TAG: "training: a counter went back"}
    with store.run(FASHION, "impossible", params, {**tags, **GRID}) as record:
        record.log(trained(9))
    try:
        with store.run(FASHION, "broken", params, {metrics.KIND_TAG: "train", **GRID}):
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass


def add_benchmarks(store: Store) -> None:
    """A comparison of sorts and one of ways to π, without their pictures."""
    jitter = (1.0, 1.01, 0.99, 1.005, 0.995)
    studies = {name: Study(ALGORITHMS[name]) for name in ("numba-merge", "fast", "np-quicksort")}
    for name, pace in (("numba-merge", 2.0), ("fast", 0.5), ("np-quicksort", 1.0)):
        for size in (1000, 10_000):
            turns = series(*[size * 1e-5 * pace * j for j in jitter])
            ratios = dict.fromkeys(("time_ratio", "cpu_ratio"), pace)
            ends = {f"{k}{end}": v for k, v in ratios.items() for end in ("", "_low", "_high")}
            against = {"against": None if pace == 1.0 else "np-quicksort", **ends}
            studies[name].keep(size, 1, turns, against)
    add(store, "sorting", report(studies, "random int32", []))
    cells = {
        (name, n): series(*[s / n * j for j in jitter])
        for name, s in (("python", 0.4), ("numba-lanes", 0.01), ("midpoint", 0.02))
        for n in ((1,) if name == "python" else (1, 2))
    }
    add(store, "pi", pi.report(measured(cells), []))


def add(store: Store, kind: str, result: Result) -> None:
    """A run and its children, as `launch` writes them; tables are its only files."""
    with store.run(kind, kind, {}, {metrics.KIND_TAG: kind, **GRID}) as record:
        tables = {k: v for k, v in result.artifacts.items() if k.endswith(".json")}
        record.log(replace(result, artifacts=tables))
        for part, found in result.children.items():
            tags = {metrics.KIND_TAG: f"{kind}-part", **GRID}
            with store.child(record.run_id, part, {}, tags) as child:
                child.log(found)


def multiply(database: Path, times: int) -> None:
    """Copy every run so many times, as only a database can in a second."""
    with sqlite3.connect(database) as db:
        for table in ("runs", "metrics", "latest_metrics", "params", "tags"):
            names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            marked = ", ".join(f"{n} || ?" if n == "run_uuid" else n for n in names)
            rows = f"SELECT {marked} FROM {table} WHERE length(run_uuid) = 32"
            for number in range(times):
                db.execute(f"INSERT INTO {table} ({', '.join(names)}) {rows}", (f"x{number}",))
        # A copy of a trial is a child of its parent's copy.
        db.execute(
            "UPDATE tags SET value = value || substr(run_uuid, 33)"
            " WHERE key = 'mlflow.parentRunId' AND length(run_uuid) > 32"
        )


def rename(run_id: str, name: str) -> None:
    """Call a run otherwise."""
    Record(run_id).write(tags={"mlflow.runName": name})
