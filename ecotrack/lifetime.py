"""What a thing costs over its life: once to make, many times to use. Pure."""

import math


def lifetime_g(training_g: float, inference_g_per_1k: float, predictions: float) -> float:
    """Emissions of training plus so many predictions, grams of CO2 equivalent."""
    return training_g + inference_g_per_1k * predictions / 1000


def break_even(extra_once: float, each_dear: float, each_cheap: float) -> float:
    """Uses after which a higher price once has paid by a lower price each; inf if it never does.

    The three are of one unit: seconds, joules or grams.
    """
    saved = each_dear - each_cheap
    return extra_once / saved if saved > 0 else math.inf
