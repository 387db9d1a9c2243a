"""How many samples some correct digits take: D = -log10(RMSE / π)."""

import math

from . import Method

DIGITS = [d / 4 for d in range(4, 49)]
MOST_SAMPLES = 1e18  # a year's work for a thousand such machines


def samples_for(method: Method, rmse: float) -> float | None:
    """Return the fewest samples expected to come so close; None where rounding forbids it."""
    low, high = 1.0, MOST_SAMPLES
    if method.expected_rmse(high) > rmse:
        return None
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if method.expected_rmse(middle) <= rmse else (middle, high)
    return high
