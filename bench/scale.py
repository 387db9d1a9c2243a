"""Does a study scale, to eight machines and to thousands of trials?

    python -m bench.scale [--workers 1,2,4,8] [--sizes 1250,2500,5000,10000] [--json FILE]

Each worker imitates a machine: it has a meter and a lock of its own, and its trials sleep. So what
is seen is all the rest: PostgreSQL, MLflow's server, Dask, the coordinator; and all of them share
this machine's cores. Efficiency is the throughput of one worker over that of each of several.

A study of thousands is a small real one, copied in its stores. `resume` is how long
`search --workers` takes from its start until a worker that was there has begun the next trial;
`alone`, the same without workers; `search`, when no trial is missing, with all its pictures;
`choose`, as a whole. Needs PostgreSQL and requirements-cluster.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import sqlalchemy
from rich.table import Table
from scipy import stats

from bench.console import terminal
from bench.grown import grow
from ecotrack import cli, figures, host
from ecotrack.search.machines import machines
from ecotrack.search.trials import RUN_KEY
from experiments import search
from tests.cluster import sleeping
from tests.cluster.conftest import ENV
from tests.cluster.services import Cluster, Postgres, mlflow_server, postgres, until
from tests.conftest import ROOT, SMALL

STUDY, POLL_S = "fashion-mnist", 0.02
RESUME, ALONE, WHOLE, CHOOSE = TIMED = "resume", "alone", "search", "choose"


@dataclass(frozen=True)
class Stores:
    """A PostgreSQL server, an MLflow server on it, and what a process needs to reach both."""

    server: Postgres
    env: dict[str, str]
    folder: Path

    @property
    def runs_url(self) -> str:
        """The database of the MLflow server."""
        return self.server.url("mlflow")


@contextmanager
def stores() -> Iterator[Stores]:
    """Both servers, and this process's runs go there."""
    with tempfile.TemporaryDirectory() as name, postgres() as server:
        folder = Path(name)
        runs = mlflow_server(folder / "server", server.new("mlflow"), {**os.environ, **ENV})
        runs.start().ready()
        own = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{runs.port}"}
        os.environ.update(ENV | own | {"ECOTRACK_LOCK": str(folder / "lock")})
        try:
            yield Stores(server, dict(os.environ), folder)
        finally:
            runs.stop()


def throughput(at: Stores, workers: int, sleep_s: float, each: int) -> dict[str, float]:
    """How fast so many workers carry out trials, and what of it the coordinator takes.

    Returns:
        trials a second, the share of time that workers slept in trials, and milliseconds of the
        coordinator's CPU time a trial, all after each worker has had a first trial.
    """
    name = f"sleeping-{workers}"
    job = sleeping.Job(at.server.new(f"optuna_{workers}"), 2 * workers, name, sleep_s=1.0)
    with Cluster(at.folder / name, at.env, workers) as cluster:
        with machines(cluster.address) as reached:
            until(lambda: reached.count() == workers)
        sleeping.coordinate(job, cluster.address)
        trials = each * workers
        job = sleeping.Job(job.storage, job.trials + trials, name, sleep_s)
        start_s, cpu_s = time.perf_counter(), time.process_time()
        sleeping.coordinate(job, cluster.address)
        wall_s, cpu_s = time.perf_counter() - start_s, time.process_time() - cpu_s
    row = {
        "workers": workers,
        "trials": trials,
        "trials_per_s": trials / wall_s,
        "asleep": each * sleep_s / wall_s,
        "coordinator_ms": 1000 * cpu_s / trials,
    }
    tell(row)
    return row


def busy_with_many(at: Stores, size: int, trials: int = 40) -> float:
    """Milliseconds of the coordinator's CPU time a trial, in a study of so many trials."""
    job = sleeping.Job(at.server.new("optuna_many"), 4, "sleeping-many", 0.1)
    with Cluster(at.folder / "many", at.env, 2) as cluster:
        sleeping.coordinate(job, cluster.address)
        grow(job.storage, at.runs_url, "sleeping", sleeping.SPACE, size)
        # The first session reads the study, once.
        sleeping.coordinate(sleeping.Job(job.storage, size + 2, job.experiment), cluster.address)
        told = []
        for more in (2, 2 + trials):
            job = sleeping.Job(job.storage, size + 2 + more, job.experiment, 1.0)
            cpu_s = time.process_time()
            sleeping.coordinate(job, cluster.address)
            told.append(time.process_time() - cpu_s)
    busy_ms = 1000 * (told[1] - told[0]) / (trials - 2)
    tell({"finished": size, "coordinator_ms": busy_ms})
    return busy_ms


def of_size(at: Stores, storage: str, sizes: Sequence[int]) -> list[dict[str, float]]:
    """How long `search` and `choose` take at a study that grows."""
    # What is given up counts as tried, and is no finished trial: the sizes would drift apart.
    options = [*(o for o in SMALL if not o.startswith("--trials")), "--stopping", "false"]
    options += ["--storage", storage]
    ours = [sys.executable, "-W", "ignore", "-m"]
    began = [*ours, "experiments.search", *options, "--trials"]
    run(at, [*began, "4"])
    space = search.space_of(cli.parse(search.Config, options, prog="search", description=""))
    found = []
    with Cluster(at.folder / "grown", at.env, 1) as cluster:
        placing = [*began[:-1], "--workers", cluster.address, "--trials"]
        for size in sizes:
            grow(storage, at.runs_url, STUDY, space, size)
            # The worker reads what was added; else it has done so trial by trial.
            until_next(at, storage, [*placing, str(size + 1)], elsewhere=True)
            row = {
                "trials": size,
                RESUME: until_next(at, storage, [*placing, str(size + 2)], elsewhere=True),
                ALONE: until_next(at, storage, [*began, str(size + 3)]),
                WHOLE: run(at, [*began, str(size)]),
                CHOOSE: run(at, [*ours, "experiments.choose", "--within", "1"]),
            }
            tell(row)
            found.append(row)
    return found


def tell(row: dict[str, float]) -> None:
    """A row as soon as it is known: all of them take half an hour."""
    print(", ".join(f"{name} {value:.4g}" for name, value in row.items()), file=sys.stderr)


def run(at: Stores, command: list[str]) -> float:
    """Wall seconds of a command that must succeed."""
    start_s = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=at.env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return time.perf_counter() - start_s


def until_next(at: Stores, storage: str, command: list[str], *, elsewhere: bool = False) -> float:
    """Wall seconds from the start of a command until it has begun a trial; it is ended then.

    A trial that was begun `elsewhere`, by a worker, is waited for.
    """
    engine = sqlalchemy.create_engine(storage)
    under_way = sqlalchemy.text(
        "SELECT count(*) FROM trials JOIN trial_user_attributes USING (trial_id)"
        f" WHERE state = 'RUNNING' AND key = '{RUN_KEY}'"
    )
    start_s = time.perf_counter()
    with (at.folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=at.env, stdout=log, stderr=log)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        while not db.execute(under_way).scalar():
            if process.poll() is not None:
                raise SystemExit(f"it ended: {(at.folder / 'log').read_text()}")
            time.sleep(POLL_S)
        wall_s = time.perf_counter() - start_s
        process.kill()
        process.wait()
        while elsewhere and db.execute(under_way).scalar():
            time.sleep(POLL_S)
        # The next one shall choose afresh.
        db.execute(sqlalchemy.text("UPDATE trials SET state = 'FAIL' WHERE state = 'RUNNING'"))
    engine.dispose()
    return wall_s


def measure(
    workers: Sequence[int], sizes: Sequence[int], sleep_s: float, each: int
) -> dict[str, Any]:
    """Every figure."""
    load = os.getloadavg()[0]
    with stores() as at:
        by_workers = [throughput(at, number, sleep_s, each) for number in workers]
        one = by_workers[0]["trials_per_s"] / by_workers[0]["workers"]
        for row in by_workers:
            row["efficiency"] = row["trials_per_s"] / row["workers"] / one
        many = max(size for size in sizes if size <= 5000 or size == min(sizes))
        busy_ms = busy_with_many(at, many)
        by_size = of_size(at, at.server.new("optuna_grown"), sizes)
    return {
        "machine": host.hardware(),
        "load_before": load,
        "sleep_s": sleep_s,
        "workers": by_workers,
        "coordinator_ms": {"trials": many, "ms": busy_ms},
        "sizes": by_size,
        "growth": {what: growth(by_size, what) for what in TIMED},
    }


def growth(rows: Sequence[dict[str, float]], what: str) -> dict[str, float]:
    """Seconds of an empty study and a thousand trials more, by a line; and how straight it is."""
    if len(rows) < 2:
        return {}
    line = stats.linregress([row["trials"] for row in rows], [row[what] for row in rows])
    return {"empty_s": line.intercept, "thousand_s": 1000 * line.slope, "r2": line.rvalue**2}


def chart(found: dict[str, Any]) -> alt.HConcatChart:
    """Efficiency by workers, and seconds by finished trials."""
    workers = alt.Chart(alt.InlineData(values=found["workers"])).encode(
        x=alt.X("workers:O", title="workers", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("efficiency:Q", title="efficiency (throughput of one = 1)").scale(domain=[0, 1.1]),
    )
    goal = alt.Chart(alt.InlineData(values=[{"goal": 0.9}])).mark_rule(strokeDash=[4, 4])
    blue = figures.COLOURS[0]
    left = workers.mark_line(point={"color": blue}, color=blue) + goal.encode(y="goal:Q")
    names = {
        RESUME: "search --workers, until the next trial",
        ALONE: "search, until the next trial",
        WHOLE: "search, nothing missing, with pictures",
        CHOOSE: "choose, with pictures",
    }
    rows = [
        {"trials": row["trials"], "seconds": row[what], "what": name}
        for row in found["sizes"]
        for what, name in names.items()
    ]
    right = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("trials:Q", title="finished trials").scale(domainMin=0),
            y=alt.Y("seconds:Q", title="wall time (s)").scale(domainMin=0),
            color=alt.Color("what:N", title=None, sort=list(names.values()))
            .scale(range=list(figures.COLOURS))
            .legend(labelLimit=0),
        )
    )
    title = alt.Title(
        "From one worker to eight, and from few trials to thousands",
        subtitle=f"stores, scheduler and workers share one machine: {found['machine']}",
    )
    return alt.hconcat(
        left.properties(width=180, height=180), right.properties(width=270, height=180)
    ).properties(title=title)


def show(found: dict[str, Any]) -> None:
    """Print the figures."""
    console = terminal()
    table = Table(title=f"Trials that sleep {found['sleep_s']:g} s, by the number of workers")
    for name in ("workers", "trials a minute", "efficiency", "asleep", "coordinator, ms a trial"):
        table.add_column(name, justify="right")
    for row in found["workers"]:
        told = [f"{60 * row['trials_per_s']:.3g}", f"{row['efficiency']:.3f}"]
        table.add_row(
            str(row["workers"]), *told, f"{row['asleep']:.3f}", f"{row['coordinator_ms']:.1f}"
        )
    console.print(table)
    many = found["coordinator_ms"]
    console.print(f"With {many['trials']} finished trials: {many['ms']:.1f} ms a trial.")
    table = Table("finished trials", title="Seconds at a study that grows")
    for what in TIMED:
        table.add_column(what, justify="right")
    for row in found["sizes"]:
        table.add_row(str(row["trials"]), *(f"{row[w]:.1f}" for w in TIMED))
    console.print(table)
    for what, line in found["growth"].items():
        if line:
            console.print(
                f"{what}: {line['empty_s']:.1f} s and {line['thousand_s']:.2f} s a thousand trials"
                f" (r² {line['r2']:.3f})"
            )


def main() -> None:
    """Measure, print, and write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", default="1,2,4,8", help="how many, with commas")
    parser.add_argument("--sizes", default="1250,2500,5000,10000", help="finished trials")
    parser.add_argument("--sleep-s", type=float, default=10.0, help="how long a trial takes")
    parser.add_argument("--each", type=int, default=6, help="trials for each worker")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    parser.add_argument("--plot", type=Path, help="draw them to this PNG file")
    options = parser.parse_args()
    workers, sizes = (sorted(map(int, t.split(","))) for t in (options.workers, options.sizes))
    found = measure(workers, sizes, options.sleep_s, options.each)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.plot:
        options.plot.write_bytes(figures.png(chart(found)))


if __name__ == "__main__":
    main()
