"""A carbon price on every experiment, and the smallest model that does the job."""

from ecotrack.anywhere import log, measure, repeat
from ecotrack.measurement import Measurement, Result

__all__ = ["Measurement", "Result", "log", "measure", "repeat"]
