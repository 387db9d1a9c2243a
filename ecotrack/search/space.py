"""What a search may try: parameter -> where its values come from. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Choice:
    """One of these options."""

    options: tuple[Any, ...]

    def __contains__(self, value: object) -> bool:
        return value in self.options

    def draw(self, rng: np.random.Generator) -> Any:
        """Any of them, as likely as the others."""
        return self.options[rng.integers(len(self.options))]


@dataclass(frozen=True)
class Whole:
    """A whole number from low to high, both included."""

    low: int
    high: int
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return isinstance(value, int) and self.low <= value <= self.high

    def draw(self, rng: np.random.Generator) -> int:
        """Any of them, as likely as the others; with `log`, as any other of its size."""
        if not self.log:
            return int(rng.integers(self.low, self.high + 1))
        exact = rng.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5))
        return min(self.high, max(self.low, round(math.exp(exact))))


@dataclass(frozen=True)
class Real:
    """A number from low to high, handed out with two significant digits: readable, repeatable."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return self.low <= value <= self.high

    def draw(self, rng: np.random.Generator) -> float:
        """Any of them, as likely as the others; with `log`, as any other of its size."""
        if not self.log:
            return rounded(rng.uniform(self.low, self.high))
        return rounded(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))


Values = Choice | Whole | Real


@dataclass(frozen=True)
class When:
    """Values of a parameter that is there only where another, named before it, has one of these."""

    parameter: str
    among: tuple[Any, ...]
    values: Values


Space = Mapping[str, Values | When]


def configuration(space: Space, pick: Callable[[str, Values], Any]) -> dict[str, Any]:
    """One configuration: `pick`, given name and values, is asked for each parameter there is."""
    params: dict[str, Any] = {}
    for name, values in space.items():
        if isinstance(values, When):
            if params.get(values.parameter) not in values.among:
                continue
            values = values.values
        params[name] = pick(name, values)
    return params


def draw(space: Space, rng: np.random.Generator) -> dict[str, Any]:
    """Any configuration."""
    return configuration(space, lambda name, values: values.draw(rng))


def holds(space: Space, params: Mapping[str, Any]) -> bool:
    """Whether a configuration lies in the space: all parameters there are, and no others."""
    try:
        return configuration(space, lambda name, values: _checked(params[name], values)) == params
    except (KeyError, ValueError):
        return False


def coordinates(space: Space, params: Mapping[str, Any]) -> list[float]:
    """A configuration as numbers from 0 to 1, for models; parameters that are not there are 0.

    Options that are numbers have an order, and one coordinate; others have one each.
    """
    found: list[float] = []
    for name, values in space.items():
        inner = values.values if isinstance(values, When) else values
        found.extend(_coordinates(inner, params.get(name)))
    return found


def rounded(value: Any) -> Any:
    """A number as it is handed out: two significant digits; anything else as it is."""
    return float(f"{value:.2g}") if isinstance(value, float) else value


def _checked(value: Any, values: Values) -> Any:
    if value not in values:
        raise ValueError(value)
    return value


def _coordinates(values: Values, value: Any) -> list[float]:
    if isinstance(values, Choice):
        if all(isinstance(option, int | float) for option in values.options):
            ranks = sorted(values.options)
            share = ranks.index(value) / max(1, len(ranks) - 1) if value is not None else 0.0
            return [share]
        return [float(value == option) for option in values.options]
    if value is None:
        return [0.0]
    low, high, here = values.low, values.high, value
    if values.log:
        low, high, here = math.log(low), math.log(high), math.log(here)
    return [(here - low) / (high - low) if high > low else 0.0]
