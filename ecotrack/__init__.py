"""A carbon price on every experiment, and the smallest model that does the job."""

from typing import TYPE_CHECKING, Any

from ecotrack.measure import measure
from ecotrack.measurement import Measurement, Result

if TYPE_CHECKING:
    from ecotrack.repeating import repeat

__all__ = ["Measurement", "Result", "measure", "repeat"]
SCHEMA = 2  # of the names in the store (see metrics): 2 knows origins and bands
READABLE = (1, 2)


def __getattr__(name: str) -> Any:
    """`ecotrack.repeat`, once it is asked for: SciPy, which it needs, takes a second to load."""
    if name == "repeat":
        from ecotrack.repeating import repeat

        return repeat
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
