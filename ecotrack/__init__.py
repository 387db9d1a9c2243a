"""A carbon price on every experiment, and the smallest model that does the job."""

from ecotrack.measure import measure, repeat
from ecotrack.measurement import Measurement, Result

__all__ = ["Measurement", "Result", "measure", "repeat"]
SCHEMA = 1  # of the names in the store; see metrics
