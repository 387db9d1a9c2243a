"""What work cost (Measurement) and what it achieved (Result): frozen values, plain arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Source = Literal["measured", "modelled", "assumed", "absent"]
J_PER_WH = 3600.0
_STRENGTH: dict[Source, int] = {"assumed": 0, "modelled": 1, "measured": 2, "absent": 3}


def weakest(*sources: Source) -> Source:
    """The source that a sum of such parts deserves; an absent component weakens nothing."""
    return min(sources, key=lambda source: _STRENGTH[source], default="absent")


@dataclass(frozen=True)
class Measurement:
    """What some work cost: the difference of two readings of counters that only go up.

    Attributes:
        wall_s: elapsed time, seconds.
        cpu_s: CPU time of this process and its finished children, seconds, exact.
        cpu_j, ram_j, gpu_j: energy by component, joules.
        co2_g: emissions of that energy, grams of CO2 equivalent.
        cpu_source, ram_source, gpu_source: how each component is known: measured by a counter,
            modelled from load, assumed from a constant, or absent.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    cpu_j: float = 0.0
    ram_j: float = 0.0
    gpu_j: float = 0.0
    co2_g: float = 0.0
    cpu_source: Source = "absent"
    ram_source: Source = "absent"
    gpu_source: Source = "absent"

    @property
    def total_j(self) -> float:
        """Energy of CPU, RAM and GPU together, joules."""
        return self.cpu_j + self.ram_j + self.gpu_j

    @property
    def total_wh(self) -> float:
        """The same in watt-hours, which people read."""
        return self.total_j / J_PER_WH

    @property
    def source(self) -> Source:
        """How well the total is known: as its weakest component."""
        return weakest(self.cpu_source, self.ram_source, self.gpu_source)

    def __add__(self, other: Measurement) -> Measurement:
        return self._combine(other, 1.0)

    def __sub__(self, other: Measurement) -> Measurement:
        return self._combine(other, -1.0)

    def __truediv__(self, times: float) -> Measurement:
        return Measurement()._combine(self, 1.0 / times)

    def __radd__(self, other: object) -> Measurement:
        if other == 0:  # the start value of sum()
            return self
        return NotImplemented

    def _combine(self, other: Measurement, factor: float) -> Measurement:
        return Measurement(
            wall_s=self.wall_s + factor * other.wall_s,
            cpu_s=self.cpu_s + factor * other.cpu_s,
            cpu_j=self.cpu_j + factor * other.cpu_j,
            ram_j=self.ram_j + factor * other.ram_j,
            gpu_j=self.gpu_j + factor * other.gpu_j,
            co2_g=self.co2_g + factor * other.co2_g,
            cpu_source=weakest(self.cpu_source, other.cpu_source),
            ram_source=weakest(self.ram_source, other.ram_source),
            gpu_source=weakest(self.gpu_source, other.gpu_source),
        )


@dataclass(frozen=True)
class Dataset:
    """Data that a run read: arrays as they went in, for the record's digest."""

    name: str
    source: str
    features: Any
    targets: Any


@dataclass(frozen=True)
class Result:
    """What an experiment returns; `tracking` writes it down once the clocks stand still.

    Attributes:
        costs: phase -> Measurement. The phase that the run is about (sorting, training) gives its
            time, energy and carbon; setup, eval, test and inference carry their name.
        scores: metric name -> final value.
        curves: metric name -> values, one a step from 1 on, or by step.
        artifacts: file name -> text, bytes, or rows of a table.
        tags: tag -> text.
        model: a Keras model to save with the run.
        datasets: role (training, test) -> Dataset.
        summary: title -> rows of text, printed at the end.
        findings: sentences, printed last.
        children: name -> Result of a part that deserves a run of its own.
    """

    costs: Mapping[str, Measurement] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float] | Mapping[int, float]] = field(default_factory=dict)
    artifacts: Mapping[str, str | bytes | Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    model: Any = None
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    summary: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    findings: Sequence[str] = ()
    children: Mapping[str, Result] = field(default_factory=dict)
