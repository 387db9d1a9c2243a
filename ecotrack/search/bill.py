"""What a study costs, asked whenever a budget is at stake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Bill:
    """What a study costs, grams.

    Attributes:
        spent: in all so far; of other processes, what they have kept.
        reserved: for what must follow the trials.
        own: spent by this process; None where it is the only one.
        keep: keeps that for the others.
    """

    spent: Callable[[], float]
    reserved: Callable[[], float] = lambda: 0.0
    own: Callable[[], float] | None = None
    keep: Callable[[], object] = lambda: None

    def of_trials(self) -> float:
        """A counter of which a trial's cost is a difference: what others spend is not in it."""
        return (self.own or self.spent)()
