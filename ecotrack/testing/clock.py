"""Clocks that stand still until a test moves them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from unittest import mock

TICK_S = 1e-6


class Clock:
    """`time.time`, `perf_counter`, `monotonic` and `sleep` of this process, moved by hand.

    They start at the true time, and sleeping moves them instead of waiting. Each reading takes a
    microsecond, so that no time between two is zero. Code that took the functions themselves
    (`from time import sleep`) and waits on locks go by the true clock. Open it around the meter:
    after it, time falls back to the true one.

    >>> with Clock() as clock:
    ...     before = time.perf_counter()
    ...     clock.advance(60)
    ...     round(time.perf_counter() - before)
    60
    """

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._correction_s = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass on all clocks.

        Raises:
            ValueError: seconds are negative; only the wall clock goes back, by `correct`.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back by {-seconds} s")
        self._elapsed_s += seconds

    def correct(self, seconds: float) -> None:
        """Set the wall clock, `time.time`, forwards or back, as a time server does."""
        self._correction_s += seconds

    def __enter__(self) -> Clock:
        with ExitStack() as stack:
            for name in ("time", "perf_counter", "monotonic"):
                read = self._by_hand(name)
                stack.enter_context(mock.patch.object(time, name, read))
                stack.enter_context(mock.patch.object(time, f"{name}_ns", _in_ns(read)))
            stack.enter_context(mock.patch.object(time, "sleep", self.advance))
            self._patches = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def _by_hand(self, name: str) -> Callable[[], float]:
        start_s = getattr(time, name)()

        def read() -> float:
            self._elapsed_s += TICK_S
            correction_s = self._correction_s if name == "time" else 0.0
            return start_s + self._elapsed_s + correction_s

        return read


def _in_ns(read: Callable[[], float]) -> Callable[[], int]:
    return lambda: int(read() * 1e9)
