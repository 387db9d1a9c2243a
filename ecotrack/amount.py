"""A figure of energy and its band: between what it lies, as far as its meters go. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Amount:
    """Energy, or what follows from it such as grams; `low` and `high` are the ends of its band.

    Where nobody knows the band, it is 0 to infinity.
    """

    value: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        """Meters of one kind err alike: the ends are added, and nothing averages out."""
        return Amount(self.value + other.value, self.low + other.low, self.high + other.high)

    def __mul__(self, times: float) -> Amount:
        return Amount(self.value * times, self.low * times, self.high * times)

    def told_as(self, value: float) -> Amount:
        """The same in another unit, in grams or for one piece of it: the band in proportion."""
        if not self.value or not value:
            return banded(value, None, None)
        return replace(self * (value / self.value), value=value)

    @property
    def is_banded(self) -> bool:
        """Whether a band is known, and tells more than the value."""
        return self.low < self.high < math.inf


def within(value: float, factor: float) -> Amount:
    """A reading of a meter: the truth lies between it divided by the factor and times it."""
    return Amount(value, value / factor, value * factor)


def banded(value: float, low: float | None, high: float | None) -> Amount:
    """A figure that was kept with its ends, or without; of nothing, nothing is unknown."""
    if low is None or high is None:
        return Amount(value, 0.0, math.inf if value else 0.0)
    return Amount(value, low, high)


def columns(name: str, figure: Amount) -> dict[str, Any]:
    """The figure and its ends as they are kept; the ends are None where nobody knows them."""
    ends = (figure.low, figure.high) if figure.high < math.inf else (None, None)
    return {name: figure.value, **dict(zip(end_names(name), ends, strict=True))}


def of_columns(name: str, row: Mapping[str, Any]) -> Amount:
    """What `columns` made of a figure; ends may be missing.

    Raises:
        KeyError: the figure itself is missing.
    """
    return banded(row[name], *map(row.get, end_names(name)))


def end_names(name: str) -> tuple[str, str]:
    """What the ends of a figure of this name are called."""
    return f"{name}_low", f"{name}_high"
