"""Optuna, spoken once: a study of several objectives that any number of sessions carry on.

A study lives in one SQLite file, or in PostgreSQL where many machines search at once. Kill a
process at any moment: finished trials are kept, and another one retries what died.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from ecotrack import database, host
from ecotrack.cli import UserError
from ecotrack.measurement import Measurement, from_fields
from ecotrack.search.dead_trials import DeadTrials
from ecotrack.search.importances import importances
from ecotrack.search.known_trials import Trials
from ecotrack.search.samplers import Picking, Sampler, sampler
from ecotrack.search.space import Space, configuration
from ecotrack.search.storage import Direction, patiently, study_in, url_of
from ecotrack.search.trials import (
    HARDWARE_KEY,
    PROCESS_KEY,
    REPEAT_KEY,
    REUSED_KEY,
    RUN_KEY,
    Objective,
    PassedOver,
    Trial,
    counts,
    suggest,
)

optuna.logging.set_verbosity(optuna.logging.WARNING)
# Heartbeats, their retry, metric names and TPE's groups: experimental, and all that Optuna offers.
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

REFERENCE_KEY, TERMS_KEY = "reference_g", "terms"
SESSION_PREFIX = "session/"


class Study(Trials):
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
        self._on_dead = on_dead
        self._dead = DeadTrials(on_dead, on_kept)
        self._url = url_of(place)
        super().__init__(study_in(place, name, directions, self._dead.bury))

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
        self._dead.see_to(self._study, self.running)

    def wait_for(self, params: Mapping[str, Any], repeat_of: int | None = None) -> None:
        """Put a configuration in the queue; `repeat_of` the trial that is to be tried again."""
        if repeat_of is None:
            self._study.enqueue_trial(dict(params), skip_if_exists=True)
        else:
            done = len(self.repeats.get(repeat_of, []))
            repeat = {REPEAT_KEY: {"of": repeat_of, "seed": done + 1}}
            self._study.enqueue_trial(dict(params), user_attrs=repeat)

    def sample_by(self, kind: Sampler, seed: int, space: Space, pick: Any = None) -> None:
        """Choose who suggests configurations; `pick`, if given, takes one of many suggestions."""
        # The same seed for every session would suggest the same points again (optuna#3255).
        self._look()
        fresh = seed + len(self._trials)
        base = sampler(kind, fresh)
        self._study.sampler = Picking(base, space, pick, fresh) if pick else base

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
        return counts(self._frozen(begun[0]))

    def importances(self) -> dict[str, dict[str, float]]:
        """Objective -> parameter -> share of its variance; empty below four trials."""
        return importances(self._study) if len(self.finished) >= 4 else {}

    @property
    def _attrs(self) -> dict[str, Any]:
        return self._study.user_attrs

    def _try(self, trial: optuna.Trial, space: Space, objective: Objective) -> tuple[float, ...]:
        trial.set_user_attr(PROCESS_KEY, host.process_id())
        trial.set_user_attr(HARDWARE_KEY, self._hardware)
        params = configuration(space, lambda name, values: suggest(trial, name, values))
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
        self._look()
        return self._trials[trial.number]
