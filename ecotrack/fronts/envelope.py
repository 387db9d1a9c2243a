"""Lives as straight lines, grams against uses: which is cheapest when, and what pays back. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ecotrack.fronts.lifetime import break_even


@dataclass(frozen=True)
class Life:
    """What a thing emits: grams before its first use, and grams each use."""

    name: str
    once_g: float
    each_g: float

    def cost_g(self, uses: float) -> float:
        """Grams over so many uses."""
        return self.once_g + self.each_g * uses


class Stretch(NamedTuple):
    """From how many uses to how many a life is the cheapest; the last one has no end."""

    life: Life
    start: float
    end: float


def envelope(lives: Sequence[Life]) -> list[Stretch]:
    """The lower envelope from no use on: it bends only down, so that each life comes up once.

    Where two cost the same, the one that is cheaper from there on; of equal ones the first.
    """
    if not lives:
        return []
    life, start = min(lives, key=lambda one: (one.once_g, one.each_g)), 0.0
    stretches = []
    while True:
        cheaper = [other for other in lives if other.each_g < life.each_g]
        crossings = [(_crossing(life, other), other.each_g, other) for other in cheaper]
        end, _, following = min(crossings, key=lambda c: c[:2], default=(math.inf, 0.0, life))
        end = max(start, end)  # crossings are rounded
        if end > start:
            stretches.append(Stretch(life, start, end))
        if math.isinf(end):
            return stretches
        life, start = following, end


def ahead(one: Life, other: Life) -> tuple[float, float]:
    """From how many uses to how many `one` has cost no more than `other`; (inf, inf): never."""
    if one.once_g <= other.once_g:
        return 0.0, _crossing(one, other)
    return _crossing(other, one), math.inf


def _crossing(early: Life, late: Life) -> float:
    """Uses after which `late`, dearer at first, costs no more than `early`; inf: never."""
    return break_even(late.once_g - early.once_g, early.each_g, late.each_g)
