"""The trials of a study, as its store has them and as ours."""

from __future__ import annotations

import gc
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
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

NUMBER = attrgetter("number")


class Trials:
    """Those of a study that are finished, given up, under way or in the queue.

    Each question to the store takes some 10 ms, and of thousands of trials few have changed: what
    has come to its end is read once.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._hardware = host.hardware()
        self._trials: Sequence[FrozenTrial] = ()  # all, as last read
        self._open: list[FrozenTrial] = []  # of these, what is under way or in the queue
        self._finished: list[Finished] = []
        self._stopped: list[Stopped] = []
        self._repeats: dict[int, list[Finished]] = {}
        self._is_held = False

    @property
    def finished(self) -> list[Finished]:
        """Trials carried out to their end, in order; no repeats, and no reused results."""
        self._look()
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
        self._look()
        return {number: [*again] for number, again in self._repeats.items()}

    @property
    def results(self) -> list[list[Finished]]:
        """Each finished trial with its repeats, the first result first."""
        self._look()
        return [[trial, *self._repeats.get(trial.number, ())] for trial in self._finished]

    @property
    def stopped(self) -> list[Stopped]:
        """What was given up on the way, in order; no repeats."""
        self._look()
        return [*self._stopped]

    @property
    def tried(self) -> int:
        """How many configurations were tried, to the end or until they were given up."""
        self._look()
        return len(self._finished) + len(self._stopped)

    @property
    def running(self) -> list[FrozenTrial]:
        """What is under way, as the store has it."""
        self._look()
        return [trial for trial in self._open if trial.state is TrialState.RUNNING]

    @property
    def reserved_g(self) -> float:
        """What is set aside of the budget for the trials that other processes run, grams."""
        own = host.process_id()
        kept = [trial.user_attrs for trial in self.running]
        return sum(of.get(RESERVED_KEY, 0.0) for of in kept if of.get(PROCESS_KEY) != own)

    @property
    def waiting(self) -> bool:
        """Whether a configuration is in the queue: a start, or one whose process died."""
        self._look()
        return any(trial.state is TrialState.WAITING for trial in self._open)

    def is_short(self, of: int, before: int | None = None) -> bool:
        """Whether fewer trials than `of` are done or begun; of those with numbers below `before`.

        Of many processes that see a study one trial short, each begins one. The numbers, which
        the store gives out one by one, tell whose is too many.
        """
        self._look()
        queue = before is not None  # what waits has its number already
        begun = [t for t in self._open if counts(t) or (queue and t.state is TrialState.WAITING)]
        several: list[Sequence[Finished | Stopped | FrozenTrial]]
        several = [self._finished, self._stopped, begun]
        if before is not None:
            several = [some[: bisect_left(some, before, key=NUMBER)] for some in several]
        return sum(map(len, several)) < of

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Look at the study as it is now, however often it is asked in this block.

        What is waited for is not seen.
        """
        self._look()
        outer, self._is_held = self._is_held, True
        try:
            yield
        finally:
            self._is_held = outer

    def _look(self) -> None:
        """Ask the store how things stand, unless they are held."""
        if self._is_held:
            return
        with nullcontext() if self._trials else staying():
            self._take_in(self._study.get_trials(deepcopy=False))

    def _take_in(self, trials: Sequence[FrozenTrial]) -> None:
        """Read what is new, and what has come to its end: it never changes again."""
        again = [trials[trial.number] for trial in self._open]
        asked = [*again, *trials[len(self._trials) :]]
        self._trials, self._open = trials, []
        for trial in asked:
            kept = trial.user_attrs
            repeat = kept.get(REPEAT_KEY)
            if not trial.state.is_finished():
                self._open.append(trial)
            elif trial.state is TrialState.COMPLETE and REUSED_KEY not in kept:
                beside = self._repeats.setdefault(repeat["of"], []) if repeat else self._finished
                insort(beside, finished(trial, self._hardware), key=NUMBER)
            elif trial.state is TrialState.PRUNED and STOPPED_KEY in kept and not repeat:
                insort(self._stopped, stopped(trial, self._hardware), key=NUMBER)


@contextmanager
def staying() -> Iterator[None]:
    """Make objects that stay: looking for garbage among them takes as long as making them."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
