"""Databases by their URLs: no password in one, and one process at a time sets a fresh one up."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import sqlalchemy
from sqlalchemy.pool import NullPool

from ecotrack.cli import UserError

WAIT_S = 120.0  # the migrations of a fresh MLflow store take some 3 s, 10 on a busy machine
TOLD_AFTER_S = 2.0
POLL_S = 0.1
LOCK_NUMBER = 0x65636F74  # of PostgreSQL's advisory lock: "ecot"
SQLITE, POSTGRESQL = "sqlite:///", "postgresql"
# A cut line is noticed within half a minute, and not after the system's quarter of an hour; by the
# server, too: it would keep the locks of who was cut off for two hours.
NOTICED = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
PATIENT = {
    "connect_timeout": 10,
    **NOTICED,
    "tcp_user_timeout": 20_000,
    "options": " ".join(
        f"-c {name}={number}"
        for name, number in {
            **{f"tcp_{name}": number for name, number in NOTICED.items()},
            "tcp_user_timeout": 20_000,
        }.items()
    ),
}


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite database; None where it is no such file."""
    return Path(url.removeprefix(SQLITE)).absolute() if url.startswith(SQLITE) else None


def is_postgresql(url: str) -> bool:
    """Whether a URL names a PostgreSQL database, by whatever driver."""
    return url.partition(":")[0].partition("+")[0] == POSTGRESQL


def refuse_password(name: str, url: str) -> None:
    """Refuse a URL that carries a password: it would end in stores, logs and process lists.

    Raises:
        UserError: it does; the message does not repeat it.
    """
    parts = urlsplit(url)
    if parts.password is not None or "password" in parse_qs(parts.query):
        way = (
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            if parts.scheme.startswith("http")
            else "PGPASSWORD or PGPASSFILE"
        )
        raise UserError(f"{name} carries a password; take it out, and set {way} instead")


def is_sql(url: str) -> bool:
    """Whether a URL names a database that this process opens itself, and no server before one."""
    return bool(sqlite_path(url)) or is_postgresql(url)


def forget(url: str, table: str, row: Mapping[str, str]) -> None:
    """Delete the rows of a table that have these values, and leave no trace in the file."""
    condition = " AND ".join(f"{column} = :{column}" for column in row)
    with _engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sqlalchemy.text(f"DELETE FROM {table} WHERE {condition}"), dict(row))
        connection.execute(sqlalchemy.text("VACUUM"))


def same(one: str, other: str) -> bool:
    """Whether two URLs name one database on a server, by host, port and name."""
    if not (is_postgresql(one) and is_postgresql(other)):
        return False
    return _place(one) == _place(other)


@contextmanager
def alone(url: str, *, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold a database while the block lasts: no other process is in such a block of it.

    By a lock on the folder of an SQLite file, an advisory lock of PostgreSQL, and of what is
    behind a server, not at all: a server sets its own database up. All die with their holder.

    Raises:
        UserError: another process has held it for `wait_s` seconds, or the driver is missing.
        SQLAlchemyError: the server cannot be reached.
    """
    path = sqlite_path(url)
    if path:
        folder = os.open(path.parent, os.O_RDONLY)  # a file of our own would stay behind
        try:
            _wait(lambda: _flock(folder), f"{path}", wait_s)
            yield
        finally:
            os.close(folder)
    elif is_postgresql(url):
        with _engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            take = sqlalchemy.text(f"SELECT pg_try_advisory_lock({LOCK_NUMBER})")
            _wait(lambda: bool(connection.execute(take).scalar()), url, wait_s)
            yield
    else:
        yield


def _engine(url: str) -> sqlalchemy.Engine:
    try:
        words = PATIENT if is_postgresql(url) else {}
        return sqlalchemy.create_engine(url, poolclass=NullPool, connect_args=words)
    except ImportError as error:
        raise UserError(
            f"PostgreSQL needs a driver ({error}): pip install -r requirements-cluster.txt"
        ) from error


def _place(url: str) -> tuple[str, int, str]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 5432, parts.path


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(take: Callable[[], bool], what: str, wait_s: float) -> None:
    """Until the lock is taken; told after a while, and not for ever."""
    begun, told = time.monotonic(), False
    while not take():
        waited_s = time.monotonic() - begun
        if waited_s > wait_s:
            raise UserError(f"another process has been setting up {what} for {wait_s:.0f} s")
        if not told and waited_s > TOLD_AFTER_S:
            told = True
            message = f"waiting for another process, which sets up {what}"
            print(message, file=sys.stderr, flush=True)
        time.sleep(POLL_S)
