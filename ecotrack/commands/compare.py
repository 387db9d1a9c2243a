"""Two groups of runs against each other: ratios with their intervals, and no claim beyond them.

    python -m ecotrack compare --first "cnn-16x3 5ep" --second "cnn-8x3 5ep"
    python -m ecotrack compare --by host

A group is what MLflow's UI shows: a run's name, which repeats with other seeds share, or the
beginnings of ids (--first 1f3ab,77c0e). Ratios are second over first, of geometric means, with 95 %
intervals. Accuracies differ in points, on the images that were used: other images are a chance
more. Energy is compared on one machine and known in one way; where CPU power is modelled, at equal
load only. `sorting` and `pi` repeat their work until its time is known: see their own tables.

By host, the same work on several machines stands side by side, as a table and a picture; no claims
are made, for each machine knows its energy in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ecotrack import cli, metrics, terminal
from ecotrack.cli import UserError, option
from ecotrack.commands import by_host
from ecotrack.commands.bill import own_runs
from ecotrack.commands.claims import claims, reasons
from ecotrack.reading import few, known_from, legend
from ecotrack.terminal import Shown
from ecotrack.tracking import RunView, Store

SHORTEST_ID = 4  # characters of it
Runs = Sequence[RunView]


@dataclass(frozen=True)
class Config(Shown):
    """What `compare` can be told."""

    first: tuple[str, ...] | None = option(None, "runs: their names, or beginnings of their ids")
    second: tuple[str, ...] | None = option(None, "the runs to set against them, likewise")
    by: Literal["host", "none"] = option("none", "or: the same work on each machine that did it")
    picture: str = option("by-host.png", "where the picture goes; a page if it ends in .html")


def main(words: Sequence[str]) -> None:
    """Compare, and print."""
    config = cli.parse(Config, words, prog="python -m ecotrack compare", description=__doc__ or "")
    terminal.begin(config)
    store = Store(only_read=True)
    runs = own_runs(store.all_runs())
    if config.by == "host":
        if config.first or config.second:
            raise UserError("--by host takes all runs; give no --first and no --second with it")
        by_host.show(runs, config.picture)
        return
    given = chosen("--first", config.first, runs), chosen("--second", config.second, runs)
    if both := [run for run in given[0] if run in given[1]]:
        raise UserError(f"in --first and in --second: {few(both)}")
    first, second = believed("--first", given[0]), believed("--second", given[1])
    for sentence in heading(first, second, store.experiment_names()):
        terminal.say(sentence)
    if left_out := [f"{run} ({doubt(run)})" for group in given for run in group if doubt(run)]:
        terminal.say(f"Left out: {few(left_out)}")
    found = claims(first, second)
    terminal.table("Second against first", [claim.cells for claim in found])
    for sentence in (*reasons(found), legend(run.tags for run in (*first, *second))):
        terminal.say(sentence)
    ids = {"first": [run.run_id for run in first], "second": [run.run_id for run in second]}
    terminal.result(config, {**ids, "claims": [claim.in_numbers for claim in found]})


def chosen(name: str, words: Sequence[str] | None, runs: Runs) -> list[RunView]:
    """The runs of one group, each once.

    Raises:
        UserError: no words, or one that is no run's name and not the beginning of one id.
    """
    if not words:
        raise UserError(f"{name} is missing: names of runs, or beginnings of their ids")
    return list({run.run_id: run for word in words for run in called(name, word, runs)}.values())


def called(name: str, word: str, runs: Runs) -> list[RunView]:
    """All runs of this name, else the one whose id begins so."""
    if found := [run for run in runs if run.name == word]:
        return found
    if len(word) >= SHORTEST_ID:
        found = [run for run in runs if run.run_id.startswith(word)]
    if not found:
        raise UserError(
            f"{name}: no run has the name {word!r}, or an id that begins so"
            f" (at least {SHORTEST_ID} characters)"
        )
    if len(found) > 1:
        raise UserError(f"{name}: the ids of {len(found)} runs begin with {word!r}; write more")
    return found


def believed(name: str, runs: Runs) -> list[RunView]:
    """The runs that are finished and can be right.

    Raises:
        UserError: there are none.
    """
    kept = [run for run in runs if not doubt(run)]
    if not kept:
        why = few(f"{run} ({doubt(run)})" for run in runs)
        raise UserError(f"{name}: none of its runs can be compared: {why}")
    return kept


def doubt(run: RunView) -> str:
    """Why a run has to be left out; empty if it has not."""
    return run.tags.get(metrics.INVALID_TAG, "" if run.status == "FINISHED" else run.status)


def heading(first: Runs, second: Runs, experiments: Mapping[str, str]) -> list[str]:
    """What is compared, in what the groups differ, and what others disturbed."""
    found = differences(*([facts(r, experiments) for r in runs] for runs in (first, second)))
    disturbed = [
        f"{run} ({run.tags[metrics.DISTURBED_TAG]} of the cores)"
        for run in (*first, *second)
        if metrics.DISTURBED_TAG in run.tags
    ]
    return [
        f"First: {few(first)}",
        f"Second: {few(second)}",
        f"They differ in {few(found, between='; ') or 'no parameter'}",
        *known(first, second),
        *([f"Disturbed by other programs, and used: {few(disturbed)}"] if disturbed else []),
    ]


def known(first: Runs, second: Runs) -> list[str]:
    """How the energy of each group is known, said once where that is the same."""
    ours, theirs = (
        few(dict.fromkeys(known_from(run.tags) or "not told" for run in runs), between=" | ")
        for runs in (first, second)
    )
    if ours == theirs:
        return [f"How energy is known: {ours}"]
    return [f"How energy is known, first: {ours}", f"How energy is known, second: {theirs}"]


def facts(run: RunView, experiments: Mapping[str, str]) -> dict[str, str]:
    """What may tell two runs apart before their figures do."""
    machine = run.tags.get(metrics.HOST_TAG, "not told")
    return {"experiment": experiments[run.experiment_id], "machine": machine, **run.params}


def differences(
    first: Sequence[Mapping[str, str]], second: Sequence[Mapping[str, str]]
) -> list[str]:
    """Each fact whose values are not those of the other group: `width: 16 | 8`."""
    found = []
    for key in dict.fromkeys(key for fact in (*first, *second) for key in fact):
        ours, theirs = ({fact.get(key, cli.NONE) for fact in group} for group in (first, second))
        if ours != theirs:
            found.append(f"{key}: {few(sorted(ours))} | {few(sorted(theirs))}")
    return found
