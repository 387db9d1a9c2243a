"""What work cost (Measurement) and what it achieved (Result): frozen values, plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ecotrack.amount import Amount, within

Source = Literal["measured", "modelled", "assumed", "absent"]
J_PER_WH = 3600.0
_STRENGTH: dict[Source, int] = {"assumed": 0, "modelled": 1, "measured": 2, "absent": 3}


@dataclass(frozen=True)
class Origin:
    """How one component of energy is known.

    Attributes:
        source: measured by a counter, modelled from load, assumed from a constant, or absent.
        how: which counter, or which formula.
        rated_w: the power that a formula rests on, watts; None for a counter.
        rated_from: who says so.
        factor: the true energy lies between this one divided by the factor and times it; infinity
            where an earlier version did not tell.
        most_w: the component cannot draw more, watts; None where nobody knows.
    """

    source: Source = "absent"
    how: str = ""
    rated_w: float | None = None
    rated_from: str = ""
    factor: float = 1.0
    most_w: float | None = None

    def __str__(self) -> str:
        rated = f" at {self.rated_w:g} W ({self.rated_from})" if self.rated_w is not None else ""
        return f"{self.source}: {self.how}{rated}" if self.how else self.source


ABSENT = Origin()


def weakest(*origins: Origin) -> Origin:
    """The origin that a sum of such parts deserves; an absent component weakens nothing."""
    return min(origins, key=_strength, default=ABSENT)


def _strength(origin: Origin) -> tuple[int, float, str, float]:
    """The weaker first; what follows the factor only makes the order of a sum irrelevant."""
    return _STRENGTH[origin.source], -origin.factor, str(origin), origin.most_w or 0.0


def _weaker(one: Origin, other: Origin) -> Origin:
    return one if one is other else weakest(one, other)  # two readings of a meter share theirs


@dataclass(frozen=True)
class Measurement:
    """What some work cost: the difference of two readings of counters that only go up.

    Attributes:
        wall_s: elapsed time, seconds.
        cpu_s: CPU time of this process and its finished children, seconds, exact.
        other_cpu_s: CPU time that all other processes had meanwhile, seconds, and what a
            hypervisor gave to its other guests; in ticks of the system, 10 ms on Linux.
        cpu_j, ram_j, gpu_j: energy by component, joules.
        idle_j: what the idle machine would have drawn in that time, joules; 0 where its power
            was never measured.
        co2_g: emissions of that energy, grams of CO2 equivalent.
        cpu_origin, ram_origin, gpu_origin: how each component is known.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    other_cpu_s: float = 0.0
    cpu_j: float = 0.0
    ram_j: float = 0.0
    gpu_j: float = 0.0
    idle_j: float = 0.0
    co2_g: float = 0.0
    cpu_origin: Origin = ABSENT
    ram_origin: Origin = ABSENT
    gpu_origin: Origin = ABSENT

    @property
    def total_j(self) -> float:
        """Energy of CPU, RAM and GPU together, joules."""
        return self.cpu_j + self.ram_j + self.gpu_j

    @property
    def total_wh(self) -> float:
        """The same in watt-hours, which people read."""
        return self.total_j / J_PER_WH

    @property
    def net_j(self) -> float | None:
        """Energy above that of the idle machine, joules; None where its power is not known."""
        return self.total_j - self.idle_j if self.idle_j else None

    @property
    def energy_j(self) -> Amount:
        """Energy with the band of its meters, joules."""
        return sum(self.parts_j, Amount())

    @property
    def parts_j(self) -> tuple[Amount, Amount, Amount]:
        """Energy of CPU, RAM and GPU with their bands, joules."""
        return (
            within(self.cpu_j, self.cpu_origin.factor),
            within(self.ram_j, self.ram_origin.factor),
            within(self.gpu_j, self.gpu_origin.factor),
        )

    @property
    def energy_wh(self) -> Amount:
        """The same in watt-hours."""
        return self.energy_j.told_as(self.total_wh)

    @property
    def net_wh(self) -> Amount | None:
        """Energy above that of the idle machine, which the same meters err on alike, Wh."""
        return None if self.net_j is None else self.energy_j.told_as(self.net_j / J_PER_WH)

    @property
    def emissions_g(self) -> Amount:
        """Emissions with the band of the energy, grams; the grid's own doubt is not in it."""
        return self.energy_j.told_as(self.co2_g)

    @property
    def source(self) -> Source:
        """How well the total is known: as its weakest component."""
        return weakest(self.cpu_origin, self.ram_origin, self.gpu_origin).source

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
            other_cpu_s=self.other_cpu_s + factor * other.other_cpu_s,
            cpu_j=self.cpu_j + factor * other.cpu_j,
            ram_j=self.ram_j + factor * other.ram_j,
            gpu_j=self.gpu_j + factor * other.gpu_j,
            idle_j=self.idle_j + factor * other.idle_j,
            co2_g=self.co2_g + factor * other.co2_g,
            cpu_origin=_weaker(self.cpu_origin, other.cpu_origin),
            ram_origin=_weaker(self.ram_origin, other.ram_origin),
            gpu_origin=_weaker(self.gpu_origin, other.gpu_origin),
        )


def from_fields(fields: Mapping[str, Any]) -> Measurement:
    """A Measurement from what `dataclasses.asdict` made of one, by this version or an earlier.

    Schema 1 knew of a component's origin only the source, as `cpu_source`, and no band.
    """
    parts = ("cpu", "ram", "gpu")
    origins: dict[str, Any] = {
        f"{part}_origin": Origin(**fields[f"{part}_origin"])
        if f"{part}_origin" in fields
        else _without_band(fields[f"{part}_source"])
        for part in parts
    }
    amounts = {name: value for name, value in fields.items() if isinstance(value, float | int)}
    return Measurement(**{**amounts, **origins})


def _without_band(source: Source) -> Origin:
    return ABSENT if source == "absent" else Origin(source, factor=math.inf)


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
            time, energy and carbon; setup, eval, test, inference and export carry their name.
        scores: metric name -> final value.
        curves: metric name -> values, one a step from 1 on, or by step.
        artifacts: file name -> text, bytes, or rows of a table.
        tags: tag -> text.
        model: a Keras model or a LiteRTFile to save with the run.
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
