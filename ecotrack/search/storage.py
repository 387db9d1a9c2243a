"""Where studies lie, and opening one: an SQLite file, or a server that may be away for a while."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.exceptions import OptunaError, StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    SQLAlchemyError,
)

from ecotrack import database
from ecotrack.cli import UserError
from ecotrack.metrics import READABLE, SCHEMA

# A beat that an outage of 60 s holds up comes HEARTBEAT_S + 60 s after the last one: in time.
HEARTBEAT_S, GRACE_S = 30, 120
PATIENCE_S, AGAIN_S = 90.0, 1.0
SCHEMA_KEY = "schema"
# What Optuna's cache and its heartbeats ask of a storage while trials run.
ASKED = (
    "get_all_studies",
    "get_study_directions",
    "get_study_system_attrs",
    "get_study_user_attrs",
    "get_trial",
    "get_trial_id_from_study_id_trial_number",
    "record_heartbeat",
    "set_study_system_attr",
    "set_study_user_attr",
    "set_trial_state_values",
    "set_trial_system_attr",
    "set_trial_user_attr",
    "_create_new_trial",
    "_get_stale_trial_ids",
    "_get_trials",
    "_set_trial_param",
)
Direction = Literal["minimize", "maximize"]
OnStale = Callable[[optuna.Study, FrozenTrial], None]


def study_in(
    place: Path | str | None, name: str, directions: Mapping[str, Direction], on_stale: OnStale
) -> optuna.Study:
    """Optuna's study of that name in a place, and begun if it is new; see `Study`."""
    if isinstance(place, Path) and not _is_writable(place):
        raise UserError(f"the study store {place} cannot be written")
    try:
        study = optuna.create_study(
            storage=storage(url_of(place), on_stale) if place else None,
            study_name=name,
            directions=list(directions.values()),
            load_if_exists=True,
        )
    except (OptunaError, RuntimeError, ValueError, SQLAlchemyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"the study store {place} cannot be used: {reason}") from error
    begun = study.metric_names or list(directions)
    if [d.name.lower() for d in study.directions] != list(directions.values()) or (
        begun != list(directions)
    ):
        raise UserError(f"study {name!r} in {place} has other objectives; take another --study")
    if study.user_attrs.get(SCHEMA_KEY, SCHEMA) not in READABLE:
        raise UserError(f"study {name!r} in {place} was written by another version of ecotrack")
    study.set_user_attr(SCHEMA_KEY, SCHEMA)
    study.set_metric_names(list(directions))
    return study


def names(place: Path | str) -> list[str]:
    """The studies that a place holds; none if it is not there."""
    if isinstance(place, Path) and not place.exists():
        return []
    return optuna.get_all_study_names(storage(url_of(place), lambda study, trial: None))


def url_of(place: Path | str | None) -> str:
    """The URL of a study's place; empty for memory."""
    return f"{database.SQLITE}{place}" if isinstance(place, Path) else place or ""


def storage(url: str, on_stale: OnStale) -> RDBStorage:
    """The storage of a URL, its tables made if it is fresh; `on_stale` is told of dead trials."""
    with database.alone(url):
        if not database.is_postgresql(url):
            return RDBStorage(url, **_heartbeats(on_stale))
        # Checked before each use: what an outage cut off is not used again.
        engine = {"pool_pre_ping": True, "connect_args": database.PATIENT}
        return Patient(url, engine_kwargs=engine, **_heartbeats(on_stale))


class Patient(RDBStorage):
    """Optuna's storage on a server, which asks again while that cannot be reached.

    In a thread of Optuna's own, a beat that fails is the last one: its trial would be taken for
    dead. Asking again is safe. What is set twice is set once; of a trial made twice, one is never
    begun, and found dead.
    """

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        """As Optuna's; what an answer lost on the way had set already is no error."""
        asked = 0

        def once() -> bool:
            nonlocal asked
            asked += 1
            try:
                return super(Patient, self).set_trial_state_values(trial_id, state, values)
            except UpdateFinishedTrialError:
                found = self.get_trial(trial_id)
                if asked > 1 and found.state == state and found.values == _listed(values):
                    return True
                raise

        return patiently(once)()


def patiently(ask: Callable[..., Any]) -> Callable[..., Any]:
    """The same question, asked again for 90 s while the server cannot be reached."""

    @wraps(ask)
    def asking(*words: Any, **named: Any) -> Any:
        begun = time.monotonic()
        while True:
            try:
                return ask(*words, **named)
            except (StorageInternalError, DBAPIError) as error:
                if not is_away(error) or time.monotonic() - begun > PATIENCE_S:
                    raise
            time.sleep(AGAIN_S)

    return asking


for _name in set(ASKED) - vars(Patient).keys():
    setattr(Patient, _name, patiently(getattr(RDBStorage, _name)))


def _is_writable(path: Path) -> bool:
    return os.access(path if path.exists() else path.parent, os.W_OK)


def is_away(error: BaseException) -> bool:
    """Whether it is the server's absence that Optuna or SQLAlchemy reports."""
    reason = error.__cause__ if isinstance(error, StorageInternalError) else error
    if isinstance(getattr(reason, "orig", None), sqlite3.Error):  # a file is no server
        return False
    return isinstance(reason, OperationalError | InterfaceError | PendingRollbackError) or (
        isinstance(reason, DBAPIError) and reason.connection_invalidated
    )


def _heartbeats(on_stale: OnStale) -> dict[str, Any]:
    return {
        "heartbeat_interval": HEARTBEAT_S,
        "grace_period": GRACE_S,
        "heartbeat_stale_trial_callback": on_stale,
    }


def _listed(values: Any) -> list[float] | None:
    return None if values is None else list(values)
