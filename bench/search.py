"""How much carbon does a search take until it has found the front? Ours against plain Optuna.

    python -m bench.search [--tables one,two] [--seeds 30] [--json FILE]

Replays studies on tables of configurations that were trained once (bench/tables/README.md). Carbon
is all that trials took, set-up, evaluation and stopped trials included, until the hypervolume of
what is finished is 90 % and 95 % of the table's. Plain Optuna pays only once for a configuration
that it suggests twice. The search was tuned on table `one`; `two` has other images and seeds. Only
that curves are compared within a family came after a look at `two`, where else one is lost of 19.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from rich.progress import track
from rich.table import Table as Printed
from scipy.stats import bootstrap

from bench.console import terminal
from bench.replay import NAMES, Key, Replay, Table, key_of, volume
from ecotrack import host
from ecotrack.search.forecast import running
from ecotrack.search.problem import Rules
from ecotrack.search.searching import search
from ecotrack.search.space import configuration
from ecotrack.search.study import Study
from ecotrack.stats import median_interval

OURS, PATIENT, BARE = "ecotrack", "nothing stopped", "and no starts"
SHARES = (0.9, 0.95)
DIRECTIONS = {"validation accuracy": "maximize", "training emissions (g)": "minimize"}
SIZED_STARTS = [("mlp", 16, 1, "none", 1), ("mlp", 16, 1, "none", 3), ("cnn", 16, 1, "none", 3)]
STARTS = [
    {"family": "linear", "augmentation": "none", "epochs": 1},
    *(dict(zip(NAMES, row, strict=True)) for row in SIZED_STARTS),
]
PLAIN: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "Optuna TPE": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "Optuna NSGA-II": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "Optuna random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


@dataclass(frozen=True)
class Course:
    """How one study went: what was finished, and the grams spent by then.

    Attributes:
        finished: configurations, in order.
        spent_g: after each of them.
        stopped: configurations that were given up.
    """

    finished: tuple[Key, ...]
    spent_g: tuple[float, ...]
    stopped: tuple[Key, ...] = ()

    def until(self, table: Table, share: float, *, log: bool) -> float:
        """Grams until so much of the best known hypervolume; if it never was, all that it spent."""
        points = [table.trained[key].point for key in self.finished]
        goal = share * table.best_known[log]
        low, high = 0, len(points)  # hypervolume only grows
        while low < high:
            middle = (low + high) // 2
            found = volume(points[: middle + 1], table.reference, log=log) >= goal
            low, high = (low, middle) if found else (middle + 1, high)
        return self.spent_g[min(low, len(points) - 1)]

    def reaches(self, table: Table, share: float, *, log: bool) -> bool:
        """Whether it found so much of the best known hypervolume at all."""
        points = [table.trained[key].point for key in self.finished]
        return volume(points, table.reference, log=log) >= share * table.best_known[log]


def ours(table: Table, seed: int) -> Course:
    """Our search with its defaults, until the table is used up: all that can be lost is seen."""
    return _ours(table, seed, lambda points: False)


def patient(table: Table, seed: int) -> Course:
    """The same with nothing stopped, until 95 %."""
    return _ours(table, seed, lambda points: reached(table, points), stopping=False)


def bare(table: Table, seed: int) -> Course:
    """The same without configurations to start with, so that it knows no more than the others."""
    return _ours(table, seed, lambda points: reached(table, points), starts=[], stopping=False)


def _ours(
    table: Table,
    seed: int,
    enough: Callable[[list[tuple[float, float]]], bool],
    starts: list[dict[str, Any]] = STARTS,
    **rules: Any,
) -> Course:
    replay = Replay(table)
    study = Study(None, "replay", DIRECTIONS)
    spent: list[float] = []

    def go_on() -> bool:
        if len(study.finished) == len(spent):
            return True
        spent.append(replay.spent_g)
        return not enough([table.trained[key_of(trial.params)].point for trial in study.finished])

    every = Rules(trials=len(table.trained), seed=seed, **rules)
    search(study, replay.problem(starts), every, replay.bill, go_on)
    go_on()
    return Course(
        tuple(key_of(trial.params) for trial in study.finished),
        tuple(spent),
        tuple(key_of(trial.params) for trial in study.stopped),
    )


def plain(table: Table, seed: int, *, kind: str) -> Course:
    """Optuna's own loop with a sampler's defaults, until 95 % or three times the table's size."""
    replay = Replay(table)
    study = optuna.create_study(directions=list(DIRECTIONS.values()), sampler=PLAIN[kind](seed))
    order: dict[Key, float] = {}

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        key = key_of(
            configuration(
                table.space, lambda name, values: trial.suggest_categorical(name, values.options)
            )
        )
        trained = table.trained[key]
        if key not in order:
            replay.spent_g += trained.whole_g
            order[key] = replay.spent_g
        return trained.point[1], trained.point[0]

    def end(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if reached(table, [table.trained[key].point for key in order]):
            study.stop()

    study.optimize(objective, n_trials=3 * len(table.trained), callbacks=[end])
    return Course(tuple(order), tuple(order.values()))


def reached(table: Table, points: list[tuple[float, float]]) -> bool:
    """Whether 95 % of the best known hypervolume is found, on both axes of grams."""
    return all(
        volume(points, table.reference, log=log) >= max(SHARES) * table.best_known[log]
        for log in (False, True)
    )


def measure(names: Sequence[str], seeds: int) -> dict[str, Any]:
    """Replay every search with every seed on every table."""
    found: dict[str, Any] = {"machine": host.describe(), "seeds": seeds, "tables": {}}
    searches = {
        OURS: ours,
        PATIENT: patient,
        BARE: bare,
        **{kind: partial(plain, kind=kind) for kind in PLAIN},
    }
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_quiet) as workers:
        under_way = {
            name: {
                title: [workers.submit(run, Table(name), seed) for seed in range(seeds)]
                for title, run in searches.items()
            }
            for name in names
        }
        done = {
            name: {
                title: [each.result() for each in track(futures, f"{name}: {title}")]
                for title, futures in by_title.items()
            }
            for name, by_title in under_way.items()
        }
    for name, courses in done.items():
        table = Table(name)
        found["tables"][name] = {
            "configurations": len(table.trained),
            "front": len(table.front),
            "all_g": sum(trained.whole_g for trained in table.trained.values()),
            "goals": [
                goal(table, courses, share, log=log) for log in (False, True) for share in SHARES
            ],
            "lost": lost(table, courses[OURS]),
            "forecast": forecast(table),
        }
    return found


def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def goal(
    table: Table, courses: dict[str, list[Course]], share: float, *, log: bool
) -> dict[str, Any]:
    """Grams of each search until one goal, and of ours over the best plain one."""
    grams = {
        title: [course.until(table, share, log=log) for course in many]
        for title, many in courses.items()
    }
    best = min(PLAIN, key=lambda title: np.median(grams[title]))
    return {
        "share": share,
        "log": log,
        "best": best,
        "median_g": {title: median_interval(values) for title, values in grams.items()},
        "ratio": {
            title: ratio_of_medians(grams[title], grams[best]) for title in (OURS, PATIENT, BARE)
        },
        "never": {
            title: sum(not course.reaches(table, share, log=log) for course in many)
            for title, many in courses.items()
        },
    }


def ratio_of_medians(ours: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """With its 95 % interval, by the percentile bootstrap: seeds form no pairs."""
    found = bootstrap(
        (ours, others),
        lambda one, other, axis: np.median(one, axis=axis) / np.median(other, axis=axis),
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(np.median(ours) / np.median(others)), float(found.low), float(found.high)


def lost(table: Table, courses: Sequence[Course]) -> float:
    """Share of the true front's configurations that were given up when they were tried."""
    given_up = sum(key in table.front for course in courses for key in course.stopped)
    tried = sum(
        key in table.front for course in courses for key in (*course.finished, *course.stopped)
    )
    return given_up / tried if tried else 0.0


def forecast(table: Table, seeds: int = 10) -> dict[str, float]:
    """How well the grams of a training are foretold after two epochs, in shuffled orders.

    Returns:
        The median error as a share, and the share of the 90 % intervals that held the truth.
    """
    errors, held = [], []
    for seed in range(seeds):
        before: list[np.ndarray] = []
        for i in np.random.default_rng(seed).permutation(len(table.trained)):
            costs_g = np.cumsum(list(table.trained.values())[i].epochs_g)
            if len(costs_g) > 2:
                known = running(list(costs_g[:2]), len(costs_g), before)
                errors.append(abs(known.expected_g / costs_g[-1] - 1))
                held.append(known.low_g <= costs_g[-1] <= known.high_g)
            before.append(costs_g)
    return {"median_error": float(np.median(errors)), "covered": float(np.mean(held))}


def printed(name: str, figures: dict[str, Any], seeds: int) -> Printed:
    """The figures of one table: a row a search, a column a goal."""
    shown = Printed(
        title=f"Table {name}: milligrams until so much of the hypervolume, {seeds} seeds, and of"
        " Optuna's best"
    )
    shown.add_column("search")
    for row in figures["goals"]:
        shown.add_column(f"{row['share']:.0%}{', log g' if row['log'] else ''}", justify="right")
    for title in (OURS, PATIENT, BARE, *PLAIN):
        shown.add_row(title, *(_cell(row, title) for row in figures["goals"]))
    return shown


def _cell(row: dict[str, Any], title: str) -> str:
    middle, low, high = (f"{1000 * grams:.3g}" for grams in row["median_g"][title])
    text = f"{middle} ({low}–{high})"
    if title in row["ratio"]:
        text += "\n{:.2f} × ({:.2f}–{:.2f})".format(*row["ratio"][title])
    return text + (f"\n{row['never'][title]} never" if row["never"][title] else "")


def main() -> None:
    """Replay, print, and write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", default="one,two", help="names, with commas")
    parser.add_argument("--seeds", type=int, default=30, help="studies of each kind")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error(f"--seeds {options.seeds}: an interval needs 2 at least")
    found = measure(options.tables.split(","), options.seeds)
    console = terminal()
    for name, figures in found["tables"].items():
        console.print(printed(name, figures, options.seeds))
        console.print(
            f"{name}: {figures['front']} of {figures['configurations']} configurations on the"
            f" front; {figures['lost']:.1%} of those tried were given up. Grams foretold after two"
            f" epochs were off by {figures['forecast']['median_error']:.1%} in the median, and"
            f" {figures['forecast']['covered']:.0%} of the 90 % intervals held the truth."
        )
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
