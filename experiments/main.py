"""The main job: search Fashion-MNIST for eight minutes at most, then choose a model of right size.

    make

The same as `search`, then `choose`, then `report`, with defaults for two cores. Stopped half-way it
goes on; finished, it prints the study again in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ecotrack import metrics, terminal
from ecotrack.cli import option
from ecotrack.launch import in_numbers, session
from ecotrack.search.study_report import front_title
from ecotrack.tracking import Store
from experiments import choose, report, search


@dataclass(frozen=True)
class Config(choose.Config, search.Config):
    """What `main` can be told: all of `search` and of `choose`, with defaults for two cores."""

    trials: int = option(
        24, "trained models in all, over all sessions", at_least=1, at_most=100_000
    )
    time_s: float | None = option(
        270.0,
        "start no trial after so many seconds of searching, over all sessions",
        at_least=0,
        at_most=1e9,
    )
    max_tflop: float = option(
        2.5,
        "pass over models whose training takes more 10^12 operations",
        at_least=1e-6,
        at_most=1e9,
    )
    within: float | None = option(1.0, "points below the best", at_least=0, at_most=100)


def check(config: Config, store: Store) -> None:
    """Refuse what `search` would refuse, and a need that contradicts itself."""
    choose.check_need(config)
    search.check(config, store)


if __name__ == "__main__":
    with session("main", Config, check) as started:
        found, run_id = search.carry_on(started)
        shown = front_title(started.config.study, int(found.scores[metrics.SEARCH_TRIALS]))
        rest = {title: rows for title, rows in found.summary.items() if title != shown}
        search.print_study(started, replace(found, summary=rest))  # the choice shows the front
        choice = choose.carry_out(started, started.config)
        page = report.carry_out(started, started.config)
        told = {"search": in_numbers(found, run_id), "choice": choice, "report": str(page)}
        terminal.result(started.config, told)
