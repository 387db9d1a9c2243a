"""A meter's readings, written down as they are taken: they outlive a process that is killed.

    open A   read   read   beat   beat ─ killed       one JSON line each, in <process>.jsonl
    ───●───────●──────●······│······│
       └── cost of A ─┴ extrapolated ┘

A line reaches the system at once, the disk within a second. Once a second comes a beat: the clocks,
and every 15 s the meter too.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ecotrack import host, stop
from ecotrack.measure import Meter, clocks
from ecotrack.measurement import Measurement, from_fields

BEAT_S = 1.0
SAMPLE_S = 15.0  # beside pure Python, which holds the interpreter, each reading loses some energy
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


class Ledger:
    """A meter that writes down what another one reads, for the runs that are open.

    A ledger that cannot be written, as on a full disk, says so once and is left; measuring goes
    on. At the end the file is removed, unless a run could not be closed.

    Args:
        meter: the one that is read.
        folder: where ledgers lie; this process's is named after it.
    """

    def __init__(self, meter: Meter, folder: Path) -> None:
        self.failure: OSError | None = None
        self._meter = meter
        self._path = folder / f"{host.process_id()}.jsonl"
        self._file: io.FileIO | None = None
        self._book = Book()
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._beats = threading.Thread(target=self._beat, name="ledger", daemon=True)

    def __enter__(self) -> Ledger:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab", buffering=0)
        except OSError as error:
            self._fail(error)
        else:
            with suppress(OSError):  # other containers see by the lock that we live
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._beats.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._beats.join()
        if self._file:
            self._file.close()
        if not self._book.opened:
            with suppress(OSError):  # the next start removes it
                self._path.unlink(missing_ok=True)

    def read(self) -> Measurement:
        """The meter's totals; the clocks of the line are the ledger's own affair."""
        stop.again()
        return self._read()

    def open(self, run_id: str, *, shared: bool = False, before: Measurement | None = None) -> None:
        """Begin to keep what a run costs.

        Args:
            run_id: of the run.
            shared: other processes carry it on, too.
            before: what earlier shares of this process in it have cost.
        """
        self._read(opened=run_id, shared=shared, before=before)

    def close(self, run_id: str) -> None:
        """Forget a run: it holds what it cost."""
        with self._lock:
            self._write(Line(clocks(), closed=run_id))

    def known(self, run_id: str) -> Known:
        """What an open run has cost until now, or until the meter last answered."""
        with self._lock:
            self._look()
            return self._book.known(run_id)

    def _read(self, **event: Any) -> Measurement:
        with self._lock:
            energy = self._meter.read()
            self._write(Line(clocks(), energy, **event))
            return energy

    def _write(self, line: Line) -> None:
        self._book.take(line)
        if self._file and not self.failure:
            try:
                self._file.write(encode(line))
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.failure = error
        print(
            f"the ledger {self._path} cannot be written ({error.strerror}): measuring goes on,"
            " but a kill would lose what the run has cost",
            file=sys.stderr,
            flush=True,
        )

    def _look(self) -> None:
        try:
            self._read()
        except Exception:  # the run's own next reading raises it where it is heard
            self._write(Line(clocks()))

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            with self._lock:
                if self._is_due():
                    self._look()
                else:
                    self._write(Line(clocks()))
            if self._file and not self.failure:
                try:
                    os.fsync(self._file.fileno())
                except OSError as error:
                    self._fail(error)

    def _is_due(self) -> bool:
        """Whether the meter should be read: it has not been for long, or never in some open run."""
        read_at_s = self._book.reading.clocks.wall_s
        age_s = clocks().wall_s - read_at_s
        runs = self._book.opened.values()
        young = any(read_at_s - start.clocks.wall_s < BEAT_S for start in runs)
        return age_s >= (BEAT_S if young else SAMPLE_S)


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
