"""A front as people read it: a row a model."""

from collections.abc import Sequence

from ecotrack import reading
from ecotrack.fronts.choosing import Candidate


def table(members: Sequence[Candidate], chosen: Candidate | None = None) -> list[dict[str, str]]:
    """One row a model of the front, with its accuracies, its price and its size."""
    return [
        {
            "model": member.name + (" ← chosen" if member == chosen else ""),
            "valid.": reading.percent(member.val_accuracy),
            "test": reading.percent(member.accuracy),
            "95 %": f"{100 * member.accuracy_low:.1f}–{100 * member.accuracy_high:.1f}",
            "training": reading.amount(member.training, "g"),
            "latency": f"{member.latency_ms:.2g} ms",
            "weights": f"{member.parameters:,}",
            "size": reading.quantity(member.size_bytes, "B"),
        }
        for member in members
    ]
