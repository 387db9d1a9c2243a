"""The sum of it all: energy and grams of every run in the store, by experiment and by month.

    python -m ecotrack total

Failed, killed, repeated and deleted runs are in it: developing and testing is part of the price.
Trials, parts of an experiment, and runs that `exec` measured from outside, lie within another run's
figure and are not added again. What a study has spent counts in the month in which it began (UTC).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ecotrack import cli, metrics, terminal
from ecotrack.amount import columns
from ecotrack.commands.bill import Bill, bills, known, own_runs
from ecotrack.reading import UNKNOWN, amount, few, legend
from ecotrack.terminal import Shown
from ecotrack.tracking import RunView, Store, place
from ecotrack.tracking.dead_runs import settle

Billed = Sequence[tuple[RunView, Bill]]
Groups = Mapping[str, Sequence[Bill]]


@dataclass(frozen=True)
class Config(Shown):
    """`total` takes no options but how to print: a part would not be the total."""


def main(words: Sequence[str]) -> None:
    """Add up, and print."""
    config = cli.parse(Config, words, prog="python -m ecotrack total", description=__doc__ or "")
    terminal.begin(config)
    store = Store(only_read=True)
    with suppress(cli.UserError):  # what cannot be written can still be read
        place.check_writable(store.uri)
        settle(store, store.ledgers)
    runs, names = own_runs(store.all_runs(deleted=True)), store.experiment_names()
    billed = bills(runs)
    parts: dict[str, Callable[[RunView], str]] = {
        "experiment": lambda run: names[run.experiment_id],
        "month": month,
        "known": known,
    }
    found = {head: grouped(billed, key) for head, key in parts.items()}
    terminal.table("By experiment", by("experiment", found["experiment"]))
    terminal.table("By month", by("month", found["month"]))
    terminal.table("By how energy is known", by("known", found["known"]))
    for line in conclusion(runs, billed):
        terminal.say(line)
    if runs:
        terminal.say(legend(run.tags for run in runs))
    told = {head: in_numbers(head, groups) for head, groups in found.items()}
    everything = grouped(billed, lambda run: "total")
    terminal.result(config, {**told, "total": in_numbers("of", everything), "runs": len(runs)})


def month(run: RunView) -> str:
    """When a run began, such as `2026-05`, in UTC: the same wherever it is asked."""
    return f"{datetime.fromtimestamp(run.start_s, UTC):%Y-%m}"


def kind(run: RunView) -> str:
    """What opened a run; runs of other tools do not say."""
    return run.tags.get(metrics.KIND_TAG, "other")


def grouped(billed: Billed, key: Callable[[RunView], str]) -> dict[str, list[Bill]]:
    """The bills by each value of `key`, in order."""
    groups: dict[str, list[Bill]] = defaultdict(list)
    for run, bill in billed:
        groups[key(run)].append(bill)
    return dict(sorted(groups.items()))


def in_numbers(head: str, groups: Groups) -> list[dict[str, Any]]:
    """One row a group, for a program that reads on."""
    return [
        {
            head: value,
            "runs": len(bills),
            **columns("energy_wh", (together := sum(bills, Bill())).energy),
            **columns("emissions_g", together.emissions),
            "without_figures": len(together.unknown),
        }
        for value, bills in groups.items()
    ]


def by(head: str, groups: Groups) -> list[dict[str, str]]:
    """One row a group."""
    return [{head: value, **cells(bills)} for value, bills in groups.items()]


def cells(bills: Sequence[Bill]) -> dict[str, str]:
    """What they come to; 0 Wh is only said of what was measured."""
    together = sum(bills, Bill())
    without = len(together.unknown)
    measured = without < len(bills)
    return {
        "runs": str(len(bills)),
        "energy": amount(together.energy, "Wh") if measured else UNKNOWN,
        "emissions": amount(together.emissions, "g") if measured else UNKNOWN,
        "without figures": str(without),
    }


def conclusion(runs: Sequence[RunView], billed: Billed) -> list[str]:
    """The sum, what it is of, and what is not known."""
    if not runs:
        return ["The store holds no runs yet."]
    total = sum((bill for _, bill in billed), Bill())
    lines = [
        f"In all {amount(total.energy, 'Wh')} and {amount(total.emissions, 'g')} CO2e:"
        f" {len(runs)} runs ({tally(run.status for run in runs)}), {len(runs) - len(billed)} of"
        f" them within others, {sum(run.deleted for run in runs)} deleted."
    ]
    if invalid := [run for run in runs if metrics.INVALID_TAG in run.tags]:
        why = few(f"{run} ({run.tags[metrics.INVALID_TAG]})" for run in invalid)
        lines.append(
            f"Cannot be right, {len(invalid)} of {len(runs)} runs: {why}. The sum takes their word"
            " for it, unless it is negative or no number."
        )
    if total.unknown:
        kinds = tally(f"{kind(run)} {run.status}" for run in total.unknown)
        lines.append(
            f"Runs without energy figures: {len(total.unknown)} ({kinds})."
            " What they spent, if they measured anything, comes on top."
        )
    return lines


def tally(words: Iterable[str]) -> str:
    """How often each word occurs, most often first: `3 FINISHED, 1 KILLED`."""
    return ", ".join(f"{count} {word}" for word, count in Counter(words).most_common())
