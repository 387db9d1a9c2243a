import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack import host
from ecotrack.measurement import ABSENT, Origin
from ecotrack.meters import bands, machine
from ecotrack.meters.bands import Band
from ecotrack.meters.machine import Checked, Idle, Machine, MachineFileError


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "machine.json"
    monkeypatch.setenv("ECOTRACK_MACHINE", str(path))
    return path


def test_nothing_is_known_of_a_new_machine():
    assert machine.load() == Machine()
    assert Machine().idle_w("modelled") == 0


def test_nothing_is_known_where_there_can_be_no_file(monkeypatch):
    monkeypatch.setenv("ECOTRACK_MACHINE", "/dev/null/ecotrack/machine.json")
    assert machine.load() == Machine()


def test_what_was_saved_is_read_back():
    known = Machine(
        65,
        12.5,
        {"cpu-estimate": 1.2},
        Idle(20, 60, host.boot_id(), "modelled"),
        Checked("2026-05-01T12:00Z", 0.012, 0.03, "modelled"),
    )
    machine.save(known)
    assert machine.load() == known


def test_idle_power_holds_for_one_boot_and_one_way_of_knowing():
    assert Machine(idle=Idle(20, 60, host.boot_id(), "modelled")).idle_w("modelled") == 20
    assert Machine(idle=Idle(20, 60, host.boot_id(), "modelled")).idle_w("measured") == 0
    assert Machine(idle=Idle(20, 60, "an earlier boot", "modelled")).idle_w("modelled") == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1"),
        ('{"cpu_wats": 65}', "cpu_wats"),
        ('{"cpu_watts": -65}', "cpu_watts must be between 0 and 100,000 W, got -65"),
        ('{"cpu_watts": "sixty"}', "not supported"),
        ('{"factors": {"cpu": 2}}', "no meter is called 'cpu'; there are cpu-counter"),
        (
            '{"factors": {"cpu-estimate": 0.5}}',
            "the factor of cpu-estimate must be between 1 and 100",
        ),
        ('{"idle": {"power_w": 3}}', "missing"),
        (
            '{"idle": {"power_w": -3, "over_s": 60, "boot": "", "way": ""}}',
            "idle.power_w must not be negative, got -3",
        ),
        (
            '{"checked": {"date": "", "noise": "low", "others": 0, "way": ""}}',
            "not supported",
        ),
        ("[1]", "mapping"),
    ],
)
def test_a_file_that_is_none_is_named(place, text, said):
    place.parent.mkdir()
    place.write_text(text)
    with pytest.raises(MachineFileError) as error:
        machine.load()
    assert str(place) in str(error.value)
    assert said in str(error.value)


def test_a_user_may_edit_the_file(place):
    place.parent.mkdir()
    place.write_text(json.dumps({"cpu_watts": 65}))
    assert machine.load().cpu_watts == 65


@given(st.sampled_from(sorted(bands.BANDS)), st.floats(1, 100))
def test_a_calibration_of_one_s_own_goes_before_the_literature(meter, factor):
    part, _, kind = meter.partition("-")
    origin = Origin("measured" if kind == "counter" else "modelled")

    def band(calibrated: dict[str, float]) -> Band:
        return bands.band(part, origin, calibrated) if kind else bands.wall(calibrated)

    assert band({meter: factor}) == Band(factor, "your calibration")
    assert band({}) == bands.BANDS[meter]
    assert bands.band(part, ABSENT, {meter: factor}).factor == 1
    assert bands.BANDS[meter].says
