"""Turns of the same work, twice, and of a tenth more: `python -m bench.turns FILE` records some.

A file keeps its earlier sessions; each has its date, and seconds a call of each turn in the order
of time. Those of tests/data/turns.json.gz are from two shared cores of an AMD EPYC (Zen 4, virtual)
while others used both: the load rose from 1 to 7, and turns' times vary by 4 to 60 %.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ecotrack import host
from ecotrack.measurement import Measurement
from ecotrack.meters.codecarbon import ScriptedMeter
from ecotrack.repeating import Plan, Work, interleave
from ecotrack.series import Series
from experiments.workloads.pi import METHODS

A, AGAIN, B = "A", "A again", "B"
PLAN = Plan(repeats=330, block_s=0.0, shortest_turn_s=0.05, precision=None)
DIGITS = 5


def sorts(parts: int) -> Work:
    """As many np.sorts, of 20,000 int64 each."""
    arrays = [np.random.default_rng(i).integers(0, 2**31, 20_000) for i in range(parts)]

    def work() -> None:
        for array in arrays:
            np.sort(array)

    return work


def darts(parts: int) -> Work:
    """As many blocks of 2^22 points, on one thread."""
    total = METHODS["numba-lanes"].total
    return lambda: total(parts * 2**22, 0, 1)


def predictions(parts: int) -> Work:
    """As many predictions of 100 images by a small convolutional network, on all threads."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from experiments.workloads.fashion import models, training

    training.start_afresh(0)
    model = models.build("cnn", 16, 3)
    images = np.random.default_rng(0).random((100, *model.input_shape[1:]), dtype=np.float32)
    predict = training.predictor(model, images)

    def work() -> None:
        for _ in range(parts):
            predict()

    return work


WORKLOADS: dict[str, Callable[[int], Work]] = {
    "sort": sorts,
    "pi": darts,
    "predict": predictions,
}


def alternatives(workload: str) -> dict[str, Work]:
    """The same work twice, and a tenth more of it: ten parts and eleven."""
    ten, eleven = WORKLOADS[workload](10), WORKLOADS[workload](11)
    return {A: ten, AGAIN: ten, B: eleven}


def read(file: Path) -> list[dict[str, Any]]:
    """The sessions of a file."""
    return json.loads(gzip.decompress(file.read_bytes()))["sessions"]


def write(file: Path, sessions: list[dict[str, Any]]) -> None:
    """Write a file anew."""
    kept = {"machine": host.describe(), "sessions": sessions}
    file.write_bytes(gzip.compress(json.dumps(kept).encode(), mtime=0))


def session(workload: str) -> dict[str, Any]:
    """Measure a workload's alternatives in turns."""
    date = datetime.now(UTC).isoformat(timespec="seconds")
    measured = interleave(alternatives(workload), ScriptedMeter([Measurement()]), PLAN)
    turns = {name: seconds(series) for name, series in measured.items()}
    return {"workload": workload, "date": date, "turn_s": PLAN.shortest_turn_s, "turns": turns}


def seconds(series: Series) -> dict[str, list[float]]:
    """Times of the turns, rounded far below their noise."""
    times = {"wall_s": series.times_s, "cpu_s": series.cpu_times_s}
    return {name: [float(f"{t:.{DIGITS}g}") for t in values] for name, values in times.items()}


def main() -> None:
    """Add a session of each workload to the file."""
    file = Path(sys.argv[1])
    sessions = read(file) if file.exists() else []
    write(file, sessions + [session(workload) for workload in WORKLOADS])


if __name__ == "__main__":
    main()
