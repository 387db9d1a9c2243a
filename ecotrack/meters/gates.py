"""May this measurement be believed? What cannot be is kept, and never enters a figure. Pure."""

from __future__ import annotations

import math
from dataclasses import astuple

from ecotrack.measurement import Measurement

BUSY_S = 0.1  # CPU time that cannot have cost nothing
LEAST_OF_IDLE = 0.5  # a machine at work draws more than half of its idle power
DISTURBED = 0.05  # share of the cores that others may have
TELLING_S = 0.5  # shorter blocks are a few ticks of the system's clock


def flaw(cost: Measurement) -> str | None:
    """Why a measurement cannot be right, in one sentence without a full stop; None if it can."""
    amounts = [value for value in astuple(cost) if isinstance(value, float)]
    if not all(math.isfinite(value) for value in amounts):
        return "a reading was no number"
    if cost.wall_s < 0 or cost.cpu_s < 0:
        return f"the clock went backwards, by {-min(cost.wall_s, cost.cpu_s):.3g} s"
    for name in ("cpu", "ram", "gpu"):
        joules, origin = getattr(cost, f"{name}_j"), getattr(cost, f"{name}_origin")
        if joules < 0:
            return f"the counter of the {name.upper()} went backwards, by {-joules:.3g} J"
        if origin.most_w and joules > origin.most_w * max(cost.wall_s, TELLING_S):
            return (
                f"the {name.upper()} is said to have drawn {joules / cost.wall_s:.3g} W,"
                f" and cannot draw more than {origin.most_w:.3g} W"
            )
    if cost.cpu_s > BUSY_S and cost.total_j == 0 and cost.source != "absent":
        return f"{cost.cpu_s:.3g} s of CPU time are said to have cost no energy"
    if cost.wall_s > TELLING_S and cost.total_j < LEAST_OF_IDLE * cost.idle_j:
        return (
            f"it is said to have drawn {cost.total_j / cost.wall_s:.3g} W,"
            f" and the idle machine draws {cost.idle_j / cost.wall_s:.3g} W"
        )
    return None


def others_share(cost: Measurement, cores: int) -> float:
    """Share of the machine's cores that others had meanwhile, 0 to 1; 0 of too short a block."""
    if cost.wall_s < TELLING_S:
        return 0.0
    return max(0.0, cost.other_cpu_s / (cost.wall_s * cores))


def disturbed(cost: Measurement, cores: int) -> bool:
    """Whether others had so much that the figures are not the work's alone."""
    return others_share(cost, cores) > DISTURBED
