import threading
from contextlib import contextmanager

import pytest

from ecotrack.meters.powercap import BELIEVABLE_W, LONGEST_PERIOD_S, Counter, Powercap
from ecotrack.testing import Clock, PowercapMachine

RANGE_J = 65_536.0  # of many AMD chips: the smallest in the field


@contextmanager
def counted(folder, **layout):
    """A machine and our reader of it, with a clock; the thread is not started."""
    with Clock() as clock:
        machine = PowercapMachine(folder, max_energy_uj=int(RANGE_J * 1e6), **layout)
        yield machine, Powercap(folder), clock


def test_only_packages_and_dram_are_counted(tmp_path):
    with counted(tmp_path) as (machine, counters, clock):
        assert [c.name for c in counters.packages] == ["package-0", "package-1"]
        assert [c.name for c in counters.drams] == ["package-0 dram", "package-1 dram"]
        clock.advance(10)
        machine.advance(0, joules=500, dram_joules=40)
        machine.advance(1, joules=300, dram_joules=20)
        assert counters.read() == pytest.approx((800, 60))
        assert counters.flaws == []


def test_a_package_with_two_interfaces_counts_once(tmp_path):
    with counted(tmp_path, packages=1) as (machine, _, clock):
        (tmp_path / "intel-rapl-mmio:0").symlink_to(tmp_path / "intel-rapl:0")
        counters = Powercap(tmp_path)
        clock.advance(1)
        machine.advance(joules=100)
        assert counters.read()[0] == pytest.approx(100)


def test_mirrored_packages_count_once_and_it_is_said(tmp_path):
    with counted(tmp_path, mirrored=True) as (machine, counters, clock):
        clock.advance(1)
        machine.advance(joules=100)
        assert counters.read()[0] == pytest.approx(100)
        assert counters.flaws[0] == "package-1 shows the counter of package-0 and is left out"


def test_a_machine_without_counters_is_no_error(tmp_path):
    counters = Powercap(tmp_path / "nowhere")
    counters.start()
    assert counters.read() == (0, 0)
    assert counters.flaws == counters.forbidden == []
    counters.stop()


def test_the_period_follows_the_smallest_range(tmp_path):
    for name, range_j in (("small", 1000), ("large", 262_143)):
        (tmp_path / name).mkdir()
        PowercapMachine(tmp_path / name, max_energy_uj=range_j * 10**6)
    period_s = Powercap(tmp_path / "small").period_s
    assert period_s * BELIEVABLE_W < 1000, "no wrap between two readings, even at full power"
    assert Powercap(tmp_path / "large").period_s == LONGEST_PERIOD_S


def test_any_number_of_wraps_is_counted_when_read_between(tmp_path):
    with counted(tmp_path, packages=1) as (machine, counters, clock):
        for _ in range(20):
            clock.advance(30)
            machine.advance(joules=0.7 * RANGE_J, dram_joules=30)
            counters.update()
        assert counters.read() == pytest.approx((14 * RANGE_J, 600))
        assert counters.flaws == []


def test_the_thread_sees_every_wrap_by_itself(tmp_path):
    """Real thread, real clock: only the size of the counter is not of this world."""
    machine = PowercapMachine(tmp_path, packages=1, max_energy_uj=100_000_000)
    counters = Powercap(tmp_path)
    seen, waits = threading.Event(), []
    update, wait = counters.update, counters._stopped.wait

    def tell() -> None:
        update()
        seen.set()

    def note(timeout: float) -> bool:
        waits.append(timeout)
        return wait(timeout)

    counters.update, counters._stopped.wait = tell, note
    counters.start()
    for _ in range(10):
        machine.advance(joules=40)  # 50 J are believable in a period
        seen.clear()
        assert seen.wait(30)
        seen.clear()
        assert seen.wait(30), "the second one began after the step"
    counters.stop()
    assert counters.read()[0] == pytest.approx(400)
    assert set(waits) == {counters.period_s} == {0.025}
    assert "powercap" not in [thread.name for thread in threading.enumerate()]


def test_after_too_long_without_a_reading_a_wrap_may_be_missing_and_it_is_said(tmp_path):
    with counted(tmp_path, packages=1, dram=False) as (machine, counters, clock):
        clock.advance(600)
        machine.advance(joules=1.5 * RANGE_J)
        assert counters.read()[0] <= 1.5 * RANGE_J
        [flaw] = counters.flaws
        assert flaw.startswith("package-0 was not read for 600 s")


def test_a_reset_is_not_a_wrap(tmp_path):
    with counted(tmp_path, packages=1, dram=False) as (machine, counters, clock):
        clock.advance(5)
        machine.advance(joules=400)
        counters.update()
        machine.reset()
        clock.advance(5)
        machine.advance(joules=300)
        assert counters.read()[0] == pytest.approx(700)
        [flaw] = counters.flaws
        assert flaw.startswith("package-0 was reset")


def test_energy_beyond_belief_is_not_counted_and_it_is_said(tmp_path):
    with counted(tmp_path, packages=1, dram=False) as (machine, counters, clock):
        clock.advance(0.1)
        machine.advance(joules=10_000)
        assert counters.read()[0] == 0
        [flaw] = counters.flaws
        assert flaw.startswith("package-0 leapt by 10000 J in 0.10 s")
        clock.advance(0.1)
        machine.advance(joules=10)
        assert counters.read()[0] == pytest.approx(10), "and then it goes on"


def test_permission_lost_for_a_while_is_said_and_its_energy_comes_later(tmp_path):
    with counted(tmp_path, packages=1, dram=False) as (machine, counters, clock):
        machine.forbid()
        clock.advance(5)
        machine.advance(joules=200)
        assert counters.read()[0] == 0
        [flaw] = counters.flaws
        assert flaw.startswith("package-0 could not be read for 5.0 s, and nothing is counted")
        machine.allow()
        clock.advance(1)
        machine.advance(joules=30)
        assert counters.read()[0] == pytest.approx(230)
        [flaw] = counters.flaws
        assert flaw.startswith("package-0 could not be read for 6.0 s: the energy of that time")


def test_a_counter_that_stands_still_is_named(tmp_path):
    with counted(tmp_path, packages=2, dram=False) as (machine, counters, clock):
        machine.freeze(1)
        for package in (0, 1):
            machine.advance(package, joules=100)
        clock.advance(0.5)
        counters.update()
        assert counters.flaws == [], "half a second proves nothing"
        clock.advance(2)
        machine.advance(0, joules=100)
        assert counters.read()[0] == pytest.approx(200)
        [flaw] = counters.flaws
        assert flaw.startswith("package-1 did not move for 2.5 s")


def test_a_counter_forbidden_from_the_start_is_named(tmp_path):
    with counted(tmp_path, dram=False) as (machine, _, clock):
        machine.forbid(1)
        counters = Powercap(tmp_path)
        clock.advance(1)
        machine.advance(0, joules=100)
        machine.advance(1, joules=100)
        assert counters.read()[0] == pytest.approx(100)
        [flaw] = counters.flaws
        assert flaw.startswith("package-1 has an energy counter that cannot be read")


@pytest.mark.parametrize("nonsense", ["0", "-5", "", "many"])
def test_a_counter_of_no_known_range_is_not_read(tmp_path, nonsense):
    with counted(tmp_path, packages=1, dram=False):
        (tmp_path / "intel-rapl:0" / "max_energy_range_uj").write_text(nonsense)
        with pytest.raises(ValueError):  # noqa: PT011  # int's own words for two of them
            Counter("package-0", tmp_path / "intel-rapl:0")
        assert Powercap(tmp_path).packages == []
