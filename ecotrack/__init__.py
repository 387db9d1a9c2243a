"""A carbon price on every experiment, and the smallest model that does the job."""

from ecotrack.measure import measure, repeat
from ecotrack.measurement import Measurement, Result

__all__ = ["Measurement", "Result", "measure", "repeat"]
SCHEMA = 2  # of the names in the store (see metrics): 2 knows origins and bands
READABLE = (1, 2)
