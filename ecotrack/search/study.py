"""Optuna, spoken once: a study of several objectives that any number of sessions carry on.

A study lives in one SQLite file, or in PostgreSQL where many machines search at once. Kill a
process at any moment: finished trials are kept, and another one retries what died.
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.exceptions import OptunaError, UpdateFinishedTrialError
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.storages import RetryHeartbeatStaleTrialCallback, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from ecotrack import database, host
from ecotrack.cli import UserError
from ecotrack.measurement import Measurement, from_fields
from ecotrack.metrics import READABLE, SCHEMA
from ecotrack.search.samplers import Picking, Sampler, sampler
from ecotrack.search.space import Choice, Space, Values, Whole, configuration, rounded
from ecotrack.search.storage import GRACE_S, patiently, storage
from ecotrack.search.trials import (
    HARDWARE_KEY,
    REPEAT_KEY,
    RESERVED_KEY,
    RUN_KEY,
    STOPPED_KEY,
    VALUES_KEY,
    Finished,
    Objective,
    PassedOver,
    Stopped,
    Trial,
    finished,
    stopped,
)

optuna.logging.set_verbosity(optuna.logging.WARNING)
# Heartbeats, their retry, metric names and TPE's groups: experimental, and all that Optuna offers.
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

MOST_TREES_SEE = 256
MAX_RETRIES = 3  # of a configuration whose process died: it may be what kills it
SCHEMA_KEY, PROCESS_KEY, REUSED_KEY = "schema", "process", "reused_from"
REFERENCE_KEY, TERMS_KEY = "reference_g", "terms"
SESSION_PREFIX = "session/"

Direction = Literal["minimize", "maximize"]


class Study:
    """A named search that any number of sessions carry on.

    Args:
        place: the SQLite file, made when it is not there, or the URL of a PostgreSQL database;
            None keeps the study in memory.
        name: of the study.
        directions: objective name -> `minimize` or `maximize`, in the order of the values.
        on_dead: told the run id of each trial that is found dead.
        on_kept: told the run id of each whose process died after its result was kept.

    Raises:
        UserError: the place cannot be used, or holds this study with other objectives.
    """

    def __init__(
        self,
        place: Path | str | None,
        name: str,
        directions: Mapping[str, Direction],
        on_dead: Callable[[str], None] = lambda run_id: None,
        on_kept: Callable[[str], None] = lambda run_id: None,
    ) -> None:
        self.name = name
        self._on_dead, self._on_kept = on_dead, on_kept
        self._known: dict[int, Finished] = {}
        self._hardware = host.hardware()
        self._retry = RetryHeartbeatStaleTrialCallback(max_retry=MAX_RETRIES)
        self._url = url_of(place)
        if isinstance(place, Path) and not _is_writable(place):
            raise UserError(f"the study store {place} cannot be written")
        try:
            self._study = optuna.create_study(
                storage=storage(self._url, self._bury) if place else None,
                study_name=name,
                directions=list(directions.values()),
                load_if_exists=True,
            )
        except (OptunaError, RuntimeError, ValueError, SQLAlchemyError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"the study store {place} cannot be used: {reason}") from error
        begun = self._study.metric_names or list(directions)
        if [d.name.lower() for d in self._study.directions] != list(directions.values()) or (
            begun != list(directions)
        ):
            raise UserError(f"study {name!r} in {place} has other objectives; take another --study")
        if self._attrs.get(SCHEMA_KEY, SCHEMA) not in READABLE:
            raise UserError(f"study {name!r} in {place} was written by another version of ecotrack")
        self._study.set_user_attr(SCHEMA_KEY, SCHEMA)
        self._study.set_metric_names(list(directions))

    @property
    def objectives(self) -> int:
        """How many there are."""
        return len(self._study.directions)

    @property
    def run_id(self) -> str | None:
        """The id of the run that stands for this study, for ever."""
        return self._attrs.get(RUN_KEY)

    @run_id.setter
    def run_id(self, run_id: str) -> None:
        self._study.set_user_attr(RUN_KEY, run_id)

    @property
    def reference_g(self) -> tuple[float, ...] | None:
        """The costs from which hypervolume is counted; once recorded, they never move."""
        kept = self._attrs.get(REFERENCE_KEY)
        return (kept,) if isinstance(kept, float) else kept and tuple(kept)

    @reference_g.setter
    def reference_g(self, grams: tuple[float, ...]) -> None:
        if REFERENCE_KEY not in self._attrs:
            self._study.set_user_attr(REFERENCE_KEY, grams)

    @property
    def finished(self) -> list[Finished]:
        """Trials carried out to their end, in order; no repeats, and no reused results."""
        return [self._as_ours(t) for t in self._complete if REPEAT_KEY not in t.user_attrs]

    @property
    def comparable(self) -> list[Finished]:
        """Finished trials of machines like this one: what the others cost says nothing here."""
        return [trial for trial in self.finished if self.compares(trial)]

    def compares(self, trial: Finished | Stopped) -> bool:
        """Whether a trial ran on a machine like this one."""
        return trial.hardware == self._hardware

    @property
    def repeats(self) -> dict[int, list[Finished]]:
        """Number of a finished trial -> its repeats with other seeds, in order."""
        found: dict[int, list[Finished]] = {}
        for trial in self._complete:
            if REPEAT_KEY in trial.user_attrs:
                found.setdefault(trial.user_attrs[REPEAT_KEY]["of"], []).append(
                    self._as_ours(trial)
                )
        return found

    @property
    def results(self) -> list[list[Finished]]:
        """Each finished trial with its repeats, the first result first."""
        repeats = self.repeats
        return [[trial, *repeats.get(trial.number, [])] for trial in self.finished]

    @property
    def stopped(self) -> list[Stopped]:
        """What was given up on the way, in order."""
        pruned = self._study.get_trials(deepcopy=False, states=[TrialState.PRUNED])
        return [
            stopped(trial, self._hardware) for trial in pruned if STOPPED_KEY in trial.user_attrs
        ]

    @property
    def cost(self) -> Measurement:
        """What all sessions have cost so far."""
        kept = (v for k, v in self._attrs.items() if k.startswith(SESSION_PREFIX))
        return sum((from_fields(fields) for fields in kept), Measurement())

    def cost_with(self, own: Measurement) -> Measurement:
        """The same, with this process's share as it is now and not as it was kept."""
        kept = {k: v for k, v in self._attrs.items() if k.startswith(SESSION_PREFIX)}
        kept[SESSION_PREFIX + host.process_id()] = asdict(own)
        return sum(map(from_fields, kept.values()), Measurement())

    @property
    def reserved_g(self) -> float:
        """What is set aside of the budget for the trials that other processes run, grams."""
        own = host.process_id()
        running = self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
        kept = [trial.user_attrs for trial in running]
        return sum(of.get(RESERVED_KEY, 0.0) for of in kept if of.get(PROCESS_KEY) != own)

    @property
    def own_cost(self) -> Measurement:
        """What this process's earlier shares have cost."""
        kept = self._attrs.get(SESSION_PREFIX + host.process_id())
        return from_fields(kept) if kept else Measurement()

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
        with self.alone():
            begun = self._attrs.get(TERMS_KEY, {})
            for name, value in terms.items():
                if begun.get(name, value) != value:
                    raise UserError(
                        f"study {self.name!r} was begun with {name} {begun[name]}, not {value};"
                        " take another --study"
                    )
            if not begun.keys() >= terms.keys():
                self._study.set_user_attr(TERMS_KEY, {**begun, **terms})

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the study's store: no other process is in such a block of it meanwhile."""
        with ExitStack() as held:
            patiently(lambda: held.enter_context(database.alone(self._url)))()
            yield

    def wake(self) -> None:
        """See to the trials of dead processes: what was kept is finished, the rest is retried.

        Processes of this machine are looked for; of others, the heartbeats tell.
        """
        for trial in self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            if not _is_dead(trial):
                continue
            with _unless_others_did():
                if VALUES_KEY in trial.user_attrs:
                    self._on_kept(trial.user_attrs[RUN_KEY])
                    self._study.tell(trial.number, trial.user_attrs[VALUES_KEY])
                elif STOPPED_KEY in trial.user_attrs:
                    self._on_kept(trial.user_attrs[RUN_KEY])
                    self._study.tell(trial.number, state=TrialState.PRUNED)
                else:
                    self._study.tell(trial.number, state=TrialState.FAIL)
                    self._bury(self._study, trial)
        fail_stale_trials(self._study)

    def wait_for(self, params: Mapping[str, Any], repeat_of: int | None = None) -> None:
        """Put a configuration in the queue; `repeat_of` the trial that is to be tried again."""
        if repeat_of is None:
            self._study.enqueue_trial(dict(params), skip_if_exists=True)
        else:
            done = len(self.repeats.get(repeat_of, []))
            repeat = {REPEAT_KEY: {"of": repeat_of, "seed": done + 1}}
            self._study.enqueue_trial(dict(params), user_attrs=repeat)

    @property
    def waiting(self) -> bool:
        """Whether a configuration is in the queue: a start, or one whose process died."""
        return bool(self._study.get_trials(deepcopy=False, states=[TrialState.WAITING]))

    def sample_by(self, kind: Sampler, seed: int, space: Space, pick: Any = None) -> None:
        """Choose who suggests configurations; `pick`, if given, takes one of many suggestions."""
        # The same seed for every session would suggest the same points again (optuna#3255).
        fresh = seed + len(self._study.trials)
        base = sampler(kind, fresh)
        self._study.sampler = Picking(base, space, pick, fresh) if pick else base

    def is_short(self, of: int, before: int | None = None) -> bool:
        """Whether fewer trials than `of` are done or begun; of those with numbers below `before`.

        Of many processes that see a study one trial short, each begins one. The numbers, which
        the store gives out one by one, tell whose is too many.
        """
        counted = sum(
            before is None or (trial.number < before)
            for trial in self._study.get_trials(deepcopy=False)
            if _counts(trial) or (before is not None and trial.state == TrialState.WAITING)
        )
        return counted < of

    def attempt(self, space: Space, objective: Objective, of: int | None = None) -> bool:
        """Try the next configuration, of the queue or as suggested.

        What is finished already, or was repeated with this seed, is not tried again: its values are
        reused. A trial that was taken for dead meanwhile, and is tried elsewhere, does not report.

        Args:
            space: what may be tried.
            objective: of the search.
            of: leave the trial to others if so many were begun before it.

        Returns:
            Whether that is one more that was tried to its end, or given up on the way.
        """
        begun: list[optuna.Trial] = []
        raised: list[Exception] = []

        def trying(trial: optuna.Trial) -> tuple[float, ...]:
            begun.append(trial)
            try:
                if of is not None and not self.is_short(of, before=trial.number):
                    raise optuna.TrialPruned("enough were begun before")
                return self._try(trial, space, objective)
            except Exception as error:
                raised.append(error)
                raise

        try:
            self._study.optimize(trying, n_trials=1)
        except Exception as error:
            # What the store refuses comes as Optuna's own error, in place of the objective's.
            refused = begun and error not in raised
            if not refused or self._frozen(begun[0]).state != TrialState.FAIL:
                raise
            with suppress(KeyError):
                self._on_dead(begun[0].user_attrs[RUN_KEY])
            return False
        return _counts(self._frozen(begun[0]))

    def importances(self) -> dict[str, dict[str, float]]:
        """Objective -> parameter -> share of its variance; empty below four trials.

        fANOVA (Hutter et al. 2014) on a random forest, of 256 trials at most: it takes a second
        for each hundred. Optuna's default, PED-ANOVA, looks at the best tenth alone: of ten
        trials, at one.
        """
        if len(self.finished) < 4:
            return {}
        known = self._sample(MOST_TREES_SEE)
        shares = {
            name: get_param_importances(
                known, evaluator=FanovaImportanceEvaluator(seed=0), target=_value_at(position)
            )
            for position, name in enumerate(self._study.metric_names or [])
        }
        return {name: {k: float(v) for k, v in share.items()} for name, share in shares.items()}

    def _sample(self, most: int) -> optuna.Study:
        """This study, or a copy in memory of so many of its finished trials, evenly spread."""
        complete = self._study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        if len(complete) <= most:
            return self._study
        copied = optuna.create_study(directions=self._study.directions)
        copied.add_trials(complete[number * len(complete) // most] for number in range(most))
        return copied

    @property
    def _attrs(self) -> dict[str, Any]:
        return self._study.user_attrs

    @property
    def _complete(self) -> list[FrozenTrial]:
        complete = self._study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        return [trial for trial in complete if REUSED_KEY not in trial.user_attrs]

    def _as_ours(self, trial: FrozenTrial) -> Finished:
        """What is complete never changes: of hundreds of trials, each is read once."""
        if trial.number not in self._known:
            self._known[trial.number] = finished(trial, self._hardware)
        return self._known[trial.number]

    def _try(self, trial: optuna.Trial, space: Space, objective: Objective) -> tuple[float, ...]:
        trial.set_user_attr(PROCESS_KEY, host.process_id())
        trial.set_user_attr(HARDWARE_KEY, self._hardware)
        params = configuration(space, lambda name, values: _suggest(trial, name, values))
        again = trial.user_attrs.get(REPEAT_KEY, {})
        repeat, repeat_of = again.get("seed", 0), again.get("of")
        done = self.repeats.get(repeat_of, []) if repeat else self.comparable
        # The seeds of repeats go up from 1, so that the first ones done are the first seeds.
        twins = done[repeat - 1 : repeat] if repeat else [t for t in done if t.params == params]
        if twins:
            trial.set_user_attr(REUSED_KEY, twins[0].number)
            return twins[0].values
        try:
            return objective(params, Trial(trial.number, repeat, repeat_of, trial))
        except PassedOver as reason:
            raise optuna.TrialPruned(str(reason)) from reason

    def _frozen(self, trial: optuna.Trial) -> FrozenTrial:
        """A trial as the store has it."""
        return self._study.get_trials(deepcopy=False)[trial.number]

    def _bury(self, study: optuna.Study, trial: FrozenTrial) -> None:
        if RUN_KEY in trial.user_attrs:
            self._on_dead(trial.user_attrs[RUN_KEY])
        # What the dead one kept of itself would be taken for its successor's.
        fresh = copy.copy(trial)
        fresh.user_attrs = {k: v for k, v in trial.user_attrs.items() if k == REPEAT_KEY}
        self._retry(study, fresh)


def names(place: Path | str) -> list[str]:
    """The studies that a place holds; none if it is not there."""
    if isinstance(place, Path) and not place.exists():
        return []
    return optuna.get_all_study_names(storage(url_of(place), lambda study, trial: None))


def url_of(place: Path | str | None) -> str:
    """The URL of a study's place; empty for memory."""
    return f"{database.SQLITE}{place}" if isinstance(place, Path) else place or ""


def _is_writable(path: Path) -> bool:
    return os.access(path if path.exists() else path.parent, os.W_OK)


def _counts(trial: FrozenTrial) -> bool:
    """Whether a trial is one of the number asked for: done, given up on the way, or under way."""
    if REPEAT_KEY in trial.user_attrs or REUSED_KEY in trial.user_attrs:
        return False
    done = trial.state in (TrialState.COMPLETE, TrialState.RUNNING)
    return done or (trial.state == TrialState.PRUNED and STOPPED_KEY in trial.user_attrs)


@contextmanager
def _unless_others_did() -> Iterator[None]:
    """Another process may see to the same dead trial, and be the first."""
    with suppress(UpdateFinishedTrialError, ValueError):
        yield


def _is_dead(trial: FrozenTrial) -> bool:
    """Whether the process of a running trial is gone; it may have died before it gave its name."""
    if PROCESS_KEY in trial.user_attrs:
        return host.is_dead(trial.user_attrs[PROCESS_KEY]) is True
    started = trial.datetime_start or datetime.min
    return datetime.now() - started > timedelta(seconds=GRACE_S)


def _value_at(position: int) -> Callable[[FrozenTrial], float]:
    return lambda trial: trial.values[position]


def _suggest(trial: optuna.Trial, name: str, values: Values) -> Any:
    if isinstance(values, Choice):
        return trial.suggest_categorical(name, values.options)
    if isinstance(values, Whole):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return rounded(trial.suggest_float(name, values.low, values.high, log=values.log))
