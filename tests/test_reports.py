"""What the two benchmarks say of turns that were made up."""

from typing import Any

import pytest

from ecotrack import metrics
from ecotrack.measurement import Measurement, Origin
from ecotrack.meters import ScriptedMeter
from ecotrack.series import Series, Turn
from experiments import sorting
from experiments.reports import pi
from experiments.workloads.sorting import Algorithm

CPU = Origin("modelled", "a curve", 8.0, "given", 1.8)
RAM = Origin("assumed", "a constant power", 20.0, "given", 2.0)


def cost(wall_s: float, **amounts) -> Measurement:
    """A block of modelled CPU and assumed RAM power, alone on the machine."""
    power = {"cpu_j": 3 * wall_s, "ram_j": 20 * wall_s, "co2_g": 1e-3 * wall_s}
    known = {"cpu_origin": CPU, "ram_origin": RAM}
    return Measurement(wall_s=wall_s, **{"cpu_s": wall_s, **power, **known, **amounts})


def series(*times_s: float, **amounts) -> Series:
    """A turn of one call for each time."""
    return Series(tuple(Turn(cost(seconds, **amounts), 1) for seconds in times_s))


def measured(cells, *, apart=None, samples=1000) -> pi.Measured:
    """Of methods and threads, each with its turns; all of them met π."""
    methods = dict.fromkeys(name for name, _ in cells)
    return pi.Measured(
        samples=samples,
        cells=cells,
        totals=dict.fromkeys(cells, samples * 0.7854),
        apart=apart or dict.fromkeys(methods, pi.Apart({}, False)),
        idle=cost(10.0, cpu_s=0.0, cpu_j=8.0),
        device=None,
    )


def test_a_compilation_that_was_not_seen_is_told_and_priced_nowhere():
    cells = {(name, 1): series(*[t] * 5) for name, t in (("python", 0.4), ("midpoint", 0.2))}
    fresh = pi.Apart({"compile": cost(1.0)}, False)
    seen = measured(cells, apart={"python": pi.Apart({}, False), "midpoint": fresh})
    warm = measured(cells, apart={"python": pi.Apart({}, False), "midpoint": pi.Apart({}, True)})
    (paid,) = pi.report(seen, []).artifacts["compiling.json"]
    assert paid["paid in time"] == "5,000 samples"
    assert "compile" not in pi.report(warm, []).costs
    assert pi.report(warm, []).artifacts["compiling.json"] == []
    told = [said for said in pi.report(warm, []).findings if "cache on disk" in said]
    assert len(told) == 1
    assert "midpoint" in told[0]
    assert not any("cache on disk" in said for said in pi.report(seen, []).findings)


class Clock:
    """A clock that sorting moves: a call takes 0.1 ms, and each element 1 ns more."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def perf_counter(self) -> float:
        return self.now_s

    def sort(self, array: Any) -> None:
        self.now_s += 1e-4 + 1e-9 * len(array)


@pytest.mark.parametrize("sizes", [(10, 10_000_000), (10_000_000,)])
def test_what_a_call_costs_by_itself_predicts_no_slow_sort(sizes, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(sorting, "time", clock)
    config, algorithm = sorting.Config(sizes=sizes), Algorithm("quick", clock.sort, "linear")
    study = sorting.warmed_up(algorithm, config, ScriptedMeter([Measurement()]))
    if 10 in sizes:
        study.keep(10, 1, series(1e-4, 1e-4))  # 0.01 ms an element
    assert study.predicted_s(10_000_000) == pytest.approx(0.01, rel=0.1)


def test_a_slow_sort_is_tried_on_no_more_than_it_takes_to_tell(monkeypatch):
    clock, tried = Clock(), []

    def bubble(array):
        tried.append(len(array))
        clock.now_s += 2e-8 * len(array) ** 2

    monkeypatch.setattr(sorting, "time", clock)
    config = sorting.Config(sizes=(1_000_000,))
    algorithm = Algorithm("bubble", bubble, "quadratic")
    study = sorting.warmed_up(algorithm, config, ScriptedMeter([Measurement()]))
    assert set(tried) == {1000}
    assert study.predicted_s(1_000_000) == pytest.approx(2e4)


def test_without_a_single_thread_there_is_no_parallel_efficiency():
    alone = measured({("all-cores", 2): series(*[0.1] * 5)})
    result = pi.report(alone, [])
    (row,) = result.artifacts["pi.json"]
    assert (row["speed_up"], row["efficiency"]) == (None, None)
    assert "speed_up.png" not in result.artifacts
    assert result.children["all-cores"].curves[metrics.PI_EFFICIENCY] == {}


def test_all_cores_are_compared_with_the_same_rung_on_one_thread():
    both = {("numba-lanes", 1): series(*[0.1] * 5), ("all-cores", 2): series(*[0.05] * 5)}
    result = pi.report(measured(both), [])
    assert [row["efficiency"] for row in result.artifacts["pi.json"]] == pytest.approx([1, 1])
    assert result.children["all-cores"].curves[metrics.PI_SPEED_UP] == {2: pytest.approx(2)}
