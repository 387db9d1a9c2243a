"""Is parallel greener? The rule, before and after idle power, and under both load models. Pure.

More threads save energy when the speed-up exceeds the ratio of powers. Where CPU power is only
modelled, the model decides that ratio: CodeCarbon's cubic curve makes full load dear by
construction, a linear one makes it a tie. So both are asked, and must agree.
"""

from __future__ import annotations

from dataclasses import dataclass

from ecotrack.measurement import Measurement

NO_DIFFERENCE = 0.02  # two blocks of the same work differ by this much


@dataclass(frozen=True)
class Verdict:
    """Energy on one thread over energy on many: above 1, parallel is greener.

    Attributes:
        speed_up: time on one thread over time on many, for the same work.
        gross: the ratio of energies; one figure where power is measured, none where it is a
            constant, else two: under the linear and under the cubic model of CPU power.
        net: the same after the idle machine's power is taken off both.
    """

    speed_up: float
    gross: tuple[float, ...]
    net: tuple[float, ...]


def answer(gains: tuple[float, ...]) -> str:
    """Greener, not greener, no difference, or no answer: where the models disagree."""
    said = {_word(gain) for gain in gains}
    if not said:
        return "unknown: power is assumed constant"
    return said.pop() if len(said) == 1 else "no answer: the models disagree"


def greener(
    one: Measurement, many: Measurement, *, work_ratio: float, idle_w: float, cores: int
) -> Verdict:
    """Compare the same work on one thread and on many.

    Args:
        one: a block on one thread.
        many: a block on many threads.
        work_ratio: work done in `many` over work done in `one`.
        idle_w: power of the idle machine, watts; where power is modelled, each model has its own.
        cores: of the machine.
    """
    speed_up = work_ratio * one.wall_s / many.wall_s
    blocks = (one, many)
    if one.cpu_origin.source == "measured":
        models = [[(block.total_j / block.wall_s, idle_w) for block in blocks]]
    else:
        rated_w = rated(one, cores)
        under = [powers(block, rated_w, cores) for block in blocks]
        models = [[model[name] for model in under] for name in under[0]]
    return Verdict(
        speed_up=speed_up,
        gross=tuple(speed_up * p1 / p2 for (p1, _), (p2, _) in models),
        net=tuple(speed_up * (p1 - i1) / max(p2 - i2, 1e-9) for (p1, i1), (p2, i2) in models),
    )


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


def _word(gain: float) -> str:
    if abs(gain - 1) <= NO_DIFFERENCE:
        return "no different"
    return "greener" if gain > 1 else "not greener"


def cubic(share: float) -> float:
    """Share of rated power at a load from 0 to 1, as CodeCarbon 3.3 models it."""
    return 0.1 + 0.9 * min(share, 1.0) ** 3
