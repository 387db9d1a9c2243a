"""One measurement at a time on a machine: each of two would count the other's energy as its own.

The lock dies with its holder, whatever kills it. Containers with a /tmp of their own do not see
one another.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ecotrack import host
from ecotrack.cli import UserError

MACHINE_LOCK = "/tmp/ecotrack.lock"  # not $TMPDIR, which differs from user to user
HOLDER = re.compile(r"([\w.-]+ \(pid \d+\)) (\S+)")  # anybody can write there; the first is printed
_held: set[int] = set()


class BusyError(UserError):
    """Somebody else measures, and we shall not wait."""


@contextmanager
def turn(entry: str, *, wait: bool = True) -> Iterator[None]:
    """Hold the machine's only turn while the block lasts.

    The lock is one file, /tmp/ecotrack.lock for all users, or the file that $ECOTRACK_LOCK names.
    What the holder itself has started, as `exec` does, is measured with it and need not wait,
    unless it is in a container.

    Args:
        entry: what is going to measure, told to those who wait.
        wait: for the holder to finish; False refuses instead.

    Raises:
        BusyError: somebody else measures and `wait` is False.
        UserError: the file cannot be used.
    """
    with _opened(Path(os.environ.get("ECOTRACK_LOCK") or MACHINE_LOCK)) as lock:
        if not _take(lock):
            holder, process = _holder(lock)
            if host.descends_from(process):
                yield
                return
            _wait_for(holder, lock, wait)
        with suppress(OSError):  # the name is a courtesy; the disk may be full
            os.ftruncate(lock, 0)
            words = f"{entry} (pid {os.getpid()}) {host.process_id()}"
            os.pwrite(lock, words.encode(), 0)
        yield


def _take(lock: int) -> bool:
    """Take the lock, if that can be done at once."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: int) -> tuple[str, str]:
    """Who holds the lock, for people and as `host.process_id` has it, if it says so."""
    named = HOLDER.fullmatch(os.pread(lock, 500, 0).decode(errors="replace"))
    return (named[1], named[2]) if named else ("another process", "")


def _wait_for(holder: str, lock: int, wait: bool) -> None:
    if not wait:
        raise BusyError(
            f"{holder} is measuring on this machine, and each would count the other's energy;"
            " come back later, or wait with --no-wait false"
        )
    message = f"waiting for {holder}, which is measuring on this machine"
    print(f"{message}; --no-wait true refuses instead", file=sys.stderr, flush=True)
    fcntl.flock(lock, fcntl.LOCK_EX)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A descriptor of the lock that no child keeps."""
    lock = _open(path)
    _held.add(lock)
    try:
        yield lock
    finally:
        _held.discard(lock)
        os.close(lock)


def _open(path: Path) -> int:
    """Open a file that anybody may have put there: through no link, and only if it is a file."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        try:
            # Not O_CREAT alone: fs.protected_regular refuses that on another user's file.
            lock = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            os.fchmod(lock, 0o666)  # whatever the umask says, the next user needs it too
        except FileExistsError:
            lock = os.open(path, flags)
    except OSError as error:
        raise UserError(
            f"the machine's lock {path} cannot be opened ({error.strerror});"
            " ECOTRACK_LOCK may name another file, the same for all who measure here"
        ) from error
    if not stat.S_ISREG(os.fstat(lock).st_mode):
        os.close(lock)
        raise UserError(f"the machine's lock {path} is no file; ECOTRACK_LOCK may name another one")
    return lock


def _drop_in_child() -> None:
    """Close a forked copy, so that no child outlives the holder with it; the lock stays held."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_drop_in_child)
