"""Trials whose process is gone: what was kept is finished, and the rest is tried again."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RetryHeartbeatStaleTrialCallback, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState

from ecotrack import host
from ecotrack.search.storage import GRACE_S
from ecotrack.search.trials import PROCESS_KEY, REPEAT_KEY, RUN_KEY, STOPPED_KEY, VALUES_KEY

MAX_RETRIES = 3  # of a configuration whose process died: it may be what kills it


class DeadTrials:
    """Sees to the dead trials of a study.

    Args:
        on_dead: told the run id of each.
        on_kept: told the run id of each whose process died after its result was kept.
    """

    def __init__(self, on_dead: Callable[[str], None], on_kept: Callable[[str], None]) -> None:
        self._on_dead, self._on_kept = on_dead, on_kept
        self._retry = RetryHeartbeatStaleTrialCallback(max_retry=MAX_RETRIES)

    def see_to(self, study: optuna.Study, running: Sequence[FrozenTrial]) -> None:
        """Finish what was kept, and put the rest in the queue.

        Processes of this machine are looked for; of others, the heartbeats tell.
        """
        for trial in running:
            if not _is_dead(trial):
                continue
            with _unless_others_did():
                if VALUES_KEY in trial.user_attrs:
                    self._on_kept(trial.user_attrs[RUN_KEY])
                    study.tell(trial.number, trial.user_attrs[VALUES_KEY])
                elif STOPPED_KEY in trial.user_attrs:
                    self._on_kept(trial.user_attrs[RUN_KEY])
                    study.tell(trial.number, state=TrialState.PRUNED)
                else:
                    study.tell(trial.number, state=TrialState.FAIL)
                    self.bury(study, trial)
        fail_stale_trials(study)

    def bury(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Tell that one is dead, and put what it tried in the queue, if that was not too often."""
        if RUN_KEY in trial.user_attrs:
            self._on_dead(trial.user_attrs[RUN_KEY])
        # What the dead one kept of itself would be taken for its successor's.
        fresh = copy.copy(trial)
        fresh.user_attrs = {k: v for k, v in trial.user_attrs.items() if k == REPEAT_KEY}
        self._retry(study, fresh)


def _is_dead(trial: FrozenTrial) -> bool:
    """Whether the process of a running trial is gone; it may have died before it gave its name."""
    if PROCESS_KEY in trial.user_attrs:
        return host.is_dead(trial.user_attrs[PROCESS_KEY]) is True
    started = trial.datetime_start or datetime.min
    return datetime.now() - started > timedelta(seconds=GRACE_S)


@contextmanager
def _unless_others_did() -> Iterator[None]:
    """Another process may see to the same dead trial, and be the first."""
    with suppress(UpdateFinishedTrialError, ValueError):
        yield
