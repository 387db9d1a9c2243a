import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack.measure import measure
from ecotrack.measurement import Measurement, Origin
from ecotrack.meters import gates
from ecotrack.meters.codecarbon import ScriptedMeter
from ecotrack.testing import Clock

ROUNDING = 1e-9
BURN_CPU = """
import time
while time.process_time() < 0.2:
    pass
print(time.process_time())
"""


class SpendingMeter:
    """In place of an energy counter, which cannot be told what to count."""

    def __init__(self, reading_s: float = 0.0) -> None:
        self._spent = Measurement(cpu_origin=Origin("measured"))
        self._reading_s = reading_s

    def spend(self, joules: float) -> None:
        cost = Measurement(cpu_j=joules, co2_g=joules / 10, cpu_origin=Origin("measured"))
        self._spent += cost

    def read(self) -> Measurement:
        time.sleep(self._reading_s)
        return self._spent


@pytest.fixture
def meter() -> SpendingMeter:
    return SpendingMeter()


def test_a_window_is_the_difference_of_two_readings():
    first = Measurement(cpu_j=100, ram_j=20, gpu_j=3, co2_g=1, ram_origin=Origin("assumed"))
    last = Measurement(cpu_j=107, ram_j=25, gpu_j=4, co2_g=1.5, ram_origin=Origin("assumed"))
    with measure(ScriptedMeter([first, last])) as window:
        pass
    expected = Measurement(cpu_j=7, ram_j=5, gpu_j=1, co2_g=0.5, ram_origin=Origin("assumed"))
    assert replace(window.cost, wall_s=0, cpu_s=0, other_cpu_s=0) == expected


def test_what_is_spent_outside_is_not_in_the_window(meter):
    meter.spend(1000)
    with measure(meter) as window:
        meter.spend(7)
    meter.spend(1000)
    assert window.cost.cpu_j == pytest.approx(7)
    assert window.cost.co2_g == pytest.approx(0.7)
    assert window.cost.cpu_origin.source == "measured"


spendings = st.recursive(
    st.integers(0, 1000), lambda inner: st.lists(inner, max_size=4), max_leaves=12
)


@given(spendings)
def test_nested_windows_cost_at_most_what_holds_them(tree):
    meter = SpendingMeter()

    def work(node) -> tuple[Measurement, int]:
        """What the window says of a node, and what was really spent in it."""
        with measure(meter) as window:
            own, below = (node, []) if isinstance(node, int) else (1, node)
            meter.spend(own)
            children = [work(child) for child in below]
        total, parts = window.cost, sum((cost for cost, _ in children), Measurement())
        for name in ("wall_s", "cpu_s", "cpu_j", "ram_j", "gpu_j", "co2_g"):
            assert getattr(parts, name) <= getattr(total, name) + ROUNDING
        spent = own + sum(joules for _, joules in children)
        assert total.cpu_j == pytest.approx(spent)
        return total, spent

    work(tree)


def test_a_block_that_raises_is_measured_too(meter):
    def work() -> None:
        meter.spend(5)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), measure(meter) as window:
        work()
    assert window.cost.cpu_j == pytest.approx(5)
    assert window.cost.wall_s > 0


def test_so_far_grows_up_to_the_cost(meter):
    with measure(meter) as window:
        seen = [window.so_far()]
        for joules in (2, 3):
            meter.spend(joules)
            seen.append(window.so_far())
    seen.append(window.cost)
    assert [cost.cpu_j for cost in seen] == pytest.approx([0, 2, 5, 5])
    for clock in ("wall_s", "cpu_s"):
        values = [getattr(cost, clock) for cost in seen]
        assert values == sorted(values)


def test_the_time_of_reading_the_meter_is_not_in_the_window():
    slow = SpendingMeter(reading_s=60)
    with Clock(), measure(slow) as window:
        pass
    assert window.cost.wall_s < slow._reading_s


def test_sleeping_takes_wall_time_and_hardly_any_cpu_time(meter):
    with measure(meter) as window:
        time.sleep(0.2)
    assert window.cost.wall_s >= 0.2
    assert window.cost.cpu_s < window.cost.wall_s


def test_cpu_time_of_child_processes_is_counted(meter):
    with measure(meter) as window:
        child = subprocess.run([sys.executable, "-c", BURN_CPU], capture_output=True, check=True)
    assert window.cost.cpu_s >= float(child.stdout) >= 0.2


def test_a_core_that_is_unplugged_takes_its_ticks_along_and_spoils_nothing(monkeypatch):
    """Linux drops an offline core's times from the machine's: the sum goes back."""
    busy = iter([psutil.cpu_times(), psutil.cpu_times()._replace(user=0.0, system=0.0)])
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(busy))
    with measure(ScriptedMeter([Measurement(), Measurement(cpu_j=5)])) as window:
        time.sleep(gates.TELLING_S)
    assert window.cost.other_cpu_s < 0
    assert gates.others_share(window.cost, cores=2) == 0
    assert gates.flaw(window.cost) is None
