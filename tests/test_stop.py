"""Ctrl-C and SIGTERM, and what may become of the exception that they raise."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ecotrack import stop
from tests.conftest import ROOT


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(stop, "_asked", None)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    stop.listen()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def swallowed(number: signal.Signals) -> None:
    """As a library does whose C++ ignores what a callback raises."""
    with pytest.raises(SystemExit):
        signal.raise_signal(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_that_comes_out_as_another_exception_is_a_stop(listening, number):
    swallowed(number)
    with pytest.raises(SystemExit) as ended, stop.heard():
        raise SystemError("bad argument to internal function")
    assert ended.value.code == 128 + number
    assert isinstance(ended.value.__cause__, SystemError)


def test_without_a_stop_an_exception_is_what_it_is(listening):
    stop.again()
    with pytest.raises(ZeroDivisionError), stop.heard():
        raise ZeroDivisionError


def test_a_stop_that_was_swallowed_is_raised_again(listening):
    swallowed(signal.SIGTERM)
    with pytest.raises(SystemExit):
        stop.again()


def test_on_the_way_out_nothing_is_stopped_again(listening):
    closed = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGTERM)
            stop.again()
            closed.append(True)

    with pytest.raises(SystemExit):
        work()
    assert closed


INTERRUPTED = """
import io, os, sys
from ecotrack import stop
class Terminal(io.RawIOBase):
    def writable(self):
        return True
    def write(self, text):
        os.kill(os.getpid(), 15)
        return len(text)
stop.listen()
sys.stderr = io.TextIOWrapper(io.BufferedWriter(Terminal()), write_through=True)
try:
    print("a line", file=sys.stderr, flush=True)
finally:
    sys.stderr = sys.__stderr__
"""


def test_a_stop_while_a_line_is_printed_is_a_stop():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "\nstopped by SIGTERM\n")
