"""The trials of a study, as its store has them and as ours."""

from __future__ import annotations

import gc
from bisect import insort
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter

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
)


class Trials:
    """Those of a study that are finished, given up, under way or in the queue.

    Each question to the store takes some 10 ms; what was read once is only brought up to date.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._hardware = host.hardware()
        self._complete: set[int] = set()  # numbers of those that were taken in
        self._finished: list[Finished] = []
        self._repeats: dict[int, list[Finished]] = {}
        self._is_read = False
        self._seen: list[FrozenTrial] | None = None

    @property
    def finished(self) -> list[Finished]:
        """Trials carried out to their end, in order; no repeats, and no reused results."""
        self._take_in(self._trials())
        return [*self._finished]

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
        self._take_in(self._trials())
        return {number: [*again] for number, again in self._repeats.items()}

    @property
    def results(self) -> list[list[Finished]]:
        """Each finished trial with its repeats, the first result first."""
        self._take_in(self._trials())
        return [[trial, *self._repeats.get(trial.number, ())] for trial in self._finished]

    @property
    def tried(self) -> int:
        """How many configurations were tried, to the end or until they were given up."""
        with self.at_once():
            given_up = self._trials(TrialState.PRUNED)
            return len(self.finished) + sum(STOPPED_KEY in t.user_attrs for t in given_up)

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

        What is waited for is not seen.
        """
        outer = self._seen
        self._seen = outer or self._read()
        try:
            yield
        finally:
            self._seen = outer

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
            self._take_in(trials)
        self._is_read = True
        return trials

    def _take_in(self, trials: Sequence[FrozenTrial]) -> None:
        """Read what is complete and was not: of thousands of trials, none ever changes again."""
        done = [t for t in trials if t.state is TrialState.COMPLETE]
        for trial in [trial for trial in done if trial.number not in self._complete]:
            self._complete.add(trial.number)
            if REUSED_KEY in trial.user_attrs:
                continue
            again = trial.user_attrs.get(REPEAT_KEY)
            beside = self._repeats.setdefault(again["of"], []) if again else self._finished
            insort(beside, finished(trial, self._hardware), key=attrgetter("number"))


@contextmanager
def staying() -> Iterator[None]:
    """Make objects that stay: looking for garbage among them takes as long as making them."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
