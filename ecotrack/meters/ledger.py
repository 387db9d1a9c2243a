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
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from ecotrack import host, stop
from ecotrack.measure import Meter, clocks
from ecotrack.measurement import Measurement
from ecotrack.meters.book import BEAT_S, Book, Known, Line, encode

SAMPLE_S = 15.0  # beside pure Python, which holds the interpreter, each reading loses some energy


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
