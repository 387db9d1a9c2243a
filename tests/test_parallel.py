"""Is parallel greener? On blocks that follow a known law of power."""

import pytest

from ecotrack.measurement import Measurement, Origin
from ecotrack.parallel import answer, cubic, greener
from ecotrack.series import Series, Turn, cpu_ratio, time_ratio, undisturbed
from ecotrack.stats import NO_DIFFERENCE, ratio_interval

JITTER = (1.0, 1.004, 0.995, 1.002, 0.998)  # of one side's rounds
OTHER_JITTER = (1.003, 0.997, 1.001, 0.996, 1.005)


def block(wall_s, load, cores, rated_w, ram_w, source="modelled", idle_w=0):
    """What CodeCarbon's cubic model says of a load on so many cores."""
    return Measurement(
        wall_s=wall_s,
        cpu_s=wall_s * cores * load,
        cpu_j=wall_s * rated_w * cubic(load),
        ram_j=wall_s * ram_w,
        idle_j=wall_s * idle_w,
        cpu_origin=Origin(source),
    )


def rounds(one, many):
    """Five rounds of both, a little different each."""
    return [(one / a, many / b) for a, b in zip(JITTER, OTHER_JITTER, strict=True)]


def middle(gains):
    return [gain.ratio for gain in gains]


def test_where_the_models_disagree_there_is_no_answer():
    one, many = block(8, 1 / 8, 8, 100, 0), block(1, 1, 8, 100, 0)
    verdict = greener(rounds(one, many), cores=8)
    assert verdict.speed_up.ratio == pytest.approx(8, rel=0.01)
    linear, by_cube = verdict.gross
    assert not linear.differs, "a tie by construction"
    assert by_cube.ratio == pytest.approx(8 * cubic(1 / 8), rel=0.01)
    assert answer(verdict.gross) == "no answer: the models disagree"
    assert one.total_j / many.total_j == pytest.approx(by_cube.ratio, rel=0.01)
    one, many = block(8, 1 / 8, 8, 100, 1), block(1, 1, 8, 100, 1)
    disagreeing = greener(rounds(one, many), cores=8)
    assert answer(disagreeing.gross) == "no answer: the models disagree"
    assert disagreeing.net[0].ratio == pytest.approx(1, rel=0.01)


def test_where_power_is_measured_the_machine_decides():
    one = block(4, 0.5, 2, 10, 30, "measured", idle_w=20)
    many = block(2, 1.0, 2, 10, 30, "measured", idle_w=20)
    verdict = greener(rounds(one, many), cores=2)
    energy_one, energy_many = one.total_j, many.total_j
    assert middle(verdict.gross) == pytest.approx([energy_one / energy_many], rel=0.01)
    assert middle(verdict.net) == pytest.approx([(energy_one - 80) / (energy_many - 40)], rel=0.01)
    assert answer(verdict.gross) == answer(verdict.net) == "greener"
    swapped = greener(rounds(many, one), cores=2)
    assert answer(swapped.gross) == "not greener"


@pytest.mark.parametrize("idle_w", [0, 35], ids=["unknown", "more than the work's"])
def test_without_idle_power_or_below_it_net_tells_nothing(idle_w):
    one = block(4, 0.5, 2, 10, 30, "measured", idle_w)
    many = block(2, 1.0, 2, 10, 30, "measured", idle_w)
    verdict = greener(rounds(one, many), cores=2)
    assert answer(verdict.gross) == "greener"
    assert (verdict.net, answer(verdict.net)) == ((), "unknown")


def test_of_a_constant_power_nothing_is_claimed():
    one, many = block(4, 0.5, 2, 10, 30, "assumed"), block(2, 1.0, 2, 10, 30, "assumed")
    verdict = greener(rounds(one, many), cores=2)
    assert (verdict.gross, answer(verdict.gross)) == ((), "unknown")


def test_what_an_interval_cannot_tell_is_no_difference():
    """The mean says 4 % more, and one round in five says so."""
    one, many = block(2, 1.0, 2, 10, 30, "measured"), block(2, 1.0, 2, 10, 30, "measured")
    pairs = [(one / jitter, many) for jitter in (1.0, 0.99, 1.01, 0.8, 1.02)]
    assert sum(a.total_j for a, _ in pairs) > 1.03 * sum(b.total_j for _, b in pairs)
    assert answer(greener(pairs, cores=2).gross) == NO_DIFFERENCE


def turns(costs) -> Series:
    return Series(tuple(Turn(cost, 1) for cost in costs))


def beside(cost, share, cores):
    """The same while others had this share of the machine."""
    other_cpu_s = share * cores * cost.wall_s
    return Measurement(cost.wall_s, cost.cpu_s, other_cpu_s, cost.cpu_j, cost.ram_j)


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr("ecotrack.host.all_cores", lambda: 2)


def test_rounds_that_others_disturbed_are_left_out(two_cores):
    one, many = block(4, 0.5, 2, 10, 30), block(2, 1.0, 2, 10, 30)
    busy = beside(block(9, 0.5, 2, 10, 30), 0.5, 2)
    first = turns([one, busy, one, one / 1.01])
    second = turns([many, many, beside(many, 0.2, 2), many])
    assert [(a.wall_s, b.wall_s) for a, b in undisturbed(first, second)] == [
        (4, 2),
        (pytest.approx(4 / 1.01), 2),
    ]
    assert time_ratio(first, second) == ratio_interval([4, 4 / 1.01], [2, 2])


@pytest.mark.parametrize(
    "costs", [[beside(block(0.4, 0.5, 2, 10, 30), 0.5, 2)] * 5, [block(4, 0.5, 2, 10, 30)]]
)
def test_disturbed_blocks_of_short_turns_and_single_rounds_tell_no_ratio(costs, two_cores):
    assert undisturbed(turns(costs), turns(costs)) == []
    assert time_ratio(turns(costs), turns(costs)) is None
    assert cpu_ratio(turns(costs), turns(costs)).ratio == 1, "CPU time is the work's own"
