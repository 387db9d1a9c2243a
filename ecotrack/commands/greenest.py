"""When to run what takes so long: the window of the least mean carbon intensity. Pure NumPy.

g/kWh  ──┐         ┌──
         └───┐  ┌──┘        Along a step function the mean of a window changes at one rate until
             └──┘           an end of it meets a step: the least and the greatest lie there.
           ├──────┤
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SAME_G = 6  # decimals of g/kWh beyond which two windows are as good
SAME_S = 1e-3  # a gap shorter than this is none


@dataclass(frozen=True)
class Course:
    """Carbon intensity over time; between the end of a value and the next start nothing is known.

    Attributes:
        starts_s, ends_s: (n,) Unix time from and until which a value holds, in order.
        g_per_kwh: (n,) the values.
    """

    starts_s: Array
    ends_s: Array
    g_per_kwh: Array

    def since(self, moment_s: float) -> Course:
        """What of it is still to come at a moment."""
        left = self.ends_s > moment_s
        starts_s = np.maximum(self.starts_s[left], moment_s)
        return Course(starts_s, self.ends_s[left], self.g_per_kwh[left])

    @property
    def mean(self) -> float:
        """Mean over all the time that is known, g/kWh."""
        return float(np.average(self.g_per_kwh, weights=self.ends_s - self.starts_s))

    @property
    def unknown_s(self) -> float:
        """How long all gaps are together."""
        known_s = (self.ends_s - self.starts_s).sum()
        return float(self.ends_s[-1] - self.starts_s[0] - known_s)

    @property
    def longest_s(self) -> float:
        """How long the longest stretch without a gap is."""
        begins = np.r_[True, self.starts_s[1:] - self.ends_s[:-1] > SAME_S]
        ends = np.r_[begins[1:], True]
        return float((self.ends_s[ends] - self.starts_s[begins]).max())


class Window(NamedTuple):
    """A time to run: when it begins, Unix time, and its mean intensity."""

    start_s: float
    g_per_kwh: float


@dataclass(frozen=True)
class Outlook:
    """What running at one time or another means.

    Attributes:
        greenest, worst: windows, of equally good ones the earliest.
        now: the window that begins at once; None where its intensity is not known.
        mean_g_per_kwh: over all the time that was looked at.
        is_over: no window is left, and these are of the past.
    """

    greenest: Window
    worst: Window
    now: Window | None
    mean_g_per_kwh: float
    is_over: bool


def outlook(course: Course, duration_s: float, now_s: float) -> Outlook | None:
    """The windows from now on; of the whole course where none is left, and None where none is.

    Args:
        course: of the carbon intensity.
        duration_s: of each window; none crosses a gap.
        now_s: the time by the clock, Unix time.
    """
    ahead = course.since(now_s)
    starts_s, means = _windows(ahead, duration_s)
    is_over = not len(starts_s)
    if is_over:
        ahead = course
        starts_s, means = _windows(course, duration_s)
    if not len(starts_s):
        return None

    def window(at: np.intp) -> Window:
        return Window(float(starts_s[at]), float(means[at]))

    rounded = np.round(means, SAME_G)
    here = np.flatnonzero(starts_s == now_s)
    return Outlook(
        greenest=window(np.argmin(rounded)),
        worst=window(np.argmax(rounded)),
        now=window(here[0]) if len(here) and not is_over else None,
        mean_g_per_kwh=ahead.mean,
        is_over=is_over,
    )


def _windows(course: Course, duration_s: float) -> tuple[Array, Array]:
    """Starts and means, in order of time, of the windows whose start or end meets a step.

    From prefix sums of what is known: of the time, and of the intensity's distance from one value,
    which keeps the sums small and so exact.
    """
    if not len(course.starts_s):
        return np.empty(0), np.empty(0)
    level = course.g_per_kwh[0]
    lengths_s = course.ends_s - course.starts_s
    edges_s = np.column_stack([course.starts_s, course.ends_s]).ravel()
    known_s, above = (
        np.repeat(np.r_[0.0, np.cumsum(pieces)], 2)[1:-1]
        for pieces in (lengths_s, lengths_s * (course.g_per_kwh - level))
    )
    starts_s = np.unique(np.r_[course.starts_s, course.ends_s - duration_s])

    def within(sums: Array) -> Array:
        early, late = (np.interp(at_s, edges_s, sums) for at_s in (starts_s, starts_s + duration_s))
        return late - early

    whole = within(known_s) > duration_s - SAME_S
    return starts_s[whole], (level + within(above) / duration_s)[whole]
