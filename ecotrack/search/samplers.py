"""How Optuna suggests configurations, and how ours picks one of many suggestions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from ecotrack.search.space import Choice, Space, Values, When, Whole, configuration, draw, rounded

Sampler = Literal["tpe", "nsga2", "random"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)
Pick = Callable[[Sequence[dict[str, Any]]], dict[str, Any] | None]

SUGGESTED, DRAWN = 4, 196  # suggestions of the sampler, and random ones beside them


def sampler(kind: Sampler, seed: int) -> BaseSampler:
    """One of Optuna's.

    TPE is the multivariate one (Ozaki et al. 2022, https://doi.org/10.1613/jair.1.13188), in
    groups, so that a parameter may be there in some configurations only.
    """
    if kind == "nsga2":
        return NSGAIISampler(seed=seed)
    if kind == "random":
        return RandomSampler(seed=seed)
    return TPESampler(multivariate=True, group=True, seed=seed)


class Picking(BaseSampler):
    """Of many suggestions, most of them random, the one that `pick` takes.

    Args:
        base: who suggests.
        space: what may be tried.
        pick: given configurations, one of them; None leaves it to `base`.
        seed: of the random ones.
    """

    def __init__(self, base: BaseSampler, space: Space, pick: Pick, seed: int) -> None:
        self._base, self._space, self._pick = base, space, pick
        self._rng = np.random.default_rng(seed)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """All parameters: they are picked together."""
        return {
            name: distribution(values.values if isinstance(values, When) else values)
            for name, values in self._space.items()
        }

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """The configuration that was picked; empty if none was."""
        known = self._base.infer_relative_search_space(study, trial)
        suggestions = [
            self._completed(self._base.sample_relative(study, trial, known))
            for _ in range(SUGGESTED)
        ]
        suggestions += [draw(self._space, self._rng) for _ in range(DRAWN)]
        return self._pick(suggestions) or {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Where nothing was picked, as the base suggests."""
        return self._base.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Passed on."""
        self._base.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: optuna.trial.TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Passed on."""
        self._base.after_trial(study, trial, state, values)

    def _completed(self, suggested: dict[str, Any]) -> dict[str, Any]:
        """What the base leaves open, as it does in the first trials, is random."""

        def take(name: str, values: Values) -> Any:
            return rounded(suggested[name]) if name in suggested else values.draw(self._rng)

        return configuration(self._space, take)


def distribution(values: Values) -> BaseDistribution:
    """Values as Optuna knows them."""
    if isinstance(values, Choice):
        return CategoricalDistribution(values.options)
    if isinstance(values, Whole):
        return IntDistribution(values.low, values.high, log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)
