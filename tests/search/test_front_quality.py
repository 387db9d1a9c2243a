"""What a study tells of its front: by which scale of costs, and whether energy is only time."""

import pytest

from ecotrack import metrics
from ecotrack.fronts import pareto
from ecotrack.search.front_quality import (
    HYPERVOLUME,
    KNEE,
    RANKS,
    quality,
    sentences,
    told_quality,
)
from ecotrack.search.objectives import Objectives
from ecotrack.search.trials import Finished
from ecotrack.tracking import RunView

OBJECTIVES = Objectives(("accuracy", "training"))
# Nine points for a hundred times the grams: worth it in grams of a thousand, not in decades.
VALUES = [(0.5, 1.0), (0.8, 2.0), (0.89, 100.0), (0.9, 1000.0), (0.4, 3.0)]
CORNER = (0.1, 2000.0)
NAMES = [f"model {number}" for number in range(len(VALUES))]


def trials(values=VALUES):
    return [[Finished(n, {}, each, f"id {n}")] for n, each in enumerate(values)]


def runs(values=VALUES, times_s=(1.0, 2.0, 3.0, 4.0, 2.5)) -> list[RunView]:
    return [
        RunView(
            f"id {n}",
            f"model {n}",
            "FINISHED",
            {},
            {metrics.TOTAL_WH: grams, metrics.WALL_S: time_s},
            {},
            "1",
            0.0,
            1.0,
            False,
        )
        for n, ((_, grams), time_s) in enumerate(zip(values, times_s, strict=True))
    ]


def found(rows, figure):
    return {row["costs"]: row["value"] for row in rows if row["figure"] == figure}


def test_hypervolume_and_knee_are_told_by_both_scales():
    rows = quality(trials(), OBJECTIVES, CORNER, NAMES, runs())
    volumes = found(rows, HYPERVOLUME)
    for scale, log in (("grams", False), ("log10 of grams", True)):
        volume = pareto.hypervolume(VALUES, CORNER, OBJECTIVES.ways, log=log)
        assert volumes[scale] == pytest.approx(volume)
    assert found(rows, KNEE) == {"grams": "model 2", "log10 of grams": "model 1"}
    assert [row["value"] for row in told_quality(rows)][2:] == ["model 2", "model 1", "1"]


def test_energy_that_orders_trials_otherwise_than_time_is_more_than_a_proxy():
    several = trials()
    same = quality(several, OBJECTIVES, CORNER, NAMES, runs())
    assert found(same, RANKS) == {"": pytest.approx(1)}
    assert "is little more than a proxy" in sentences(same, several, OBJECTIVES, CORNER)[-1]
    other = quality(several, OBJECTIVES, CORNER, NAMES, runs(times_s=(4.0, 1.0, 3.0, 2.0, 5.0)))
    assert found(other, RANKS)[""] < 0.5
    assert "is more than a proxy" in sentences(other, several, OBJECTIVES, CORNER)[-1]


def test_where_nothing_can_be_told_no_row_is():
    assert quality([], OBJECTIVES, CORNER, [], []) == []
    few = quality(trials()[:2], OBJECTIVES, (0.1, 0.0), NAMES, runs()[:2])
    assert {row["figure"] for row in few} == {KNEE}
    still = quality(trials(), OBJECTIVES, CORNER, NAMES, runs(times_s=(1.0,) * 5))
    assert found(still, RANKS) == {}


def test_the_corner_and_a_guessed_spread_are_said():
    several = trials()
    rows = quality(several, OBJECTIVES, CORNER, NAMES, runs())
    (corner, *_) = sentences(rows, several, OBJECTIVES, CORNER)
    assert "from accuracy 0.1 and 2 kg; its spread is a guess" in corner
    again = [Finished(9, {}, (0.51, 1.1), "id 9")]
    repeated = [[*several[0], *again], *several[1:]]
    rows = quality(repeated, OBJECTIVES, CORNER, NAMES, runs())
    assert "guess" not in sentences(rows, repeated, OBJECTIVES, CORNER)[0]
