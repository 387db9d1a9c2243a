"""Is parallel greener? The rule, before and after idle power, and under both load models. Pure.

More threads save energy when the speed-up exceeds the ratio of powers. Where CPU power is only
modelled, the model decides that ratio: CodeCarbon's cubic curve makes full load dear by
construction, a linear one makes it a tie. So both are asked, and must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ecotrack.measurement import Measurement
from ecotrack.stats import NO_DIFFERENCE, Ratio, ratio_interval

Pair = tuple[Measurement, Measurement]
Model = Callable[[Measurement], tuple[float, float]]  # power of a block and of the idle machine, W


@dataclass(frozen=True)
class Verdict:
    """Energy on one thread over energy on many: above 1, parallel is greener.

    Attributes:
        speed_up: time on one thread over time on many, for the same work.
        gross: the ratio of energies; one where power is measured, none where it is a constant,
            else two: under the linear and under the cubic model of CPU power.
        net: the same after the idle machine's power is taken off both; none where that is not
            known, or leaves nothing.
    """

    speed_up: Ratio
    gross: tuple[Ratio, ...]
    net: tuple[Ratio, ...]


def answer(gains: Sequence[Ratio]) -> str:
    """Greener, not greener, no difference, or no answer: where the models disagree."""
    said = {_word(gain) for gain in gains}
    if not said:
        return "unknown"
    return said.pop() if len(said) == 1 else "no answer: the models disagree"


def greener(pairs: Sequence[Pair], *, cores: int) -> Verdict:
    """Compare the same work on one thread and on many.

    Args:
        pairs: what it cost on one and on many, each of the same round. Idle power is theirs, or
            each model's own.
        cores: of the machine.
    """
    one = sum((first for first, _ in pairs), Measurement())
    models, told = _models(one, cores), one.idle_j > 0 or one.cpu_origin.source == "modelled"
    return Verdict(
        speed_up=ratio_interval([a.wall_s for a, _ in pairs], [b.wall_s for _, b in pairs]),
        gross=_gains(pairs, models, net=False),
        net=_gains(pairs, models, net=True) if told else (),
    )


def _models(one: Measurement, cores: int) -> list[Model]:
    """The meter where it measures; the two models where it has one; none of a constant."""
    if one.cpu_origin.source == "measured":
        return [lambda cost: (cost.total_j / cost.wall_s, cost.idle_j / cost.wall_s)]
    rated_w = rated(one, cores)
    return [
        lambda cost, name=name: powers(cost, rated_w, cores)[name]  # type: ignore[misc]
        for name in powers(one, rated_w, cores)
    ]


def _gains(pairs: Sequence[Pair], models: Sequence[Model], *, net: bool) -> tuple[Ratio, ...]:
    """Ratios of energies, one a model; none where one of them leaves nothing to divide by."""

    def joules(cost: Measurement, model: Model) -> float:
        power_w, rest_w = model(cost)
        return (power_w - net * rest_w) * cost.wall_s

    sides = [
        [[joules(cost, model) for cost in side] for side in zip(*pairs, strict=True)]
        for model in models
    ]
    if any(min(*one, *many) <= 0 for one, many in sides):
        return ()
    return tuple(ratio_interval(one, many) for one, many in sides)


def powers(block: Measurement, rated_w: float | None, cores: int) -> dict[str, tuple[float, float]]:
    """Model -> (power of a block, power of the idle machine), watts; none unless it is modelled."""
    if rated_w is None:
        return {}
    other_w = (block.ram_j + block.gpu_j) / block.wall_s
    share = load(block, cores)
    return {
        name: (other_w + rated_w * curve(share), other_w + rated_w * curve(0))
        for name, curve in (("linear", linear), ("cubic", cubic))
    }


def rated(block: Measurement, cores: int) -> float | None:
    """The rated power that a modelled block rests on, watts; None unless it is modelled."""
    if block.cpu_origin.source != "modelled":
        return None
    if block.cpu_origin.rated_w is not None:
        return block.cpu_origin.rated_w
    return block.cpu_j / block.wall_s / cubic(load(block, cores))  # CodeCarbon's model, inverted


def load(block: Measurement, cores: int) -> float:
    """Share of the machine's cores that the work had, 0 to 1."""
    return block.cpu_s / block.wall_s / cores


def linear(share: float) -> float:
    """Share of rated power at a load from 0 to 1, if power were proportional to load."""
    return min(share, 1.0)


def cubic(share: float) -> float:
    """Share of rated power at a load from 0 to 1, as CodeCarbon 3.3 models it."""
    return 0.1 + 0.9 * min(share, 1.0) ** 3


def _word(gain: Ratio) -> str:
    if not gain.differs:
        return NO_DIFFERENCE
    return "greener" if gain.ratio > 1 else "not greener"
