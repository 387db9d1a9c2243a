"""Is parallel greener? The rows that answer, and the rule that they follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecotrack import reading
from ecotrack.host import all_cores
from ecotrack.parallel import Pair, answer, greener
from ecotrack.series import Series, undisturbed
from experiments.reports.ladder import Cell

DISTURBED = "unknown: disturbed"
RULE = (
    "Parallel is greener when the speed-up exceeds the ratio of powers: when the 95 % interval of"
    " the ratio of energies lies above 1. Where CPU power is modelled, the linear and CodeCarbon's"
    " cubic model must agree, or the formula decides and not the machine. Nothing is told of blocks"
    " that others disturbed, of constant power, nor of net energy where idle power is not known."
)


def verdicts(cells: Mapping[Cell, Series]) -> list[dict[str, str]]:
    """Is parallel greener? For each method that ran on one thread and on more."""
    return [
        {
            "method": f"{name}, 1 to {threads}",
            "CPU power": many.block.cpu_origin.source,
            **said(undisturbed(cells[name, 1], many)),
        }
        for (name, threads), many in cells.items()
        if threads > 1 and (name, 1) in cells
    ]


def said(pairs: Sequence[Pair]) -> dict[str, str]:
    """The answer to calls on one thread and on many, each pair of a round of its own."""
    if not pairs:
        none = {"speed-up": "", "gross": "", "parallel is": DISTURBED}
        return {**none, "net": "", "and net": DISTURBED}
    verdict = greener(pairs, cores=all_cores())
    return {
        "speed-up": reading.ratio(verdict.speed_up),
        "gross": " / ".join(map(reading.ratio, verdict.gross)),
        "parallel is": answer(verdict.gross),
        "net": " / ".join(map(reading.ratio, verdict.net)),
        "and net": answer(verdict.net),
    }
