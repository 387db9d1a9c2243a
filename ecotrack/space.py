"""What a search may try: parameter -> where its values come from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """One of these options."""

    options: tuple[Any, ...]

    def __contains__(self, value: object) -> bool:
        return value in self.options


@dataclass(frozen=True)
class Whole:
    """A whole number from low to high, both included."""

    low: int
    high: int
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return isinstance(value, int) and self.low <= value <= self.high


@dataclass(frozen=True)
class Real:
    """A number from low to high, handed out with two significant digits: readable, repeatable."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return self.low <= value <= self.high


Space = Mapping[str, Choice | Whole | Real]


def rounded(value: Any) -> Any:
    """A number as it is handed out: two significant digits; anything else as it is."""
    return float(f"{value:.2g}") if isinstance(value, float) else value
