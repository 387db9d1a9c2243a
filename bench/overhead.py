"""What does measuring cost? Beside plain CodeCarbon, whose tracker is started and stopped instead.

    python -m bench.overhead [--repeats 15] [--json FILE]

Ours and CodeCarbon's own take turns; figures are medians. A reading that comes within 51 ms of the
last one sleeps for the rest (see `CodeCarbonMeter.read`): that is waiting, lies outside the block's
clocks, and is in no figure here. A block that is shorter takes up to 46 ms more of a script's time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from rich.table import Table

from bench.console import terminal
from ecotrack import metrics
from ecotrack.measure import measure
from ecotrack.measurement import Measurement, Result
from ecotrack.meters.codecarbon import (
    RESOLUTION_S,
    CodeCarbonMeter,
    OfflineEmissionsTracker,
    ScriptedMeter,
)
from ecotrack.meters.grid import grid
from ecotrack.tracking import Store

CURVE = 100  # points
IN_A_ROW = 20  # blocks, the first of which finds cold caches
WATCHED_S = 60.0  # over which sampling is watched
CHILD_S = 0.4  # CPU time of each short child
BURN = f"import time\nwhile time.process_time() < {CHILD_S}: pass"


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ours(meter: object) -> None:
    """Enter and leave a measured block."""
    with measure(meter):
        pass


def apart(meter: CodeCarbonMeter) -> None:
    """The same, past CodeCarbon's own resolution, which a block of any length has behind it."""
    time.sleep(RESOLUTION_S)
    start = time.perf_counter()
    meter.read()
    apart.seconds.append(time.perf_counter() - start)


apart.seconds = []


def plain_codecarbon() -> None:
    """Start and stop a tracker of CodeCarbon's own, warmed up."""
    tracker = OfflineEmissionsTracker(country_iso_code="FRA", output_methods=[], log_level="error")
    tracker.start()
    tracker.stop()


def sampling_share(watched_s: float) -> float:
    """CPU time that a started meter takes of one core while nothing else happens."""
    with CodeCarbonMeter(grid("WORLD")):
        before = time.process_time()
        time.sleep(watched_s)
        return (time.process_time() - before) / watched_s


def children_seen() -> float:
    """CPU time of four short children in a window, over what they say themselves."""
    command = [sys.executable, "-c", f"{BURN}\nprint(time.process_time())"]
    with measure(ScriptedMeter([Measurement()])) as window:
        said = [float(subprocess.check_output(command)) for _ in range(4)]
    return window.cost.cpu_s / sum(said)


def lines_printed() -> int:
    """Lines that a process prints in which a block is measured."""
    code = (
        "from ecotrack.measure import measure\n"
        "from ecotrack.meters.codecarbon import CodeCarbonMeter\n"
        "from ecotrack.meters.grid import grid\n"
        "with CodeCarbonMeter(grid('WORLD')) as meter, measure(meter): pass"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return len((done.stdout + done.stderr).splitlines())


def importing(module: str) -> float:
    """Wall seconds of a Python process that imports this."""
    return seconds(partial(subprocess.run, [sys.executable, "-c", f"import {module}"], check=True))


def logging_a_run(store: Store, experiment: str) -> Callable[[], None]:
    """A call that writes a run with a curve, into a store that is open already."""
    curve = {metrics.TRAIN_LOSS: list(np.linspace(1, 0, CURVE))}

    def write() -> None:
        with store.run(experiment, "overhead", {}, {}) as record:
            start = time.perf_counter()
            record.log(Result(curves=curve, scores={metrics.VAL_ACCURACY: 0.9}))
            write.seconds.append(time.perf_counter() - start)

    write.seconds = []
    return write


def figures(repeats: int) -> dict[str, float]:
    """Every figure, in seconds or as a share."""
    names = ("ours", "ours, cold", "codecarbon", "python", "ecotrack")
    found: dict[str, list[float]] = {name: [] for name in names}
    scripted = ScriptedMeter([Measurement()])
    with CodeCarbonMeter(grid("WORLD")) as meter:
        for _ in range(3):
            plain_codecarbon()
        for _ in range(repeats):
            first, *others = (seconds(partial(ours, scripted)) for _ in range(IN_A_ROW))
            found["ours, cold"].append(first)
            found["ours"].extend(others)
            apart(meter)
            found["codecarbon"].append(seconds(plain_codecarbon))
    for _ in range(repeats):
        found["python"].append(importing("sys"))
        found["ecotrack"].append(importing("ecotrack"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        store = Store()
        write = logging_a_run(store, "overhead")
        for _ in range(repeats):
            write()
    return {
        "a block: our own part, s": float(np.median(found["ours"])),
        "the same, with cold caches, s": float(np.median(found["ours, cold"])),
        "a block: two readings of CodeCarbon, s": 2 * float(np.median(apart.seconds)),
        "plain CodeCarbon, start and stop, s": float(np.median(found["codecarbon"])),
        "sampling, share of a core": sampling_share(WATCHED_S),
        "CPU time of short children, share seen": children_seen(),
        "import ecotrack, more than Python, s": float(
            np.median(np.subtract(found["ecotrack"], found["python"]))
        ),
        f"logging a run with {CURVE} points, s": float(np.median(write.seconds[1:])),
        "lines printed": float(lines_printed()),
    }


def main() -> None:
    """Measure, print, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=15, help="of each figure, in turn")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args()
    if options.repeats < 2:
        parser.error(f"--repeats {options.repeats}: a median needs 2 at least")
    found = figures(options.repeats)
    table = Table("what", title=f"What measuring costs ({psutil.cpu_count()} cores, medians)")
    table.add_column("figure", justify="right")
    for name, value in found.items():
        table.add_row(name, f"{value:.3g}")
    terminal().print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
