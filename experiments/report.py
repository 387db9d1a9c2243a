"""What did all our experiments cost, which model is enough, and what may be concluded?

    mlflow run . -e report --env-manager local --experiment-name report

Writes one page that opens anywhere, without a network: every run of the store, the newest
comparisons of sorts and of ways to π, models with and without augmentation, and the study's front,
on which the recommended model follows the need, the number of predictions and the country. The page
lies in `build/report.html` beside the store, and in its run. It takes seconds, some ten of them for
2,000 runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ecotrack import metrics, terminal
from ecotrack.cli import UserError
from ecotrack.launch import Session, session
from ecotrack.measurement import Result
from ecotrack.tracking import RunView, Store
from experiments import choose
from experiments.page import augmented, benchmarks
from experiments.page.overview import overview
from experiments.page.render import Contents, render
from experiments.page.words import conclude
from experiments.reports import views
from experiments.reports.choice import Searched

Config = choose.Config  # the page opens with the need that it is given
FILE = "report.html"


def contents(config: Config, store: Store) -> Contents:
    """Read all that the page shows."""
    runs = store.all_runs()
    sorting = benchmarks.newest(store, runs, "sorting", benchmarks.sorting)
    pi = benchmarks.newest(store, runs, "pi", benchmarks.pi)
    models = augmented.trained(store, runs)
    found = study(config, store, runs)
    searched = None if isinstance(found, str) else found
    return Contents(
        store=store.uri,
        overview=overview(runs, store.experiment_names()),
        sorting=sorting,
        pi=pi,
        models=models,
        found=found,
        said=conclude(runs, sorting, pi, models, searched),
    )


def study(config: Config, store: Store, runs: Sequence[RunView]) -> Searched | str:
    """The study that was asked for with all its trials, or why there is none."""
    try:
        found = choose.searched(config, store)
    except UserError as error:
        return f"No front to choose from: {error}."
    kind = found.trials[0].tags.get(metrics.HARDWARE_TAG)
    trials = [
        run
        for run in runs
        if run.parent_id == found.whole.run_id
        and run.tags.get(metrics.KIND_TAG) == "trial"
        and metrics.PARETO_TAG in run.tags
        and run.tags.get(metrics.HARDWARE_TAG) == kind
    ]
    return replace(found, trials=trials)


def carry_out(started: Session, config: Config) -> Path:
    """Make the page, write it beside the store, and log it as a run's artifact."""
    store = started.store

    def link(run: RunView) -> str:
        return store.run_link(run.experiment_id, run.run_id)

    with terminal.bar("report", 2) as progress:
        progress.update(0, "reading the runs")
        shown = contents(config, store)
        progress.update(1, "drawing")
        page = render(shown, link)
    path = store.folder / "build" / FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(page, encoding="utf-8")
    with started.run(views.REPORTS, "report", kind="report") as record:
        record.log(Result(artifacts={FILE: page}, tags={metrics.STUDY_TAG: config.study}))
    terminal.say(f"The report: {path}")
    terminal.say(f"All reports: {views.report(store)}")
    return path


if __name__ == "__main__":
    with session("report", Config, choose.check_need) as started:
        terminal.result(started.config, {"page": str(carry_out(started, started.config))})
