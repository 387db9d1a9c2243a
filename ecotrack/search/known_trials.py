"""The trials of a study, as its store has them and as ours."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import optuna
from optuna.trial import FrozenTrial, TrialState

from ecotrack import host
from ecotrack.search.trials import (
    PROCESS_KEY,
    REPEAT_KEY,
    RESERVED_KEY,
    REUSED_KEY,
    STOPPED_KEY,
    Finished,
    Stopped,
    counts,
    finished,
    stopped,
    was_tried,
)


class Trials:
    """Those of a study that are finished, given up, under way or in the queue.

    Each question to the store takes some 10 ms; what was read once is only brought up to date.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._hardware = host.hardware()
        self._known: dict[int, Finished] = {}
        self._is_read = False
        self._seen: list[FrozenTrial] | None = None

    @property
    def finished(self) -> list[Finished]:
        """Trials carried out to their end, in order; no repeats, and no reused results."""
        return self._finished_of(self._complete)

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
        return self._repeats_of(self._complete)

    @property
    def results(self) -> list[list[Finished]]:
        """Each finished trial with its repeats, the first result first."""
        complete = self._complete  # asked once: each time is a question to the store
        repeats = self._repeats_of(complete)
        return [[trial, *repeats.get(trial.number, [])] for trial in self._finished_of(complete)]

    @property
    def tried(self) -> int:
        """How many configurations were tried, to the end or until they were given up."""
        return sum(map(was_tried, self._trials(TrialState.COMPLETE, TrialState.PRUNED)))

    @property
    def stopped(self) -> list[Stopped]:
        """What was given up on the way, in order."""
        pruned = self._trials(TrialState.PRUNED)
        return [
            stopped(trial, self._hardware) for trial in pruned if STOPPED_KEY in trial.user_attrs
        ]

    @property
    def reserved_g(self) -> float:
        """What is set aside of the budget for the trials that other processes run, grams."""
        own = host.process_id()
        running = self._trials(TrialState.RUNNING)
        kept = [trial.user_attrs for trial in running]
        return sum(of.get(RESERVED_KEY, 0.0) for of in kept if of.get(PROCESS_KEY) != own)

    @property
    def waiting(self) -> bool:
        """Whether a configuration is in the queue: a start, or one whose process died."""
        return bool(self._trials(TrialState.WAITING))

    def is_short(self, of: int, before: int | None = None) -> bool:
        """Whether fewer trials than `of` are done or begun; of those with numbers below `before`.

        Of many processes that see a study one trial short, each begins one. The numbers, which
        the store gives out one by one, tell whose is too many.
        """
        counted = sum(
            before is None or (trial.number < before)
            for trial in self._trials()
            if counts(trial) or (before is not None and trial.state == TrialState.WAITING)
        )
        return counted < of

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Look at the study as it is now, however often it is asked in this block.

        Each question to the store takes some 10 ms; what is waited for is not seen.
        """
        self._seen = self._read()
        try:
            yield
        finally:
            self._seen = None

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Those in one of these states, or all."""
        trials = self._read() if self._seen is None else self._seen
        return [trial for trial in trials if trial.state in states] if states else trials

    def _read(self) -> list[FrozenTrial]:
        """All trials; once they were read, only what may have changed is asked for."""
        if self._is_read:
            return self._study.get_trials(deepcopy=False)
        with staying():
            trials = self._study.get_trials(deepcopy=False)
        self._is_read = True
        return trials

    @property
    def _complete(self) -> list[FrozenTrial]:
        complete = self._trials(TrialState.COMPLETE)
        return [trial for trial in complete if REUSED_KEY not in trial.user_attrs]

    def _finished_of(self, complete: Sequence[FrozenTrial]) -> list[Finished]:
        return [self._as_ours(t) for t in complete if REPEAT_KEY not in t.user_attrs]

    def _repeats_of(self, complete: Sequence[FrozenTrial]) -> dict[int, list[Finished]]:
        found: dict[int, list[Finished]] = {}
        for trial in complete:
            if again := trial.user_attrs.get(REPEAT_KEY):
                found.setdefault(again["of"], []).append(self._as_ours(trial))
        return found

    def _as_ours(self, trial: FrozenTrial) -> Finished:
        """What is complete never changes: of hundreds of trials, each is read once."""
        if trial.number not in self._known:
            self._known[trial.number] = finished(trial, self._hardware)
        return self._known[trial.number]


@contextmanager
def staying() -> Iterator[None]:
    """Make objects that stay: looking for garbage among them takes as long as making them."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
