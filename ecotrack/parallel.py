"""Is parallel greener? The rule, before and after idle power, and under both load models. Pure.

More threads save energy when the speed-up exceeds the ratio of powers. Where CPU power is only
modelled, the model decides that ratio: CodeCarbon's cubic curve makes full load dear by
construction, a linear one makes it a tie. So both are asked, and must agree.
"""

from __future__ import annotations

from dataclasses import dataclass

from ecotrack.measurement import Measurement


@dataclass(frozen=True)
class Verdict:
    """Energy on one thread over energy on many: above 1, parallel is greener."""

    speed_up: float
    gross: float
    net: float
    linear: float
    cubic: float
    modelled: bool

    @property
    def answer(self) -> str:
        """Greener, not greener, or none: where the models disagree, the formula would decide."""
        if not self.modelled:
            return "greener" if self.gross > 1 else "not greener"
        if (self.linear > 1) != (self.cubic > 1):
            return "no answer: the models disagree"
        return "greener under both models" if self.linear > 1 else "not greener under either model"


def greener(
    one: Measurement, many: Measurement, *, work_ratio: float, idle_w: float, cores: int
) -> Verdict:
    """Compare the same work on one thread and on many.

    Args:
        one: a block on one thread.
        many: a block on many threads.
        work_ratio: work done in `many` over work done in `one`.
        idle_w: power of the idle machine, watts.
        cores: of the machine.
    """
    speed_up = work_ratio * one.wall_s / many.wall_s
    other_w = (one.ram_j + one.gpu_j) / one.wall_s
    load_one, load_many = (m.cpu_s / m.wall_s / cores for m in (one, many))
    rated_w = one.cpu_j / one.wall_s / cubic(load_one)

    def gain(power_one: float, power_many: float) -> float:
        return speed_up * power_one / power_many

    power_one, power_many = one.total_j / one.wall_s, many.total_j / many.wall_s
    return Verdict(
        speed_up=speed_up,
        gross=gain(power_one, power_many),
        net=gain(max(power_one - idle_w, 0.0), max(power_many - idle_w, 1e-9)),
        linear=gain(other_w + rated_w * load_one, other_w + rated_w * load_many),
        cubic=gain(other_w + rated_w * cubic(load_one), other_w + rated_w * cubic(load_many)),
        modelled=one.cpu_source != "measured",
    )


def cubic(load: float) -> float:
    """Share of rated power at a load from 0 to 1, as CodeCarbon 3.3 models it."""
    return 0.1 + 0.9 * min(load, 1.0) ** 3
