"""The same work on several machines: what each took for it, as a table and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecotrack import figures, metrics, terminal
from ecotrack.amount import columns
from ecotrack.cli import UserError
from ecotrack.commands.claims import middle
from ecotrack.reading import amount, few, legend, number, quantity
from ecotrack.tracking import RunView

# What describes the machine and its electricity, and not the work.
NOT_THE_WORK = ("country", "cpu-watts", "ram-watts", "no-wait", "device", "storage", "workers")
TIMES = (metrics.WALL_S,)
ENERGIES = (metrics.TOTAL_WH, metrics.RUN_WH)
EMISSIONS = (metrics.EMISSIONS_G, metrics.RUN_G)
Runs = Sequence[RunView]


@dataclass(frozen=True)
class Part:
    """Runs of one work on one machine."""

    work: str
    machine: str
    runs: Runs


def show(runs: Runs, picture: str) -> None:
    """Print the table, and write the picture."""
    found = parts(runs)
    if not found:
        raise UserError(
            "no work was done on two machines into this store: the same entry, with the same"
            " options, must have finished on both"
        )
    terminal.table("The same work on several machines: medians", [*map(cells, found)])
    lines = list(dict.fromkeys(part.machine for part in found))
    for count, machine in enumerate(lines, start=1):
        terminal.say(f"Machine {count}: {machine}")
    rows = [row for part in found for row in drawn(part, lines.index(part.machine) + 1)]
    chart = figures.by_host(rows, lines)
    path = Path(picture)
    if path.suffix == ".html":
        path.write_text(figures.html(chart))
    else:
        path.write_bytes(figures.png(chart))
    terminal.say(f"Picture: {picture}")
    terminal.say("How each machine knows its energy differs: see its runs before ranking machines.")
    terminal.say(legend(run.tags for part in found for run in part.runs))


def parts(runs: Runs) -> list[Part]:
    """Work that was done on more than one machine, machine by machine."""
    groups: dict[str, dict[str, list[RunView]]] = {}
    for run in runs:
        if figure(run, ENERGIES) and run.status == "FINISHED" and not run.parent_id:
            machines = groups.setdefault(work(run), {})
            machines.setdefault(run.tags.get(metrics.HOST_TAG, "not told"), []).append(run)
    return [
        Part(f"{few_words(group)}", machine, group)
        for machines in groups.values()
        if len(machines) > 1
        for machine, group in machines.items()
    ]


def work(run: RunView) -> str:
    """Tells one work from another: the entry, and all options that are not the machine's."""
    chosen = sorted((k, v) for k, v in run.params.items() if k not in NOT_THE_WORK)
    return f"{run.tags.get(metrics.KIND_TAG, '')} {run.name} {chosen}"


def few_words(group: Runs) -> str:
    """A work as people call it."""
    kind, name = group[0].tags.get(metrics.KIND_TAG, ""), group[0].name
    return name if name.startswith(kind) else f"{kind} {name}"


def cells(part: Part) -> dict[str, str]:
    """A line of the table."""
    return {
        "work": part.work,
        "machine": few([part.machine.partition(", id")[0]]),
        "runs": number(len(part.runs)),
        "time": told(part, TIMES),
        "energy": told(part, ENERGIES),
        "emissions": told(part, EMISSIONS),
    }


def told(part: Part, among: Sequence[str]) -> str:
    """The median of the first of these figures that all runs have."""
    metric = shared(part, among)
    if metric is None:
        return ""
    unit, _, _ = metrics.TABLE[metric].unit.partition(" ")
    if metric in TIMES:
        return quantity(middle(metric, part.runs).value, unit)
    return amount(middle(metric, part.runs), unit)


def drawn(part: Part, machine: int) -> list[dict[str, object]]:
    """The same for the picture, one row a figure, with the ends of its band."""
    rows = []
    for name, among in (("time (s)", TIMES), ("energy (Wh)", ENERGIES), ("CO2e (g)", EMISSIONS)):
        if metric := shared(part, among):
            value = columns("value", middle(metric, part.runs))
            row: Mapping[str, object] = {"work": part.work, "machine": f"machine {machine}"}
            rows.append({**row, "figure": name, **value})
    return rows


def shared(part: Part, among: Sequence[str]) -> str | None:
    """The first of these metrics that all runs of a part have."""
    return next((m for m in among if all(m in run.metrics for run in part.runs)), None)


def figure(run: RunView, among: Sequence[str]) -> bool:
    """Whether a run has one of these metrics."""
    return any(metric in run.metrics for metric in among)
