"""A trial of a study: under way, as its objective sees it, and finished, as everybody does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from ecotrack.search.space import Choice, Values, Whole, rounded

# What is kept of a trial in the study's file.
RUN_KEY, VALUES_KEY, CURVE_KEY, COSTS_KEY = "mlflow_run_id", "values", "curve", "costs_g"
SPENT_KEY, STOPPED_KEY, REPEAT_KEY = "spent_g", "stopped", "repeat"
HARDWARE_KEY, PROCESS_KEY, REUSED_KEY = "hardware", "process", "reused_from"
RESERVED_KEY, NAME_KEY = "reserved_g", "name"

Verdict = Callable[[Sequence[float], Sequence[float]], str | None]


class PassedOver(Exception):  # noqa: N818 - no error, an answer
    """Raised by an objective that does not carry this configuration to its end."""


@dataclass(frozen=True)
class Trial:
    """The trial under way, as its objective sees it.

    Attributes:
        number: of all trials of the study.
        repeat: 0, or which new seed a finished configuration is tried again with.
        repeat_of: number of the trial that found it, or None.
    """

    number: int
    repeat: int
    repeat_of: int | None
    _trial: optuna.Trial
    _verdict: Verdict = lambda curve, costs_g: None
    _curve: list[float] = field(default_factory=list)
    _costs_g: list[float] = field(default_factory=list)

    def under(self, verdict: Verdict) -> Trial:
        """The same trial, which `verdict`, told accuracies and grams by epoch, may give up."""
        return replace(self, _verdict=verdict)

    def goes_on(self, accuracy: float, cost_g: float) -> bool:
        """Whether to train another epoch, after one that led to this accuracy.

        Args:
            accuracy: on validation images.
            cost_g: grams of training so far, this epoch and those before.
        """
        self._curve.append(accuracy)
        self._costs_g.append(cost_g)
        reason = self._verdict(self._curve, self._costs_g)
        if reason:
            self._keep_curve()
            self._trial.set_user_attr(STOPPED_KEY, reason)
        return not reason

    @property
    def stopped(self) -> str | None:
        """Why it was given up, after which epoch; None if it was not."""
        reason = self._trial.user_attrs.get(STOPPED_KEY)
        return reason and f"after epoch {len(self._curve)}: {reason}"

    def remember(self, run_id: str, name: str = "") -> None:
        """Keep the id and the name of the run in which this trial is recorded."""
        if name:
            self._trial.set_user_attr(NAME_KEY, name)
        self._trial.set_user_attr(RUN_KEY, run_id)

    def keep(self, values: tuple[float, ...]) -> None:
        """Keep the result as soon as its run holds it: a kill from then on loses nothing."""
        self._keep_curve()
        self._trial.set_user_attr(VALUES_KEY, values)

    @property
    def reserved_g(self) -> float:
        """What is set aside of the budget for it while it runs, grams."""
        return float(self._trial.user_attrs.get(RESERVED_KEY, 0.0))

    def reserve(self, grams: float) -> None:
        """Set so much of the budget aside for it, as a whole; other processes leave that alone."""
        self._trial.set_user_attr(RESERVED_KEY, grams)

    def charge(self, spent_g: float) -> None:
        """Keep what the trial cost as a whole, set-up and evaluation included, grams."""
        self._trial.set_user_attr(SPENT_KEY, spent_g)

    def _keep_curve(self) -> None:
        self._trial.set_user_attr(CURVE_KEY, self._curve)
        self._trial.set_user_attr(COSTS_KEY, self._costs_g)


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
        costs_g: grams of training until the end of each epoch.
        spent_g: its whole cost; None where that is not known.
        hardware: the kind of machine; empty where that is not known.
        name: of its run when it began; else its number.
    """

    number: int
    params: Mapping[str, Any]
    values: tuple[float, ...]
    run_id: str
    curve: tuple[float, ...] = ()
    costs_g: tuple[float, ...] = ()
    spent_g: float | None = None
    hardware: str = ""
    name: str = ""

    @property
    def besides_training_g(self) -> float | None:
        """What building, tracing and validating took, grams; None where that is not known."""
        return self.spent_g - self.costs_g[-1] if self.spent_g and self.costs_g else None


@dataclass(frozen=True)
class Stopped:
    """A trial that was given up on the way; see `Finished`.

    Attributes:
        reason: why.
    """

    number: int
    params: Mapping[str, Any]
    run_id: str
    curve: tuple[float, ...]
    costs_g: tuple[float, ...]
    spent_g: float | None
    reason: str
    hardware: str = ""
    name: str = ""


def finished(trial: FrozenTrial, hardware: str) -> Finished:
    """A complete trial of Optuna's as ours; on what `hardware`, if it does not say."""
    return Finished(values=tuple(trial.values), **_known(trial, hardware))


def stopped(trial: FrozenTrial, hardware: str) -> Stopped:
    """A trial of Optuna's that was given up as ours; likewise."""
    return Stopped(reason=trial.user_attrs[STOPPED_KEY], **_known(trial, hardware))


def params_of(trial: FrozenTrial) -> dict[str, Any]:
    """What was tried, as it was handed out."""
    return {name: rounded(value) for name, value in trial.params.items()}


def _known(trial: FrozenTrial, hardware: str) -> dict[str, Any]:
    kept = trial.user_attrs
    return {
        "number": trial.number,
        "params": params_of(trial),
        "run_id": kept.get(RUN_KEY, ""),
        "curve": tuple(kept.get(CURVE_KEY, ())),
        "costs_g": tuple(kept.get(COSTS_KEY, ())),
        "spent_g": kept.get(SPENT_KEY),
        "hardware": kept.get(HARDWARE_KEY, hardware),
        "name": kept.get(NAME_KEY, f"{trial.number:02d}"),
    }


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial is one of the number asked for: done, given up on the way, or under way."""
    if REPEAT_KEY in trial.user_attrs or REUSED_KEY in trial.user_attrs:
        return False
    done = trial.state in (TrialState.COMPLETE, TrialState.RUNNING)
    return done or (trial.state == TrialState.PRUNED and STOPPED_KEY in trial.user_attrs)


def suggest(trial: optuna.Trial, name: str, values: Values) -> Any:
    """What Optuna's sampler suggests for a parameter."""
    if isinstance(values, Choice):
        return trial.suggest_categorical(name, values.options)
    if isinstance(values, Whole):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return rounded(trial.suggest_float(name, values.low, values.high, log=values.log))
