"""What a thing costs over its life: once to make, many times to use. Pure.

No formula here holds a factor of conversion, so that one unit goes in as well as another, and the
tests can prove the dimension of each result. The names say which units the numbers are of.
"""

import math

G_PER_KG = 1000.0
S_PER_YEAR = 365 * 24 * 3600.0  # the year of the specification of SCI


def lifetime_g(training_g: float, inference_g_per_1k: float, predictions: float) -> float:
    """Emissions of training plus so many predictions, grams of CO2 equivalent."""
    return training_g + inference_g_per_1k * predictions / 1000


def break_even(extra_once: float, each_dear: float, each_cheap: float) -> float:
    """Uses after which a higher price once has paid by a lower price each; inf if it never does.

    The three are of one unit: seconds, joules or grams.
    """
    saved = each_dear - each_cheap
    return extra_once / saved if saved > 0 else math.inf


def operational_g(*, energy_kwh: float, pue: float, intensity_g_per_kwh: float) -> float:
    """O = E · PUE · I of ISO/IEC 21031: emissions of electricity, grams of CO2 equivalent.

    Args:
        energy_kwh: E, energy of the hardware, kWh.
        pue: power usage effectiveness: energy of the data centre for each of its hardware's.
        intensity_g_per_kwh: I, of the grid where the hardware stands, g/kWh. Offsets and market
            contracts do not lower it.

    Raises:
        ValueError: a PUE below 1, or something negative.
    """
    _check("energy_kwh", energy_kwh, energy_kwh >= 0, "at least 0")
    _check("pue", pue, pue >= 1, "at least 1")
    _check("intensity_g_per_kwh", intensity_g_per_kwh, intensity_g_per_kwh >= 0, "at least 0")
    return energy_kwh * pue * intensity_g_per_kwh


def embodied_g(*, machine_g: float, reserved_s: float, lifespan_s: float, share: float) -> float:
    """M = TE · (TiR / EL) · (RR / ToR) of ISO/IEC 21031: a share of making the hardware, grams.

    Args:
        machine_g: TE, emissions of making and disposing of the machine, g.
        reserved_s: TiR, how long it is reserved for this work, s.
        lifespan_s: EL, how long it is expected to serve, s.
        share: RR / ToR, the share of it that is reserved, 0 to 1.

    Raises:
        ValueError: something negative, no lifespan, more than the whole machine.
    """
    _check("machine_g", machine_g, machine_g >= 0, "at least 0")
    _check("reserved_s", reserved_s, reserved_s >= 0, "at least 0")
    _check("lifespan_s", lifespan_s, lifespan_s > 0, "above 0")
    _check("share", share, 0 <= share <= 1, "between 0 and 1")
    return machine_g * (reserved_s / lifespan_s) * share


def sci(*, operational_g: float, embodied_g: float, functional_units: float) -> float:
    """SCI = (O + M) / R of ISO/IEC 21031: grams of CO2 equivalent for each functional unit.

    Args:
        operational_g: O, g.
        embodied_g: M, g; 0 where it is not declared, and then the score must say so.
        functional_units: R, how many units of use this was. What a unit is, the user declares.

    Raises:
        ValueError: negative emissions, or no unit at all.
    """
    _check("operational_g", operational_g, operational_g >= 0, "at least 0")
    _check("embodied_g", embodied_g, embodied_g >= 0, "at least 0")
    _check("functional_units", functional_units, functional_units > 0, "above 0")
    return (operational_g + embodied_g) / functional_units


def _check(name: str, value: float, good: bool, limits: str) -> None:
    if not good:
        raise ValueError(f"{name} must be {limits}, got {value}")
