"""Ctrl-C and SIGTERM: heard once, and never lost.

A signal raises SystemExit wherever the program happens to be. Within a library's callback, as
TensorFlow's C++ has many, that may come out as another exception, or not at all. So that a stop
was asked for is kept here, whatever becomes of the exception.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_asked: signal.Signals | None = None


def listen() -> None:
    """From now on, both signals end the program by SystemExit."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


@contextmanager
def heard() -> Iterator[None]:
    """What ends the block once a stop was asked for, comes out as SystemExit."""
    try:
        yield
    except BaseException as error:
        if _asked is None or isinstance(error, SystemExit):
            raise
        raise SystemExit(128 + _asked) from error


def again() -> None:
    """Raise a stop that was swallowed; what is on its way out already is left to go."""
    if _asked is not None and sys.exception() is None:
        raise SystemExit(128 + _asked)


def _stop(number: int, frame: object) -> None:
    global _asked
    if _asked is not None and sys.exception() is not None:
        return  # what is being closed must not stay open
    _asked = signal.Signals(number)
    with suppress(OSError):  # no print: it fails where it interrupts another one
        os.write(2, f"\nstopped by {_asked.name}\n".encode())
    raise SystemExit(128 + number)
