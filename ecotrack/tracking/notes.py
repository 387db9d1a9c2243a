"""What stands on top of a run's page in the UI: its tables and findings, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecotrack import metrics, reading
from ecotrack.measurement import Measurement, Result

LONGEST = 7000  # characters; MLflow refuses 8,001


def note(result: Result) -> str:
    """Tables that people read, as many as there is room for, then the findings; may be empty."""
    costs = result.costs
    tables = dict(result.summary)
    if costs and not tables:
        known = {k: v for k, v in result.scores.items() if k in metrics.TABLE}
        tables = {"What it cost": reading.costs(costs), "What it achieved": reading.scores(known)}
    parts = [f"**{title}**\n\n{markdown(rows)}" for title, rows in tables.items() if rows]
    if costs:
        parts.append(f"How energy is known: {reading.known(sum(costs.values(), Measurement()))}")
    parts += [f"- {sentence}" for sentence in result.findings]
    kept, room = [], LONGEST
    for part in parts:
        room -= len(part) + 2
        if room >= 0:
            kept.append(part)
    return "\n\n".join(kept)


def markdown(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows of equal keys as a table; what would end a cell is escaped."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
