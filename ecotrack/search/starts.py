"""What the user wants tried first: the front of an earlier study, or the list in a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecotrack import metrics
from ecotrack.cli import UserError
from ecotrack.search.question import Question
from ecotrack.search.space import holds
from ecotrack.search.storage import names
from ecotrack.tracking import Store


def warm_starts(named: str | None, question: Question, store: Store) -> list[dict[str, Any]]:
    """Those configurations of the study or JSON file `named` so; of a study, what the space holds.

    Raises:
        UserError: there is no such study or file, or it holds something else.
    """
    if not named:
        return []
    if named in names(question.place):
        return front_of(replace(question, study=named), store)
    try:
        found = json.loads(Path(named).read_text())
    except (OSError, ValueError) as error:
        raise UserError(
            f"--warm-start {named} is neither a study nor a JSON file: {error}"
        ) from error
    for params in found if isinstance(found, list) else [found]:
        if not isinstance(params, dict) or not holds(question.space, params):
            raise UserError(f"--warm-start: {json.dumps(params)} is not in the space of this study")
    return found


def front_of(earlier: Question, store: Store) -> list[dict[str, Any]]:
    """What lies on the front of a study, as far as the space holds it."""
    tags = {metrics.STUDY_TAG: earlier.study, metrics.PARETO_TAG: "true"}
    front = {run.run_id for run in store.runs(earlier.experiment, tags)}
    found = [dict(trial.params) for trial in earlier.open(store).finished if trial.run_id in front]
    return [params for params in found if holds(earlier.space, params)]
