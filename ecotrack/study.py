"""Optuna, spoken once: a search over a declared space, resumable, with several objectives.

A study lives in one SQLite file. Kill its process at any moment: finished trials are kept, and the
next session retries the one that died.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.exceptions import OptunaError
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from ecotrack import host
from ecotrack.cli import UserError
from ecotrack.measurement import Measurement, from_fields
from ecotrack.metrics import READABLE, SCHEMA
from ecotrack.space import Choice, Real, Space, Whole, rounded

optuna.logging.set_verbosity(optuna.logging.WARNING)
# Heartbeats, their retry and metric names: experimental since 2.8, and all that Optuna offers.
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

HEARTBEAT_S, GRACE_S = 60, 120
MAX_RETRIES = 3  # of a configuration whose process died: it may be what kills it
MAX_IN_VAIN = 50  # suggestions in a row that led to no training: the space is used up
SCHEMA_KEY, PROCESS_KEY, RUN_KEY, REUSED_KEY = "schema", "process", "mlflow_run_id", "reused_from"
REFERENCE_KEY, VALUES_KEY, TERMS_KEY = "reference_g", "values", "terms"
SESSION_PREFIX = "session/"


Direction = Literal["minimize", "maximize"]
Objective = Callable[[dict[str, Any], "Trial"], tuple[float, ...]]


class PassedOver(Exception):  # noqa: N818 - no error, an answer
    """Raised by an objective that will not try this configuration; it does not count."""


@dataclass(frozen=True)
class Trial:
    """The trial under way, as its objective sees it."""

    number: int
    _trial: optuna.Trial

    def remember(self, run_id: str) -> None:
        """Keep the id of the run in which this trial is recorded."""
        self._trial.set_user_attr(RUN_KEY, run_id)

    def keep(self, values: tuple[float, ...]) -> None:
        """Keep the result as soon as its run holds it: a kill from then on loses nothing."""
        self._trial.set_user_attr(VALUES_KEY, values)


@dataclass(frozen=True)
class Finished:
    """A trial that was carried out to its end."""

    number: int
    params: Mapping[str, Any]
    values: tuple[float, ...]
    run_id: str


class Study:
    """A named search that any number of sessions carry on.

    Args:
        path: the SQLite file; made when it is not there.
        name: of the study.
        directions: objective name -> `minimize` or `maximize`, in the order of the values.
        on_dead: told the run id of each trial that is found dead.
        on_kept: told the run id of each whose process died after its result was kept.

    Raises:
        UserError: the file cannot be used, or holds this study with other objectives.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        directions: Mapping[str, Direction],
        on_dead: Callable[[str], None] = lambda run_id: None,
        on_kept: Callable[[str], None] = lambda run_id: None,
    ) -> None:
        self.name = name
        self._on_dead, self._on_kept = on_dead, on_kept
        self._retry = RetryHeartbeatStaleTrialCallback(max_retry=MAX_RETRIES)
        folder_or_file = path if path.exists() else path.parent
        if not os.access(folder_or_file, os.W_OK):
            raise UserError(f"the study store {path} cannot be written")
        try:
            self._study = optuna.create_study(
                storage=RDBStorage(
                    f"sqlite:///{path}",
                    heartbeat_interval=HEARTBEAT_S,
                    grace_period=GRACE_S,
                    heartbeat_stale_trial_callback=self._bury,
                ),
                study_name=name,
                directions=list(directions.values()),
                load_if_exists=True,
            )
        except (OptunaError, RuntimeError, ValueError, SQLAlchemyError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"the study store {path} cannot be used: {reason}") from error
        if [d.name.lower() for d in self._study.directions] != list(directions.values()):
            raise UserError(f"study {name!r} in {path} has other objectives; take another --study")
        if self._attrs.get(SCHEMA_KEY, SCHEMA) not in READABLE:
            raise UserError(f"study {name!r} in {path} was written by another version of ecotrack")
        self._study.set_user_attr(SCHEMA_KEY, SCHEMA)
        self._study.set_metric_names(list(directions))

    @property
    def run_id(self) -> str | None:
        """The id of the run that stands for this study, for ever."""
        return self._attrs.get(RUN_KEY)

    @run_id.setter
    def run_id(self, run_id: str) -> None:
        self._study.set_user_attr(RUN_KEY, run_id)

    @property
    def reference_g(self) -> float | None:
        """The cost from which hypervolume is counted; once recorded, it never moves."""
        return self._attrs.get(REFERENCE_KEY)

    @reference_g.setter
    def reference_g(self, grams: float) -> None:
        self._study.set_user_attr(REFERENCE_KEY, grams)

    @property
    def finished(self) -> list[Finished]:
        """Trials carried out to their end, in order; reused results are not among them."""
        return [
            Finished(
                t.number,
                {name: rounded(value) for name, value in t.params.items()},
                tuple(t.values),
                t.user_attrs.get(RUN_KEY, ""),
            )
            for t in self._study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
            if REUSED_KEY not in t.user_attrs
        ]

    @property
    def cost(self) -> Measurement:
        """What all sessions have cost so far."""
        kept = (v for k, v in self._attrs.items() if k.startswith(SESSION_PREFIX))
        return sum((from_fields(fields) for fields in kept), Measurement())

    def keep_cost(self, session: Measurement, process: str = "") -> None:
        """Replace what a process's session, this one's if none is named, has cost so far.

        A longer session stays: what a killed process kept itself may be older than its ledger, or
        newer.
        """
        key = SESSION_PREFIX + (process or host.process_id())
        if session.wall_s >= self._attrs.get(key, {}).get("wall_s", 0):
            self._study.set_user_attr(key, asdict(session))

    def agree_on(self, terms: Mapping[str, str]) -> None:
        """Hold every session to what the first one set: results of other terms do not compare.

        Raises:
            UserError: the study was begun on other terms.
        """
        begun = self._attrs.get(TERMS_KEY, {})
        for name, value in terms.items():
            if begun.get(name, value) != value:
                raise UserError(
                    f"study {self.name!r} was begun with {name} {begun[name]}, not {value};"
                    " take another --study"
                )
        if not begun.keys() >= terms.keys():
            self._study.set_user_attr(TERMS_KEY, {**begun, **terms})

    def search(
        self,
        space: Space,
        objective: Objective,
        *,
        trials: int,
        seed: int,
        starts: Sequence[Mapping[str, Any]] = (),
        go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """Try configurations until `trials` of them, over all sessions, are finished.

        Multivariate TPE (Ozaki et al. 2022, https://doi.org/10.1613/jair.1.13188) after `starts`.
        A configuration that is finished already is not tried again: its values are reused.

        Args:
            space: parameter -> where its values come from.
            objective: (parameters, trial) -> one value an objective.
            trials: the total, earlier sessions included.
            seed: of the suggestions.
            starts: configurations to try first.
            go_on: asked before each trial; False ends the session.
        """
        for trial in self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            if not _is_dead(trial):
                continue
            if VALUES_KEY in trial.user_attrs:
                self._on_kept(trial.user_attrs[RUN_KEY])
                self._study.tell(trial.number, trial.user_attrs[VALUES_KEY])
            else:
                self._bury(self._study, trial)
                self._study.tell(trial.number, state=TrialState.FAIL)
        for start in starts:
            self._study.enqueue_trial(dict(start), skip_if_exists=True)
        # The same seed for every session would suggest the same points again (optuna#3255).
        self._study.sampler = optuna.samplers.TPESampler(
            multivariate=True, constant_liar=True, seed=seed + len(self._study.trials)
        )
        in_vain, done = 0, len(self.finished)
        while done < trials and in_vain < MAX_IN_VAIN and go_on():
            self._study.optimize(lambda trial: self._try(trial, space, objective), n_trials=1)
            before, done = done, len(self.finished)
            in_vain = 0 if done > before else in_vain + 1

    def importances(self) -> dict[str, dict[str, float]]:
        """Objective -> parameter -> share of its variance; empty below four trials.

        fANOVA (Hutter et al. 2014) on a random forest. Optuna's default, PED-ANOVA, looks at the
        best tenth alone: of ten trials, at one.
        """
        if len(self.finished) < 4:
            return {}
        shares = {
            name: get_param_importances(
                self._study, evaluator=FanovaImportanceEvaluator(seed=0), target=_value_at(position)
            )
            for position, name in enumerate(self._study.metric_names or [])
        }
        return {name: {k: float(v) for k, v in share.items()} for name, share in shares.items()}

    @property
    def _attrs(self) -> dict[str, Any]:
        return self._study.user_attrs

    def _try(self, trial: optuna.Trial, space: Space, objective: Objective) -> tuple[float, ...]:
        trial.set_user_attr(PROCESS_KEY, host.process_id())
        params = {name: _suggest(trial, name, range_) for name, range_ in space.items()}
        twin = next((t for t in self.finished if t.params == params), None)
        if twin:
            trial.set_user_attr(REUSED_KEY, twin.number)
            return twin.values
        try:
            return objective(params, Trial(trial.number, trial))
        except PassedOver as reason:
            raise optuna.TrialPruned(str(reason)) from reason

    def _bury(self, study: optuna.Study, trial: FrozenTrial) -> None:
        if RUN_KEY in trial.user_attrs:
            self._on_dead(trial.user_attrs[RUN_KEY])
        self._retry(study, trial)


def _is_dead(trial: FrozenTrial) -> bool:
    """Whether the process of a running trial is gone; it may have died before it gave its name."""
    if PROCESS_KEY in trial.user_attrs:
        return host.is_dead(trial.user_attrs[PROCESS_KEY]) is True
    started = trial.datetime_start or datetime.min
    return datetime.now() - started > timedelta(seconds=GRACE_S)


def _value_at(position: int) -> Callable[[FrozenTrial], float]:
    return lambda trial: trial.values[position]


def _suggest(trial: optuna.Trial, name: str, values: Choice | Whole | Real) -> Any:
    if isinstance(values, Choice):
        return trial.suggest_categorical(name, values.options)
    if isinstance(values, Whole):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return rounded(trial.suggest_float(name, values.low, values.high, log=values.log))
