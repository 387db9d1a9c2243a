import math

import pytest

from ecotrack.measurement import Measurement, Origin
from ecotrack.meters.gates import disturbed, flaw, others_share

SOUND = Measurement(
    wall_s=10, cpu_s=9, cpu_j=80, ram_j=20, idle_j=30, cpu_origin=Origin("measured")
)


def changed(**values: float) -> Measurement:
    return Measurement(**{**vars(SOUND), **values})


def test_a_sound_measurement_has_no_flaw():
    assert flaw(SOUND) is None
    assert flaw(Measurement()) is None, "nothing done, nothing spent"
    assert flaw(Measurement(wall_s=0.05, cpu_s=0.04)) is None, "too short for any sensor"
    assert flaw(Measurement(wall_s=1, cpu_s=1)) is None, "nothing can be measured here"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"wall_s": -1.5}, "the clock went backwards, by 1.5 s"),
        ({"cpu_s": -2.0}, "the clock went backwards, by 2 s"),
        ({"cpu_j": -3.0}, "the counter of the CPU went backwards, by 3 J"),
        ({"cpu_j": math.nan}, "a reading was no number"),
        ({"gpu_j": math.inf}, "a reading was no number"),
        ({"cpu_j": 0.0, "ram_j": 0.0}, "9 s of CPU time are said to have cost no energy"),
        ({"cpu_j": 1.0, "ram_j": 2.0}, "it is said to have drawn 0.3 W, and the idle machine"),
        (
            {"cpu_j": 1200.0, "cpu_origin": Origin("measured", most_w=100)},
            "the CPU is said to have drawn 120 W, and cannot draw more than 100 W",
        ),
    ],
)
def test_what_cannot_be_is_named(values, said):
    found = flaw(changed(**values))
    assert found is not None
    assert found.startswith(said)


def test_what_others_had_is_a_share_of_all_cores():
    busy_neighbour = changed(other_cpu_s=4.0)
    assert others_share(busy_neighbour, cores=2) == pytest.approx(0.2)
    assert disturbed(busy_neighbour, cores=2)
    assert not disturbed(busy_neighbour, cores=64)
    assert others_share(changed(other_cpu_s=-0.01), cores=2) == 0, "a tick of the system's clock"
    assert others_share(Measurement(wall_s=0.1, other_cpu_s=0.1), cores=2) == 0
