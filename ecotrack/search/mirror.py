"""A study seen in MLflow: one run for the study for ever, one child a trial, its front marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ecotrack import host, metrics
from ecotrack.cli import UserError
from ecotrack.fronts import pareto, uncertain
from ecotrack.measurement import Measurement
from ecotrack.search.objectives import Objectives
from ecotrack.search.study import Study
from ecotrack.search.trials import Finished, Trial
from ecotrack.tracking import Record, RunView, Store, dead_runs, sessions
from ecotrack.tracking.record import within

# Kind of machine -> its finished trials, and their points.
Known = dict[str, tuple[list[Finished], list[tuple[float, ...]]]]
P = TypeVar("P", bound=str)
PRECISION = "precision"  # the parameter of an export that its original does not have
BEATEN = "false"  # the mark of a trial that is not on the front
SHOWN = 500  # trials in a picture, the front besides
NEAR_POINTS, NEAR_TIMES = 0.01, 1.25  # of accuracy, of grams: what another seed may change


class Mirror:
    """Keeps the runs of a study in step with it."""

    def __init__(
        self,
        store: Store,
        study: Study,
        objectives: Objectives,
        parent: Record,
        tags: Mapping[str, str],
    ) -> None:
        """`tags` go on every trial's run."""
        self._store, self._study, self._tags = store, study, tags
        self._members: set[str] | None = None
        self.objectives, self.parent = objectives, parent

    @contextmanager
    def trial(self, trial: Trial, name: str, params: Mapping[str, str]) -> Iterator[Record]:
        """The run of one trial, or of a repeat."""
        tags = {
            **self._tags,
            metrics.KIND_TAG: "repeat" if trial.repeat else "trial",
            metrics.STUDY_TAG: self._study.name,
            metrics.TRIAL_TAG: str(trial.number),
            **({metrics.REPEAT_OF_TAG: self._run_of(trial.repeat_of)} if trial.repeat else {}),
        }
        title = f"{trial.number:02d} {name}" + (f" seed {trial.repeat}" if trial.repeat else "")
        with self._store.child(self.parent.run_id, title, params, tags) as child:
            trial.remember(child.run_id, title)
            yield child

    @contextmanager
    def export(self, run: RunView, precision: str) -> Iterator[Record]:
        """The run of a trial's model, exported in another precision."""
        tags = {
            **self._tags,
            metrics.KIND_TAG: "export",
            metrics.STUDY_TAG: self._study.name,
            metrics.EXPORT_OF_TAG: run.run_id,
        }
        params, title = {**run.params, PRECISION: precision}, f"{run.name} {precision}"
        with self._store.child(self.parent.run_id, title, params, tags) as child:
            yield child

    def not_exported(self, precisions: Sequence[P]) -> list[tuple[RunView, P]]:
        """Each member of the front with each precision that it was not exported in yet."""
        done = {
            (run.tags.get(metrics.EXPORT_OF_TAG), run.params.get(PRECISION))
            for run in self._children({metrics.KIND_TAG: "export"})
            if metrics.EVAL_ACCURACY in run.metrics
        }
        wanted = [(run, p) for run in self.front_runs() for p in dict.fromkeys(precisions)]
        return [(run, p) for run, p in wanted if (run.run_id, p) not in done]

    def _run_of(self, number: int | None) -> str:
        return next(trial.run_id for trial in self._study.finished if trial.number == number)

    def may_be_on_front(self, values: Sequence[float]) -> bool:
        """Whether a new result is so near the front that repeats may put it there."""
        hoped = tuple(
            value + NEAR_POINTS if goal == "accuracy" else value / NEAR_TIMES
            for goal, value in zip(self.objectives.goals, values, strict=True)
        )
        return bool(pareto.front([*self.points_here(), hoped], self.objectives.ways)[-1])

    def front_runs(self) -> list[RunView]:
        """The runs of the front's members, oldest first."""
        return self.runs_of(self.front())

    def accuracies(self, front: Sequence[Finished]) -> list[float]:
        """Accuracies of the front, as first found; none where they are no objective."""
        at = self.objectives.position("accuracy")
        return [] if at is None else [trial.values[at] for trial in front]

    def keep_cost(self, session: Measurement) -> None:
        """Keep what this session has cost so far, in the study and, of all sessions, in its run."""
        self._study.keep_cost(session)
        process = host.process_id()
        tags = sessions.account(process, sessions.cost_of(session))
        tags |= {f"{tag}.{process}": outer for tag, outer in within().items()}
        self.parent.write(values=cost_metrics(self._study.cost), tags=tags)

    def hypervolume_with(self, values: Sequence[float]) -> tuple[float, int]:
        """Hypervolume with one more result than the finished ones, and how many that makes."""
        points = [*self.points_here(), tuple(values)]
        return pareto.hypervolume(points, self.reference, self.objectives.ways), len(points)

    def mark_front(self, *, afresh: bool = False) -> list[Finished]:
        """Tag every trial as on the front or not; returns the front.

        A finished trial's run is born with the mark of the beaten. What is tagged rightly is left
        alone; `afresh` looks at the tags anew, since others mark them too.
        """
        known, untold = self._known(), set[str]()
        if self._members is None or afresh:
            self._members, untold = self._marked()
        front = self._front(known)
        members = {trial.run_id for trial in front}
        beaten = (self._members | untold) - members
        if beaten:
            beaten &= {trial.run_id for trials, _ in known.values() for trial in trials}
        marks = dict.fromkeys(members - self._members, "true") | dict.fromkeys(beaten, BEATEN)
        for run_id, mark in marks.items():
            Record(run_id).write(tags={metrics.PARETO_TAG: mark})
        self._members = members
        return front

    def _marked(self) -> tuple[set[str], set[str]]:
        """The ids of the runs tagged as the front, and of those that have no tag at all."""
        no_mark = {metrics.KIND_TAG: "trial", metrics.PARETO_TAG: None}
        unmarked = {run.run_id for run in self._children(no_mark, failed=False)}
        return {run.run_id for run in self._children({metrics.PARETO_TAG: "true"})}, unmarked

    def front(self) -> list[Finished]:
        """The members of the front, of each kind of machine's own one, cheapest first."""
        return self._front(self._known())

    def _front(self, known: Known) -> list[Finished]:
        cost, members = self.objectives.ways.index("min"), []
        for trials, points in known.values():
            mask = pareto.front(points, self.objectives.ways)
            members += [(points[at][cost], trials[at]) for at in np.flatnonzero(mask)]
        return [trial for _, trial in sorted(members, key=lambda member: member[0])]

    def kinds(self) -> list[str]:
        """The kinds of machine that trials were finished on: each has a front of its own."""
        return list(self._known())

    def of_kind(self, kind: str) -> tuple[list[Finished], list[tuple[float, ...]]]:
        """The finished trials of one kind of machine, and their points."""
        return self._known().get(kind, ([], []))

    def points_here(self) -> list[tuple[float, ...]]:
        """The points of machines like this one."""
        return self.of_kind(host.hardware())[1]

    def _known(self) -> Known:
        """Finished trials with their points, at one moment: other processes may add to them."""
        with self._study.at_once():
            finished, repeats = self._study.finished, self._study.repeats
        known: Known = {}
        for trial in finished:
            trials, points = known.setdefault(trial.hardware, ([], []))
            again = repeats.get(trial.number)  # of thousands, few were tried again
            trials.append(trial)
            points.append(self._mean([trial, *again]) if again else trial.values)
        return known

    def _mean(self, several: Sequence[Finished]) -> tuple[float, ...]:
        (row,) = uncertain.means([[trial.values for trial in several]], self.objectives.ways)
        return tuple(interval.value for interval in row)

    def runs_of(self, trials: Sequence[Finished]) -> list[RunView]:
        """The runs of these trials, oldest first."""
        return self._children(ids=[trial.run_id for trial in trials])

    def telling_runs(self) -> list[RunView]:
        """What tells of the study: its front, repeats and exports, and of all other trials some.

        A server takes some 8 ms for a run. Of more trials than a picture shows, `SHOWN` are read,
        evenly spread.
        """
        finished = self._study.finished
        if len(finished) <= SHOWN:
            return self._children()
        spread = {round(at) for at in np.linspace(0, len(finished) - 1, SHOWN)}
        chosen = {trial.run_id: trial for trial in self.front()}
        chosen |= {finished[at].run_id: finished[at] for at in spread}
        besides = [self._children({metrics.KIND_TAG: kind}) for kind in ("repeat", "export")]
        return [*self.runs_of([*chosen.values()]), *besides[0], *besides[1]]

    def _children(self, *conditions: Any, **more: Any) -> list[RunView]:
        return self._store.children(self.parent.run_id, *conditions, **more)

    @property
    def reference(self) -> tuple[float, ...]:
        """The worst corner, from which the study's hypervolume is counted."""
        worst_g = self._study.reference_g or (0.0,) * len(self.objectives.costs)
        return self.objectives.corner(worst_g)


def cost_metrics(spent: Measurement) -> dict[str, float]:
    """What a study cost over all its sessions, as metrics of its run."""
    return {
        **metrics.with_band(metrics.SEARCH_WH, spent.energy_wh),
        metrics.SEARCH_G: spent.co2_g,
        metrics.SEARCH_S: spent.wall_s,
    }


def open_study(place: Path | str, name: str, objectives: Objectives, store: Store) -> Study:
    """The study of a place, and begun if it is new; what it finds dead is closed in MLflow, too."""
    return Study(
        place,
        name,
        objectives.directions,
        on_dead=lambda run: dead_runs.kill(store, run, "its trial died"),
        on_kept=lambda run: dead_runs.finish(store, run),
    )


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
