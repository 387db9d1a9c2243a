"""Is parallel greener? The rows that answer, and the rule that they follow."""

from __future__ import annotations

from collections.abc import Mapping

from ecotrack.host import cores
from ecotrack.parallel import answer, greener
from ecotrack.series import Series, undisturbed
from experiments.reports.ladder import Cell

RULE = (
    "Parallel is greener when the speed-up exceeds the ratio of powers: when the 95 % interval of"
    " the ratio of energies lies above 1. Where CPU power is modelled, the linear and CodeCarbon's"
    " cubic model must agree, or the formula decides and not the machine. Nothing is told of blocks"
    " that others disturbed, of constant power, nor of net energy where idle power is not known."
)


def verdicts(cells: Mapping[Cell, Series]) -> list[dict[str, str]]:
    """Is parallel greener? For each method that ran on one thread and on more."""
    rows = []
    for (name, threads), many in cells.items():
        one = cells.get((name, 1))
        if threads == 1 or one is None:
            continue
        row = {"method": f"{name}, 1 to {threads}", "power": one.block.cpu_origin.source}
        pairs = undisturbed(one, many)
        if not pairs:
            unknown = {"parallel is": "unknown: disturbed", "net": "", "and net": ""}
            rows.append({**row, "speed-up": "", "gross": "", **unknown})
            continue
        verdict = greener(pairs, cores=cores())
        rows.append(
            {
                **row,
                "speed-up": verdict.speed_up.brief,
                "gross": " / ".join(gain.brief for gain in verdict.gross),
                "parallel is": answer(verdict.gross),
                "net": " / ".join(gain.brief for gain in verdict.net),
                "and net": answer(verdict.net),
            }
        )
    return rows
