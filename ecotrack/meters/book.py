"""What the lines of a ledger come to, of a live one as of one whose process is dead."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ecotrack.measurement import Measurement, from_fields

BEAT_S = 1.0  # a line comes at least so often
NOTHING, FIELDS = vars(Measurement()), asdict(Measurement())
MEASURED = {"clocks", "energy", "before"}


@dataclass(frozen=True)
class Line:
    """One line of a ledger.

    Attributes:
        clocks: wall and CPU time; the energies are zero.
        energy: what the meter read; None in a beat.
        opened: the run that this reading opens.
        closed: the run that needs its ledger no more.
        shared: the run opened is one that several processes carry on.
        before: what earlier shares of this process in the run opened had cost.
    """

    clocks: Measurement
    energy: Measurement | None = None
    opened: str = ""
    closed: str = ""
    shared: bool = False
    before: Measurement | None = None


@dataclass(frozen=True)
class Known:
    """What is known of a run's cost.

    Attributes:
        cost: until its process wrote its last line.
        extrapolated_s: seconds of it after the last reading; their energy is taken at the run's
            mean power.
        shared: the run may be carried on by another process, and this is only one share of it.
    """

    cost: Measurement
    extrapolated_s: float
    shared: bool


class Book:
    """What the lines of a ledger come to: of a live one as of a dead one."""

    def __init__(self) -> None:
        self.opened: dict[str, Line] = {}
        self.reading = Line(Measurement(), Measurement())
        self.newest = self.reading

    def take(self, line: Line) -> None:
        """Add the next line."""
        self.newest = line
        if line.energy is not None:
            self.reading = line
        if line.opened:
            self.opened[line.opened] = line
        self.opened.pop(line.closed, None)

    def known(self, run_id: str) -> Known:
        """What an open run has cost."""
        start, reading = self.opened[run_id], self.reading
        assert start.energy is not None
        assert reading.energy is not None
        times, energy = self.newest.clocks - start.clocks, reading.energy - start.energy
        read_s = (reading.clocks - start.clocks).wall_s
        earlier = start.before or Measurement()
        if read_s < BEAT_S:  # too short to tell a power from
            return Known(earlier + times + energy, 0.0, start.shared)
        share = read_s / times.wall_s
        cost = earlier + times + energy / share
        return Known(cost, times.wall_s - read_s, start.shared)


def replay(path: Path) -> dict[str, Known]:
    """What each run had cost that was open when the ledger's process died.

    A line that a power cut or a full disk has torn is passed over; ValueError if all are.
    """
    lines, texts = [], path.read_bytes().splitlines()
    for text in texts:
        with suppress(ValueError):
            lines.append(decode(text))
    if texts and not lines:
        raise ValueError(f"{path} is no ledger")
    book = Book()
    for line in lines:
        book.take(line)
    return {run_id: book.known(run_id) for run_id in book.opened}


def encode(line: Line) -> bytes:
    """A line as JSON; what has its default value is left out."""
    words = {name: value for name, value in vars(line).items() if value}
    for name in MEASURED & words.keys():
        words[name] = {k: v for k, v in vars(words[name]).items() if v != NOTHING[k]}
    words["moment"] = round(time.time(), 3)
    return json.dumps(words, default=asdict).encode() + b"\n"


def decode(text: bytes) -> Line:
    """A line from JSON; ValueError if it is torn, or none of ours."""
    words = json.loads(text)
    try:
        del words["moment"]
        measured: dict[str, Any] = {
            name: from_fields(FIELDS | words.pop(name)) for name in MEASURED & words.keys()
        }
        return Line(**measured, **words)
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"no line of a ledger: {error}") from error
