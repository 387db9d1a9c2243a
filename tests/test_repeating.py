import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import count, pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecotrack
from ecotrack.measurement import Measurement, Origin
from ecotrack.meters.codecarbon import ScriptedMeter
from ecotrack.repeating import (
    CLAIM,
    LOOK,
    QUICK,
    InvalidError,
    Plan,
    Repeats,
    interleave,
    narrow,
    repeat,
)
from ecotrack.series import PRECISION, Series, Turn, long_enough_s
from ecotrack.stats import ratio_interval

POWER_W = 5.0
ROUNDS = Plan(repeats=4, block_s=0, shortest_turn_s=1e-9, precision=None)


class Machine:
    """In place of clock and meter: every work takes the seconds it is told to, at one power."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.calls: list[str] = []

    def work(self, name: str, seconds: Callable[[int], float]) -> Callable[[], None]:
        """A work whose nth call, from 0 on, takes `seconds(n)`."""
        numbers = count()

        def work() -> None:
            self.calls.append(name)
            self.now_s += seconds(next(numbers))

        return work

    def read(self) -> Measurement:
        return Measurement(cpu_j=POWER_W * self.now_s, cpu_origin=Origin("modelled"))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    clock = SimpleNamespace(perf_counter=lambda: machine.now_s)
    for module in ("ecotrack.measure", "ecotrack.repeating"):
        monkeypatch.setattr(sys.modules[module], "time", clock)
    return machine


def series(times_s, precision=PRECISION, **origins) -> Series:
    """Turns of one call each."""
    costs = (Measurement(wall_s=t, cpu_j=t, **origins) for t in times_s)
    return Series(tuple(Turn(cost, 1) for cost in costs), precision)


def restless(number: int) -> float:
    """Seconds that jump by a fifth and never settle."""
    return 1.2 if number % 3 else 1.0


def test_a_plan_without_a_turn_is_none():
    with pytest.raises(ValueError, match="at least 1 turn of each work, got 0"):
        Plan(repeats=0)


def test_works_take_turns_in_abba_order(machine):
    works = {name: machine.work(name, lambda n: 1.0) for name in "ab"}
    measured = interleave(works, machine, ROUNDS)
    assert machine.calls[:4] == ["a", "a", "b", "b"], "warm-up and timing"
    assert machine.calls[4:] == list("abbaabba")
    assert [len(found.turns) for found in measured.values()] == [4, 4]


def test_a_turn_is_as_many_calls_as_fill_its_share_of_the_block(machine):
    found = repeat(machine.work("", lambda n: 0.01), machine, QUICK)
    assert found.block.wall_s >= QUICK.block_s
    for turn in found.turns:
        assert 0.2 <= turn.cost.wall_s <= 0.22
    assert found.loops == sum(turn.loops for turn in found.turns)


def test_work_longer_than_a_turn_is_called_once_in_each(machine):
    found = repeat(machine.work("", lambda n: 7.0), machine, QUICK)
    assert [turn.loops for turn in found.turns] == [1] * 5


def test_the_first_call_warms_up_and_counts_nowhere(machine):
    found = repeat(machine.work("", lambda n: 1.0 if n else 100.0), machine, ROUNDS)
    assert found.times_s == pytest.approx([1.0] * 4)


def test_turns_grow_long_enough_after_a_slow_start(machine):
    found = repeat(machine.work("", lambda n: 0.01 if n > 1 else 0.15), machine, QUICK)
    assert found.turns[0].cost.wall_s < 0.2
    assert all(turn.cost.wall_s >= 0.2 for turn in found.turns[1:])


def test_energy_is_that_of_each_turn_and_the_block_that_of_all(machine):
    found = repeat(machine.work("", lambda n: 0.3 + 0.1 * (n % 2)), machine, ROUNDS)
    assert found.energies_j == pytest.approx([POWER_W * seconds for seconds in found.times_s])
    assert found.block.cpu_j == pytest.approx(POWER_W * found.block.wall_s)
    assert found.each.cpu_j == pytest.approx(statistics.mean(found.energies_j))
    assert found.energy_j.median == pytest.approx(POWER_W * found.time_s.median)
    assert list(found.cpu_times_s) == [turn.cost.cpu_s / turn.loops for turn in found.turns]


def test_without_a_precision_there_are_no_more_turns_than_asked_for(machine):
    assert len(repeat(machine.work("", restless), machine, ROUNDS).turns) == 4


def test_steady_work_is_known_after_the_first_repeats(machine):
    steady = {name: machine.work(name, lambda n: 1.0) for name in "ab"}
    assert [len(s.turns) for s in interleave(steady, machine, LOOK).values()] == [5, 5]
    assert len(repeat(machine.work("", lambda n: 1.0), machine, CLAIM).turns) == 30


def test_it_goes_on_until_the_ratio_is_narrow(machine):
    plan = Plan(block_s=0, shortest_turn_s=1e-9, precision=0.05, limit_s=1e9)
    works = {"a": machine.work("a", restless), "b": machine.work("b", lambda n: 1.0)}
    found = list(interleave(works, machine, plan).values())
    turns = len(found[0].turns)
    assert turns > plan.repeats
    assert narrow([s.times_s for s in found], 0.05)
    assert not narrow([s.times_s[: turns - 1] for s in found], 0.05)


def test_it_goes_on_until_the_time_is_up(machine):
    plan = Plan(block_s=0, shortest_turn_s=1e-9, precision=1e-9, limit_s=20.0)
    found = repeat(machine.work("", restless), machine, plan)
    *before, last = found.times_s
    assert sum(before) < plan.limit_s <= sum(before) + last


def test_the_limit_never_takes_the_repeats_away(machine):
    plan = Plan(repeats=7, precision=1e-9, limit_s=0.0)
    assert len(repeat(machine.work("", restless), machine, plan).turns) == 7


def test_every_ratio_to_the_first_must_be_narrow():
    steady, jumping = [1.0] * 6, [1.0, 2.0] * 3
    assert narrow([steady, steady], 0.02)
    assert not narrow([steady, steady, jumping], 0.02)
    assert not narrow([jumping], 0.02)
    assert narrow([jumping, jumping], 0.02), "a pace that both share is no difference"


def test_tick_hears_of_each_warm_up_and_turn(machine):
    heard: list[str] = []
    works = {name: machine.work(name, lambda n: 1.0) for name in "abc"}
    interleave(works, machine, ROUNDS, tick=heard.append)
    assert sorted(heard) == sorted("abc" * (1 + ROUNDS.repeats))


def test_a_round_that_cannot_be_right_is_repeated_and_told(machine):
    real, lies = machine.read, iter([False] * 5 + [True] + [False] * 100)

    def read() -> Measurement:
        return Measurement(cpu_j=-1e6) if next(lies) else real()

    machine.read = read
    works = {name: machine.work(name, lambda n: 1.0) for name in "ab"}
    measured = interleave(works, machine, ROUNDS)
    for name in "ab":
        assert measured[name].times_s == pytest.approx([1.0] * ROUNDS.repeats)
        assert measured[name].energies_j == pytest.approx([POWER_W] * ROUNDS.repeats)
        assert "set aside: the counter of the CPU went backwards" in measured[name].warnings[0]


def test_a_meter_that_never_says_what_can_be_is_an_error(machine):
    energy = count(0, -1)
    machine.read = lambda: Measurement(cpu_j=next(energy))
    with pytest.raises(InvalidError, match="too many measurements cannot be right, the last one"):
        repeat(machine.work("a", lambda n: 1.0), machine, ROUNDS)


def test_nothing_to_measure_is_no_error(machine):
    assert interleave({}, machine) == {}


def test_repeat_is_one_of_the_package_s_own_names(machine):
    work = machine.work("a", lambda n: 1.0)
    assert ecotrack.repeat(work, machine, ROUNDS).times_s == pytest.approx([1.0] * ROUNDS.repeats)


def test_a_good_series_warns_of_nothing():
    found = series([2.0, 2.01, 1.99, 2.02, 2.0])
    assert found.warnings == ()
    assert found.advice is None


@pytest.mark.parametrize(
    ("times_s", "warning"),
    [
        ([1.0, 1.5, 0.9, 1.4, 1.0], "unstable: the turns' standard deviation is"),
        ([1.0] * 60 + [1.6], "unstable: a turn is 58% off the mean"),
        ([1.0, 1.03, 1.06, 1.09, 1.12], "drifting: the time changed by +11% from"),
        ([1.12, 1.09, 1.06, 1.03, 1.0], "drifting: the time changed by -11% from"),
    ],
)
def test_warnings(times_s, warning):
    (said,) = series(times_s).warnings
    assert said.startswith(warning)


@pytest.mark.parametrize(
    ("cpu", "ram", "gpu", "wanted_s"),
    [
        ("modelled", "assumed", "absent", 10),
        ("measured", "assumed", "absent", 1),
        ("measured", "measured", "measured", 10),
        ("assumed", "measured", "absent", 1),
        ("assumed", "assumed", "absent", 0),
    ],
)
def test_a_block_is_short_that_its_meters_cannot_tell(cpu, ram, gpu, wanted_s):
    known = {"cpu_origin": Origin(cpu), "ram_origin": Origin(ram), "gpu_origin": Origin(gpu)}
    assert long_enough_s(Measurement(**known)) == wanted_s
    assert not series([max(wanted_s, 0.5) / 5] * 5, **known).short
    if wanted_s:
        found = series([wanted_s / 10] * 5, **known)
        assert found.short
        assert found.warnings == (
            f"short: these meters want {wanted_s} s, and had {wanted_s / 2:g} s",
        )


@pytest.mark.parametrize(("source", "turn_s"), [("modelled", 2.0), ("measured", 0.2)])
def test_counters_make_turns_short_and_more_turns_do_not(source, turn_s):
    meter = ScriptedMeter([Measurement(cpu_origin=Origin(source))])
    assert LOOK.turn_s(meter) == CLAIM.turn_s(meter) == turn_s
    assert QUICK.turn_s(meter) == 0.2
    assert Plan(repeats=2).turn_s(meter) == 2.5 * turn_s


@pytest.mark.parametrize("repeats", [0, -1])
def test_a_plan_of_no_turn_is_refused(repeats):
    with pytest.raises(ValueError, match=f"at least 1 turn of each work, got {repeats}$"):
        Plan(repeats=repeats)


def test_the_plan_of_a_claim_is_claim_unless_more_is_asked_for():
    assert Repeats(claim=True).plan == CLAIM
    assert Repeats(claim=True, repeats=40, precision=0.01).plan == replace(
        CLAIM, repeats=40, precision=0.01
    )


def test_the_meters_are_asked_how_long_only_by_the_thorough():
    assert Repeats(thorough=True).plan.block_s is None
    assert Repeats().plan.block_s == QUICK.block_s
    assert Repeats().plan.precision is None, "five turns, and no more"


def test_advice_says_how_many_more_turns():
    said = series([1.0, 1.1, 0.9, 1.05, 0.95], 0.03).advice
    assert said == "the time is known to ±10.0%; ±3.0% takes some 51 more turns"


times = st.lists(st.floats(0.1, 10), min_size=2, max_size=12)


@given(times)
def test_a_turn_s_scale_changes_no_warning_and_no_ratio(values):
    one, thousand = series(values), series([1000 * t for t in values])
    unstable = [any("unstable" in said for said in s.warnings) for s in (one, thousand)]
    assert unstable[0] == unstable[1]
    ratio = ratio_interval(thousand.times_s, one.times_s)
    assert (ratio.low, ratio.high) == pytest.approx((1000, 1000))


@given(times, st.lists(st.floats(0.001, 0.5), min_size=2, max_size=5))
def test_a_series_narrow_enough_is_narrow_enough_for_less(values, precisions):
    reached = [narrow([values], precision) for precision in sorted(precisions)]
    assert all(later or not sooner for sooner, later in pairwise(reached))
