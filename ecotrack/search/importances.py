"""Which parameters of a study mattered, objective by objective."""

from __future__ import annotations

from collections.abc import Callable

import optuna
from optuna.trial import FrozenTrial, TrialState

# On bench/tables shares differ by 0.05 from forest to forest, and with 64 trees by 0.04.
TREES, MOST_TREES_SEE = 32, 256


def importances(study: optuna.Study) -> dict[str, dict[str, float]]:
    """Objective -> parameter -> share of its variance.

    fANOVA (Hutter et al. 2014) on a random forest, of 256 trials at most: it takes seconds for
    each hundred. Optuna's default, PED-ANOVA, looks at the best tenth alone: of ten trials, at one.
    """
    # Imported here: its forests take half a second, and only a report looks at them.
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    known = _sample(study, MOST_TREES_SEE)
    forest = FanovaImportanceEvaluator(n_trees=TREES, seed=0)
    shares = {
        name: get_param_importances(known, evaluator=forest, target=_value_at(position))
        for position, name in enumerate(study.metric_names or [])
    }
    return {name: {k: float(v) for k, v in share.items()} for name, share in shares.items()}


def _sample(study: optuna.Study, most: int) -> optuna.Study:
    """The study, or a copy in memory of so many of its finished trials, evenly spread."""
    complete = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    if len(complete) <= most:
        return study
    copied = optuna.create_study(directions=study.directions)
    copied.add_trials(complete[number * len(complete) // most] for number in range(most))
    return copied


def _value_at(position: int) -> Callable[[FrozenTrial], float]:
    return lambda trial: trial.values[position]
