"""May the verdicts be trusted? A/A should see no difference, A/B ten percent more work.

    python -m bench.trust [--live 20] [--json FILE]

Recorded: the turns in tests/data, cut into comparisons that stop as `interleave` stops. They begin
every 17 turns, so that most share some with others; how many share none is told. Live: so many
comparisons of each kind here and now, three to thirty seconds each.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.console import terminal
from bench.turns import AGAIN, WORKLOADS, A, B, alternatives, read
from ecotrack import host
from ecotrack.meters import gates
from ecotrack.meters.codecarbon import CodeCarbonMeter
from ecotrack.meters.grid import grid
from ecotrack.repeating import PRECISION, QUICK, interleave, narrow
from ecotrack.stats import Ratio, ratio_interval

RECORDED = Path(__file__).parents[1] / "tests" / "data" / "turns.json.gz"
MOST_TURNS = 75  # when the time is up in a replay: as in QUICK, two works at 0.2 s a turn
APART = 17  # turns between the starts of two replays, so that long ones overlap
PAIRS = {"A/A": AGAIN, "A/B": B}


@dataclass(frozen=True)
class Comparison:
    """One verdict, and what led to it.

    Attributes:
        turns: of each work.
        median: of the first work, in the quantity's unit.
        ratio: of the second work to the first.
        apart: whether it shares no turn with an earlier one that is apart: these are independent.
        others: share of the machine's cores that others had meanwhile; None where nobody noted it.
    """

    source: str
    workload: str
    pair: str
    quantity: str
    turns: int
    median: float
    ratio: Ratio
    apart: bool = True
    others: float | None = None

    @property
    def precise(self) -> bool:
        """Whether the ratio is known as well as asked; if not, the time was up before."""
        return self.ratio.half_width <= PRECISION


def replays(file: Path = RECORDED) -> Iterator[Comparison]:
    """Comparisons of recorded turns, each as long as those of `interleave`."""
    for session, (pair, other) in product(read(file), PAIRS.items()):
        one, two, end = session["turns"][A], session["turns"][other], 0
        for start in range(0, len(one["wall_s"]) - MOST_TURNS + 1, APART):
            turns = turns_taken(one["wall_s"][start:], two["wall_s"][start:])
            apart = start >= end
            end = start + turns if apart else end
            for quantity in one:
                values = [work[quantity][start : start + turns] for work in (one, two)]
                found = compared("recorded", session["workload"], pair, quantity, *values)
                yield replace(found, apart=apart)


def turns_taken(one: Sequence[float], two: Sequence[float]) -> int:
    """After how many turns the times of two works are known as well as asked."""
    turns = QUICK.repeats
    while turns < MOST_TURNS and not narrow((one[:turns], two[:turns]), PRECISION):
        turns += 1
    return turns


def live(count: int, console: Console) -> Iterator[Comparison]:
    """Comparisons made now, the workloads in turn."""
    works = {workload: alternatives(workload) for workload in list(WORKLOADS)[:count]}
    order = list(islice(cycle(works), count))
    with CodeCarbonMeter(grid("auto")) as meter:
        for workload in track(order, "comparing", console=console, transient=True):
            for pair, other in PAIRS.items():
                pairs = {name: works[workload][name] for name in (A, other)}
                one, two = interleave(pairs, meter, QUICK).values()
                others = gates.others_share(one.block + two.block, host.all_cores())
                for quantity, values in (
                    ("wall_s", (one.times_s, two.times_s)),
                    ("cpu_s", (one.cpu_times_s, two.cpu_times_s)),
                    ("energy_j", (one.energies_j, two.energies_j)),
                ):
                    found = compared("live", workload, pair, quantity, *values)
                    yield replace(found, others=others)


def compared(
    source: str,
    workload: str,
    pair: str,
    quantity: str,
    one: Sequence[float],
    two: Sequence[float],
) -> Comparison:
    """The verdict on the turns of two works."""
    median = float(np.median(one))
    return Comparison(source, workload, pair, quantity, len(one), median, ratio_interval(two, one))


def summary(found: list[Comparison]) -> list[dict[str, Any]]:
    """A row for each source, pair, quantity and workload, and one for all workloads."""
    rows = []
    kinds = dict.fromkeys((c.source, c.pair, c.quantity) for c in found)
    for kind, workload in product(kinds, (*WORKLOADS, "all")):
        here = [
            c
            for c in found
            if (c.source, c.pair, c.quantity) == kind and workload in (c.workload, "all")
        ]
        if here:
            rows.append(
                {
                    **dict(zip(("source", "pair", "quantity"), kind, strict=True)),
                    "workload": workload,
                    "comparisons": len(here),
                    "differ": sum(c.ratio.differs for c in here),
                    "apart": sum(c.apart for c in here),
                    "apart_differ": sum(c.apart and c.ratio.differs for c in here),
                    "precise": sum(c.precise for c in here),
                    "precise_differ": sum(c.precise and c.ratio.differs for c in here),
                    "turns": float(np.median([c.turns for c in here])),
                    "median": float(np.median([c.median for c in here])),
                    "ratio": float(np.median([c.ratio.ratio for c in here])),
                    "half_width": float(np.median([c.ratio.half_width for c in here])),
                }
            )
    return rows


def table(source: str, rows: list[dict[str, Any]]) -> Table:
    """The rows of one source as they are printed."""
    here = [row for row in rows if row["source"] == source]
    shared = any(row["apart"] < row["comparisons"] for row in here)
    note = "Many comparisons share turns; those `apart` share none with one another."
    shown = Table(title=f"{source}: verdicts that say difference", caption=note if shared else None)
    for heading in ("pair", "of", "workload"):
        shown.add_column(heading)
    for heading in ("all", "apart", f"at ±{PRECISION:.0%}", "turns", "median", "ratio", "interval"):
        shown.add_column(heading, justify="right")
    for row in here:
        shown.add_row(
            row["pair"],
            row["quantity"],
            row["workload"],
            f"{row['differ']}/{row['comparisons']}",
            f"{row['apart_differ']}/{row['apart']}",
            f"{row['precise_differ']}/{row['precise']}",
            f"{row['turns']:.0f}",
            f"{row['median']:.3g}" if row["workload"] != "all" else "",
            f"{row['ratio']:.3f}",
            f"±{row['half_width']:.1%}",
        )
    return shown


def main() -> None:
    """Compare, print, and write every comparison where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--live", type=int, default=20, help="comparisons of each kind")
    parser.add_argument("--json", type=Path, help="write the rows and every comparison")
    options = parser.parse_args()
    console = terminal()
    found = [*replays(), *live(options.live, console)]
    rows = summary(found)
    for source in dict.fromkeys(row["source"] for row in rows):
        console.print(table(source, rows))
    if options.json:
        report = {
            "machine": host.describe(),
            "precision": PRECISION,
            "rows": rows,
            "comparisons": [asdict(comparison) for comparison in found],
        }
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
