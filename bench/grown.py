"""A study of thousands: a small real one, whose trials and runs are copied in their stores."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import sqlalchemy

from ecotrack import metrics
from ecotrack.search.space import Choice, Space, Whole, configuration
from ecotrack.search.trials import (
    COSTS_KEY,
    CURVE_KEY,
    HARDWARE_KEY,
    NAME_KEY,
    PROCESS_KEY,
    RUN_KEY,
    SPENT_KEY,
)

DISTRIBUTIONS = {
    Choice: lambda v: optuna.distributions.CategoricalDistribution(v.options),
    Whole: lambda v: optuna.distributions.IntDistribution(v.low, v.high, log=v.log),
}
COPY = "c0"  # how the id of a copied run begins
COPIED = ("runs", "latest_metrics", "metrics", "params", "tags")
# A copy is dearer and a little worse than its original: a cloud behind the front.
WORSE = {
    "latest_metrics": f"""CASE key WHEN '{metrics.EMISSIONS_G}' THEN value * (1 + n * 0.05)
        WHEN '{metrics.VAL_ACCURACY}' THEN value * (1 - n * 0.00002) ELSE value END""",
    "tags": f"CASE key WHEN '{metrics.PARETO_TAG}' THEN 'false' ELSE value END",
}


def grow(storage: str, runs_url: str, study: str, space: Space, size: int) -> None:
    """Copy the finished trials of a study, and their runs, until there are so many."""
    kept = optuna.load_study(study_name=study, storage=storage)
    complete = [t for t in kept.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]
    copies = [t for t in complete if t.user_attrs[RUN_KEY].startswith(COPY)]
    # What was tried since the first copies were made is no original: it has its place behind them.
    begun = min((t.number for t in copies), default=np.inf)
    originals = [t for t in complete if t.number < begun]
    numbers = spread(len(copies), len(copies) + size - len(complete), len(originals))
    rng = np.random.default_rng(size)
    kept.add_trials(
        worse(trial, space, number, rng)
        for trial, several in zip(originals, numbers, strict=True)
        for number in several
    )
    engine = sqlalchemy.create_engine(runs_url)
    with engine.begin() as db:
        for table in COPIED:
            columns = [c["name"] for c in sqlalchemy.inspect(engine).get_columns(table)]
            told = [{"run_uuid": copied("run_uuid")}.get(c, c) for c in columns]
            told = [WORSE.get(table, c) if c == "value" else c for c in told]
            copying = sqlalchemy.text(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(told)}"
                f" FROM {table},"
                " generate_series(CAST(:first AS int), CAST(:last AS int)) AS copies(n)"
                " WHERE run_uuid = :run"
            )
            for trial, several in zip(originals, numbers, strict=True):
                ends = {"first": several.start, "last": several.stop - 1}
                db.execute(copying, {"run": trial.user_attrs[RUN_KEY], **ends})
    engine.dispose()


def spread(first: int, last: int, originals: int) -> list[range]:
    """The numbers of each original's copies, 1 and up, so that copies `first` to `last` are made.

    They go round: the copies 0, 1, 2, 3 … are of the originals 0, 1, 0, 1 …, if there are two.
    """
    return [
        range(1 - (place - first) // originals, 1 - (place - last) // originals)
        for place in range(originals)
    ]


def copied(run_id: str) -> str:
    """The id of the n-th copy of a run, in SQL."""
    return f"'{COPY}' || lpad(n::text, 6, '0') || substr({run_id}, 9)"


def worse(
    trial: optuna.trial.FrozenTrial, space: Space, number: int, rng: np.random.Generator
) -> optuna.trial.FrozenTrial:
    """The n-th copy of a trial, of another configuration."""
    distributions: dict[str, Any] = {}

    def pick(name: str, values: Any) -> Any:
        make = DISTRIBUTIONS.get(type(values), _real)
        distributions[name] = make(values)
        return values.draw(rng)

    params = configuration(space, pick)
    run_id = trial.user_attrs[RUN_KEY]
    accuracy, grams = trial.values
    times = 1 + number * 0.05
    told = {
        RUN_KEY: f"{COPY}{number:06d}{run_id[8:]}",
        NAME_KEY: trial.user_attrs.get(NAME_KEY, ""),
        HARDWARE_KEY: trial.user_attrs[HARDWARE_KEY],
        PROCESS_KEY: trial.user_attrs[PROCESS_KEY],
        CURVE_KEY: trial.user_attrs.get(CURVE_KEY, []),
        COSTS_KEY: [cost * times for cost in trial.user_attrs.get(COSTS_KEY, [])],
        SPENT_KEY: trial.user_attrs[SPENT_KEY] * times,
    }
    return optuna.trial.create_trial(
        params=params,
        distributions=distributions,
        values=(accuracy * (1 - number * 0.00002), grams * times),
        user_attrs=told,
    )


def _real(values: Any) -> optuna.distributions.FloatDistribution:
    return optuna.distributions.FloatDistribution(values.low, values.high, log=values.log)
