"""A study seen in MLflow: one run for the study for ever, one child a trial, its front marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ecotrack import host, metrics, pareto, sessions
from ecotrack.cli import UserError
from ecotrack.measurement import Measurement
from ecotrack.study import Direction, Finished, Study
from ecotrack.tracking import Record, RunView, Store
from ecotrack.tracking.record import within

DIRECTIONS: dict[str, Direction] = {
    "validation accuracy": "maximize",
    "training emissions (g)": "minimize",
}
GUESSING = 0.1  # accuracy of a model that has learned nothing, of ten classes


class Mirror:
    """Keeps the runs of a study in step with it. Objectives: accuracy up, emissions down."""

    def __init__(self, store: Store, study: Study, parent: Record, tags: Mapping[str, str]) -> None:
        """`tags` go on every trial's run."""
        self._store, self._study, self._parent, self._tags = store, study, parent, tags
        study.run_id = parent.run_id
        self._marks = {
            run.run_id: run.tags.get(metrics.PARETO_TAG) for run in store.children(parent.run_id)
        }
        self.mark_front()

    @contextmanager
    def trial(self, number: int, name: str, params: Mapping[str, str]) -> Iterator[Record]:
        """The run of one trial."""
        tags = {
            **self._tags,
            metrics.KIND_TAG: "trial",
            metrics.STUDY_TAG: self._study.name,
            metrics.TRIAL_TAG: str(number),
        }
        with self._store.child(self._parent.run_id, f"{number:02d} {name}", params, tags) as child:
            yield child

    def would_be_on_front(self, accuracy: float, emissions_g: float) -> bool:
        """Whether a new result beats the finished ones; if not, it never will."""
        points = [*map(point, self._study.finished), (emissions_g, accuracy)]
        return bool(pareto.front(points)[-1])

    def keep_cost(self, session: Measurement) -> None:
        """Keep what this session has cost so far, in the study and, of all sessions, in its run."""
        self._study.keep_cost(session)
        process = host.process_id()
        tags = sessions.account(process, sessions.cost_of(session))
        tags |= {f"{tag}.{process}": outer for tag, outer in within().items()}
        self._parent.write(values=cost_metrics(self._study.cost), tags=tags)

    def hypervolume_with(self, values: tuple[float, float]) -> tuple[float, int]:
        """Hypervolume with one more result than the finished ones, and how many that makes."""
        accuracy, emissions_g = values
        points = [*map(point, self._study.finished), (emissions_g, accuracy)]
        return pareto.hypervolume(points, reference(self._study)), len(points)

    def mark_front(self) -> list[Finished]:
        """Tag every trial as on the front or not, and return its members, cheapest first."""
        finished = self._study.finished
        mask = pareto.front([point(trial) for trial in finished])
        for trial, on_front in zip(finished, mask, strict=True):
            mark = str(bool(on_front)).lower()
            if self._marks.get(trial.run_id) != mark:
                Record(trial.run_id).write(tags={metrics.PARETO_TAG: mark})
                self._marks[trial.run_id] = mark
        members = [trial for trial, on_front in zip(finished, mask, strict=True) if on_front]
        return sorted(members, key=lambda trial: point(trial))

    def runs(self) -> list[RunView]:
        """The finished trials' runs, oldest first."""
        by_id = {run.run_id: run for run in self._store.children(self._parent.run_id)}
        return [by_id[trial.run_id] for trial in self._study.finished]


def point(trial: Finished) -> tuple[float, float]:
    """(grams, accuracy) of a trial, as `pareto` takes them."""
    accuracy, emissions_g = trial.values
    return emissions_g, accuracy


def cost_metrics(spent: Measurement) -> dict[str, float]:
    """What a study cost over all its sessions, as metrics of its run."""
    return {
        metrics.SEARCH_WH: spent.total_wh,
        metrics.SEARCH_G: spent.co2_g,
        metrics.SEARCH_S: spent.wall_s,
    }


def reference(study: Study) -> tuple[float, float]:
    """The worst corner (grams, accuracy) from which the study's hypervolume is counted."""
    return study.reference_g or 0.0, GUESSING


def check_run_exists(store: Store, study: Study) -> None:
    """Refuse a study whose runs lie in another store.

    Raises:
        UserError: it has trials, but its run is not here.
    """
    if study.run_id and not store.has_run(study.run_id):
        raise UserError(
            f"the runs of study {study.name!r} are not in {store.uri};"
            " take another --study, or the store that it was started with"
        )
