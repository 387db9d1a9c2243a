"""A trial of a study: under way, as its objective sees it, and finished, as everybody does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from ecotrack.space import rounded

# What is kept of a trial in the study's file.
RUN_KEY, VALUES_KEY, CURVE_KEY = "mlflow_run_id", "values", "curve"
SPENT_KEY, STOPPED_KEY, REPEAT_KEY = "spent_g", "stopped", "repeat"


class PassedOver(Exception):  # noqa: N818 - no error, an answer
    """Raised by an objective that does not carry this configuration to its end."""


@dataclass(frozen=True)
class Trial:
    """The trial under way, as its objective sees it.

    Attributes:
        number: of all trials of the study.
        repeat: 0, or which new seed a finished configuration is tried again with.
    """

    number: int
    repeat: int
    _trial: optuna.Trial
    _verdict: Callable[[Sequence[float], float], str | None] = lambda curve, cost_g: None

    def under(self, verdict: Callable[[Sequence[float], float], str | None]) -> Trial:
        """The same trial, which `verdict` (curve, grams of training) may give up, saying why."""
        return replace(self, _verdict=verdict)

    def goes_on(self, curve: Sequence[float], cost_g: float) -> bool:
        """Whether to train another epoch.

        Args:
            curve: accuracy after each epoch so far.
            cost_g: grams of training so far.
        """
        reason = self._verdict(curve, cost_g)
        if reason:
            self._trial.set_user_attr(STOPPED_KEY, {"epoch": len(curve), "reason": reason})
        return not reason

    @property
    def stopped(self) -> str | None:
        """Why it was given up, after which epoch; None if it was not."""
        given_up = self._trial.user_attrs.get(STOPPED_KEY)
        return given_up and f"after epoch {given_up['epoch']}: {given_up['reason']}"

    def remember(self, run_id: str) -> None:
        """Keep the id of the run in which this trial is recorded."""
        self._trial.set_user_attr(RUN_KEY, run_id)

    def keep(self, values: tuple[float, ...], curve: Sequence[float] = ()) -> None:
        """Keep the result as soon as its run holds it: a kill from then on loses nothing.

        `curve`: the accuracy after each epoch.
        """
        self._trial.set_user_attr(CURVE_KEY, list(curve))
        self._trial.set_user_attr(VALUES_KEY, values)

    def charge(self, spent_g: float) -> None:
        """Keep what the trial cost as a whole, set-up and evaluation included, grams."""
        self._trial.set_user_attr(SPENT_KEY, spent_g)


Objective = Callable[[dict[str, Any], Trial], tuple[float, ...]]


@dataclass(frozen=True)
class Finished:
    """A trial that was carried out to its end.

    Attributes:
        number: of all trials.
        params: what was tried.
        values: one an objective.
        run_id: where it is recorded.
        curve: accuracy after each epoch; empty where that is not known.
        spent_g: its whole cost; None where that is not known.
    """

    number: int
    params: Mapping[str, Any]
    values: tuple[float, ...]
    run_id: str
    curve: tuple[float, ...] = ()
    spent_g: float | None = None


def finished(trial: FrozenTrial) -> Finished:
    """A complete trial of Optuna's as ours."""
    return Finished(
        trial.number,
        params_of(trial),
        tuple(trial.values),
        trial.user_attrs.get(RUN_KEY, ""),
        tuple(trial.user_attrs.get(CURVE_KEY, ())),
        trial.user_attrs.get(SPENT_KEY),
    )


def params_of(trial: FrozenTrial) -> dict[str, Any]:
    """What was tried, as it was handed out."""
    return {name: rounded(value) for name, value in trial.params.items()}
