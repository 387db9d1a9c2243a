"""What the two benchmarks say of turns that were made up."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ecotrack import metrics, unit_costs
from ecotrack.measurement import Measurement, Origin
from ecotrack.meters.codecarbon import ScriptedMeter
from ecotrack.series import Series, Turn
from ecotrack.stats import NO_DIFFERENCE
from experiments import sorting
from experiments.reports import ladder, pi
from experiments.reports.sorting import Study, ranked, reference, report
from experiments.workloads.pi.figures import by_method
from experiments.workloads.sorting import ALGORITHMS, Algorithm
from experiments.workloads.sorting.figures import billion

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


def measured(cells, *, apart=None, samples=1000) -> ladder.Measured:
    """Of methods and threads, each with its turns; all of them met π."""
    methods = dict.fromkeys(name for name, _ in cells)
    return ladder.Measured(
        samples=samples,
        cells=cells,
        totals=dict.fromkeys(cells, samples * 0.7854),
        apart=apart or dict.fromkeys(methods, ladder.Apart({}, False)),
        idle=cost(10.0, cpu_s=0.0, cpu_j=8.0),
        device=None,
    )


def test_a_compilation_that_was_not_seen_is_told_and_priced_nowhere():
    cells = {(name, 1): series(*[t] * 5) for name, t in (("python", 0.4), ("midpoint", 0.2))}
    fresh = ladder.Apart({"compile": cost(1.0)}, False)
    seen = measured(cells, apart={"python": ladder.Apart({}, False), "midpoint": fresh})
    warm = measured(
        cells, apart={"python": ladder.Apart({}, False), "midpoint": ladder.Apart({}, True)}
    )
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
        study.keep(10, 1, series(1e-4, 1e-4), {})  # 0.01 ms an element
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


JITTER = (1.0, 1.002, 0.999, 1.001, 0.998)


def test_each_rung_is_compared_with_the_one_before_and_with_itself_on_one_thread():
    cells = {
        ("numba-naive", 1): series(*[0.9 * j for j in JITTER]),
        ("numba-naive", 2): series(*[0.45 * j for j in reversed(JITTER)]),
        ("numba-lanes", 1): series(*[0.3 * j for j in JITTER]),
        ("all-cores", 2): series(*[0.3 * j for j in reversed(JITTER)]),
        ("midpoint", 1): series(*[0.3 * j for j in reversed(JITTER)]),
    }
    result = pi.report(measured(cells), [])
    rows = result.artifacts["pi.json"]
    assert [row["against"] for row in rows] == [
        None, "numba-naive on 1", "numba-naive on 1", "numba-lanes on 1", "numba-lanes on 1"
    ]  # fmt: skip
    for row, ratio in zip(rows[1:], (1 / 2, 1 / 3, 1, 1), strict=True):
        assert row["time_ratio_low"] < ratio < row["time_ratio_high"] or ratio == 1 / 3
        assert row["time_ratio"] == pytest.approx(ratio, rel=0.01)
        assert row["cpu_ratio"] == pytest.approx(ratio, rel=0.01)
    printed = next(t for name, t in result.summary.items() if name.startswith("Against"))
    assert printed[0]["time"].startswith("0.5 (0.49")
    assert printed[2]["time"] == printed[2]["CPU time"] == NO_DIFFERENCE


def test_what_others_disturbed_tells_no_ratio_and_no_answer():
    noise = {"other_cpu_s": 100.0}
    cells = {(name, n): series(*JITTER, **noise) for name in ("quasi-r2",) for n in (1, 2)}
    result = pi.report(measured(cells), [])
    (row,) = result.artifacts["parallel.json"]
    assert row["parallel is"] == row["and net"] == "unknown: disturbed"
    _, two = result.artifacts["pi.json"]
    assert two["time_ratio"] is None
    assert two["cpu_ratio"] == 1
    printed = next(t for name, t in result.summary.items() if name.startswith("Against"))
    assert printed[0]["time"] == "disturbed"


def test_sorts_are_compared_with_that_of_numpy_at_each_size():
    studies = {name: Study(ALGORITHMS[name]) for name in ("numba-merge", "np-quicksort")}
    base = series(*[0.2 * j for j in JITTER])
    for size, arrays, seconds in ((1000, 2, 0.8), (5000, 1, 0.2)):
        merge = series(*[seconds * j for j in reversed(JITTER)])
        for name, turns in (("numba-merge", merge), ("np-quicksort", base)):
            work = arrays if name == "numba-merge" else 1  # arrays in a call
            ratios = unit_costs.against("np-quicksort", turns, base, work)
            studies[name].keep(size, work, turns, ratios)
    result = report(studies, "random int32", [])
    found = [row for row in result.artifacts["sorting.json"] if row["algorithm"] == "numba-merge"]
    assert [row["time_ratio"] for row in found] == pytest.approx([2, 1], rel=0.01)
    (printed,) = result.summary["Time against np-quicksort, 95 %"]
    assert printed["1,000"].startswith("2 (1.99")
    assert printed["5,000"] == NO_DIFFERENCE


def test_the_reference_of_sorts_is_numpy_s_or_the_last():
    assert reference(["sorted", "np-quicksort", "fast"]) == "np-quicksort"
    assert reference(["python-merge", "sorted"]) == "sorted"


def test_net_energy_is_told_where_idle_power_is_known():
    cells = {("midpoint", 1): series(*JITTER)}
    result = pi.report(measured(cells), [])
    (row,) = result.artifacts["pi.json"]
    assert row["nj_per_sample"] == pytest.approx(23e6)
    assert row["nj_per_sample_net"] == pytest.approx(2.2e6)  # 20.8 W were idle
    assert row["nj_per_sample_net_low"] < row["nj_per_sample_net"] < row["nj_per_sample_net_high"]
    assert result.costs["sampling"].net_j == pytest.approx(2.2 * sum(JITTER))
    (printed,) = next(table for name, table in result.summary.items() if name.startswith("π"))
    assert (printed["energy"], printed["net"]) == ("23 mJ (11.7–45.4)", "2.2 mJ")


def test_an_idle_machine_that_others_used_is_told_and_not_taken_off():
    busy = cost(10.0, cpu_s=0.0, other_cpu_s=1e3)
    result = pi.report(replace(measured({("midpoint", 1): series(*JITTER)}), idle=busy), [])
    (row,) = result.artifacts["pi.json"]
    assert row["nj_per_sample_net"] is None
    assert result.costs["sampling"].net_j is None
    assert result.scores[metrics.IDLE_W] == pytest.approx(23)
    assert any("net energy is not told by it: others had" in said for said in result.findings)
    (printed,) = next(table for name, table in result.summary.items() if name.startswith("π"))
    assert "net" not in printed


def test_sorting_tells_net_energy_where_the_meter_knows_idle_power():
    study = Study(ALGORITHMS["np-quicksort"])
    study.keep(1000, 1, series(*JITTER).with_idle(20), {})
    study.keep(2000, 1, series(*JITTER), {})
    known, unknown = study.rows
    assert known["uj_per_element_net"] == pytest.approx(3e3)
    assert unknown["uj_per_element_net"] is None


def test_tables_tell_how_each_joule_is_known():
    apart = {"midpoint": ladder.Apart({"compile": cost(1.0)}, False)}
    cells = {("midpoint", n): series(*JITTER) for n in (1, 2)}
    cells[("python", 1)] = series(*JITTER)
    apart["python"] = ladder.Apart({}, False)
    result = pi.report(measured(cells, apart=apart), [])
    for name in ("pi.csv", "pi.json"):
        assert {row["known"] for row in result.artifacts[name]} == {
            "CPU modelled: a curve at 8 W (given), ×/÷ 1.8;"
            " RAM assumed: a constant power at 20 W (given), ×/÷ 2"
        }
    for name in ("compiling.json", "parallel.json"):
        assert [row["CPU power"] for row in result.artifacts[name]] == ["modelled"]
    child = result.children["python"]
    assert child.costs["sampling"].cpu_origin == CPU, "and so its run has the tags"


def test_a_vague_series_is_told_how_many_more_turns_it_wants():
    vague = (1.0, 1.1, 0.9, 1.05, 0.95)
    cells = {("python", 1): series(*JITTER), ("midpoint", 1): series(*vague)}
    result = pi.report(measured(cells), [])
    steady, unsteady = result.artifacts["pi.json"]
    assert (steady["advice"], steady["more_turns"]) == ("", 0)
    assert unsteady["advice"] == series(*vague).advice
    printed = next(table for name, table in result.summary.items() if name.startswith("π"))
    assert [row["turns"] for row in printed] == ["5", f"5 + {series(*vague).more_turns}"]
    (told,) = [said for said in result.findings if "more turns (" in said]
    assert told.startswith("1 of 2 series")
    assert told.endswith(f"{series(*vague).advice}.")


@pytest.mark.parametrize(("source", "order"), [("modelled", "ab"), ("measured", "ba")])
def test_a_billion_is_ranked_by_modelled_grams_never(source, order):
    """One takes less CPU time, the other fewer grams."""
    studies = []
    for name, cpu_s, grams in (("a", 1.0, 9.0), ("b", 2.0, 1.0)):
        known = {"cpu_origin": Origin(source), "ram_origin": Origin("absent")}
        study = Study(Algorithm(name, sorted, "linear"))
        study.keep(1000, 1, series(*JITTER, cpu_s=cpu_s, co2_g=grams, **known), {})
        studies.append(study)
    ranked_ = ranked(studies)
    assert "".join(row["algorithm"] for row in ranked_) == order
    assert ("no order" in ranked_[0]["by"]) == (source == "modelled")
    chart = json.loads(billion(ranked_, "known").to_json())
    assert {layer["encoding"]["y"]["sort"] for layer in chart["layer"]} == {None}


def test_bars_begin_at_the_axis_and_numbers_after_their_intervals():
    rows = [
        {"method": name, "g": g, "g_low": g / 2, "g_high": 3 * g}
        for name, g in (("python", 7e-11), ("midpoint", 2e-13))
    ]
    chart = json.loads(by_method(rows, "g", "g a sample", "Emissions", "known").to_json())
    bars, _, numbers = (layer["encoding"] for layer in chart["layer"])
    low, high = bars["x"]["scale"]["domain"]
    assert not bars["x"]["scale"]["nice"]
    assert bars["x2"]["datum"] == low < 1e-13
    assert high > 3 * 7e-11
    assert numbers["x"]["field"] == "g_high"
    assert bars["x"]["axis"]["values"] == pytest.approx([1e-13, 1e-12, 1e-11, 1e-10, 1e-9])
