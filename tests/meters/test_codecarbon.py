import inspect
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest
from codecarbon import OfflineEmissionsTracker
from codecarbon.emissions_tracker import BaseEmissionsTracker
from codecarbon.input import DataSource

from ecotrack.measure import measure
from ecotrack.measurement import Measurement, Origin, Source
from ecotrack.meters import codecarbon as meters
from ecotrack.meters.codecarbon import CodeCarbonMeter, MeterError, ScriptedMeter
from ecotrack.meters.grid import UnknownCountryError, grid

ROOT = Path(__file__).parents[2]
READ_AND_RECORD = """
import json, sys
from ecotrack.meters.codecarbon import CodeCarbonMeter
from ecotrack.meters.grid import grid
with CodeCarbonMeter(grid("WORLD")) as meter:
    meter.read()
    record = meter.record()
with open(sys.argv[1], "w") as file:
    json.dump(record, file, default=str)
"""
FAIL_INSIDE = """
from ecotrack.meters.codecarbon import CodeCarbonMeter
from ecotrack.meters.grid import grid
with CodeCarbonMeter(grid("WORLD")) as meter:
    def fail(*_):
        raise OSError("no such counter")
    meter._tracker._prepare_emissions_data = fail
    meter.read()
"""
HOSTILE = {
    "pue": "3",
    "wue": "5",
    "force_cpu_power": "500",
    "force_ram_power": "500",
    "force_carbon_intensity_g_co2e_kwh": "1",
    "force_mode_cpu_load": "true",
    "country_iso_code": "POL",
    "country_2letter_iso_code": "PL",
    "region": "quebec",
    "cloud_provider": "gcp",
    "cloud_region": "europe-west1",
    "tracking_mode": "process",
    "measure_power_secs": "0.1",
    "project_name": "stray",
    "experiment_id": "stray",
    "output_dir": "/nowhere",
    "output_file": "stray.csv",
    "save_to_file": "true",
    "save_to_logger": "true",
    "output_methods": "file",
    "log_level": "debug",
    "allow_multiple_runs": "false",
    "co2_signal_api_token": "stray",
}


@pytest.fixture(scope="module")
def codecarbon():
    with CodeCarbonMeter(grid("WORLD")) as meter:
        yield meter


@pytest.fixture(params=["codecarbon", "scripted"])
def any_meter(request):
    if request.param == "codecarbon":
        return request.getfixturevalue("codecarbon")
    return ScriptedMeter(
        [Measurement(cpu_j=j, co2_g=j / 7, cpu_origin=Origin("measured")) for j in (1, 4)]
    )


def test_readings_of_any_meter_never_go_down(any_meter):
    readings = []
    for _ in range(5):
        readings.append(any_meter.read())
        sum(range(100_000))
    for name in ("cpu_j", "ram_j", "gpu_j", "co2_g"):
        values = [getattr(reading, name) for reading in readings]
        assert values == sorted(values)
    for reading in readings:
        assert reading.wall_s == reading.cpu_s == 0, "times are left to the window"
        assert {
            reading.cpu_origin.source,
            reading.ram_origin.source,
            reading.gpu_origin.source,
        } <= {*get_args(Source)}


def test_any_meter_fills_a_window(any_meter):
    with measure(any_meter) as window:
        time.sleep(0.06)
    assert window.cost.total_j > 0
    assert window.cost.co2_g > 0
    assert window.cost.wall_s > 0


def test_a_script_reads_in_order_and_its_last_reading_repeats():
    script = [Measurement(cpu_j=j) for j in (1, 2, 5)]
    meter = ScriptedMeter(script)
    assert [meter.read() for _ in range(5)] == [*script, script[-1], script[-1]]


def test_the_raw_record_agrees_with_the_reading(codecarbon):
    time.sleep(0.06)
    reading, record = codecarbon.read(), codecarbon.record()
    totals = record["totals"]
    assert reading.cpu_j == pytest.approx(totals["cpu_energy"] * 3.6e6)
    assert reading.ram_j == pytest.approx(totals["ram_energy"] * 3.6e6)
    assert reading.gpu_j == pytest.approx(totals["gpu_energy"] * 3.6e6)
    assert reading.co2_g == pytest.approx(totals["emissions"] * 1000)
    assert reading.total_wh == pytest.approx(totals["energy_consumed"] * 1000)
    assert reading.co2_g == pytest.approx(totals["energy_consumed"] * 475)
    assert record["grid"]["intensity_g_per_kwh"] == 475
    assert record["hardware"]


def test_the_record_can_be_kept_as_json(codecarbon):
    codecarbon.read()
    assert json.loads(json.dumps(codecarbon.record(), default=str))["totals"]["pue"] == 1.0


class Noted:
    """A meter that notes when it was read."""

    def __init__(self, meter) -> None:
        self.meter, self.read_at_s = meter, []

    def read(self) -> Measurement:
        self.read_at_s.append(time.perf_counter())
        return self.meter.read()


def test_neighbouring_windows_add_up_to_the_one_that_holds_them(codecarbon):
    """To 0.1 %: the ends of neighbours are the same moment, and so the same reading.

    A machine that stops us between two of them for longer than that lets energy pass that is in no
    part. It seldom does so twenty times in a row.
    """
    for _ in range(20):
        noted = Noted(codecarbon)
        with measure(noted) as outer:
            with measure(noted) as first:
                time.sleep(0.25)
            with measure(noted) as second:
                time.sleep(0.25)
        parts = first.cost + second.cost
        assert parts.total_j <= outer.cost.total_j * (1 + 1e-9)
        times = iter(noted.read_at_s)
        if all(
            later - sooner < meters.SAME_MOMENT_S
            for sooner, later in zip(times, times, strict=True)
        ):
            break
    assert parts.total_j == pytest.approx(outer.cost.total_j, rel=1e-3)


@pytest.fixture
def broken(monkeypatch):
    """A real meter whose tracker fails inside, where CodeCarbon swallows it."""

    def fail(*_):
        raise OSError("no such counter")

    with CodeCarbonMeter(grid("WORLD")) as meter:
        monkeypatch.setattr(meter._tracker, "_prepare_emissions_data", fail)
        yield meter


def test_a_failure_that_codecarbon_swallows_is_raised(broken):
    assert broken._tracker.flush() is None, "CodeCarbon itself says nothing"
    with pytest.raises(MeterError, match="gave no reading"):
        broken.read()


def test_a_window_does_not_end_as_if_work_were_free(monkeypatch):
    meter = CodeCarbonMeter(grid("WORLD"))
    with meter, pytest.raises(MeterError), measure(meter):
        monkeypatch.setattr(meter._tracker, "flush", lambda: None)


@pytest.mark.parametrize("state", ["never started", "stopped"])
def test_a_tracker_that_does_not_run_gives_no_reading(state):
    meter = CodeCarbonMeter(grid("WORLD"))
    if state == "stopped":
        with meter:
            pass
    with pytest.raises(MeterError):
        meter.read()


def in_a_stray_folder(folder: Path, environment: dict[str, str]) -> tuple[dict, str]:
    """Record of a meter started in `folder` by another process, and all that it printed."""
    kept = folder / "record.json"
    done = subprocess.run(
        [sys.executable, "-c", READ_AND_RECORD, str(kept)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(kept.read_text()), done.stdout + done.stderr


def settings_of(record: dict) -> dict:
    """What of a record does not change from reading to reading."""
    totals = record["totals"]
    asked = (
        "pue",
        "wue",
        "tracking_mode",
        "country_iso_code",
        "region",
        "project_name",
        "on_cloud",
    )
    return {
        "hardware": record["hardware"],
        "experiment": totals["experiment_id"],
        "g_per_kwh": round(1000 * totals["emissions"] / totals["energy_consumed"], 6),
        "ram_power": totals["ram_power"],
        **{name: totals[name] for name in asked},
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return in_a_stray_folder(folder, {})


def test_a_meter_prints_nothing(undisturbed):
    assert undisturbed[1] == ""


@pytest.mark.parametrize("place", ["file", "environment"])
def test_stray_settings_do_not_speak(place, tmp_path, undisturbed):
    environment = {}
    if place == "file":
        lines = [f"{name} = {value}" for name, value in HOSTILE.items()]
        (tmp_path / ".codecarbon.config").write_text("\n".join(["[codecarbon]", *lines]))
    else:
        environment = {f"CODECARBON_{name.upper()}": value for name, value in HOSTILE.items()}
        del environment["CODECARBON_LOG_LEVEL"]  # the one that may: MeterError names it
    before = {path.name for path in tmp_path.iterdir()}
    record, printed = in_a_stray_folder(tmp_path, environment)
    assert record["totals"]["pue"] == 1.0
    assert settings_of(record) == settings_of(undisturbed[0])
    assert {path.name for path in tmp_path.iterdir()} == {*before, "record.json"}
    assert printed == ""


def test_the_log_that_the_error_names_says_why(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FAIL_INSIDE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CODECARBON_LOG_LEVEL": "warning"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "CODECARBON_LOG_LEVEL" in done.stderr.splitlines()[-1]
    assert "no such counter" in done.stderr


def test_every_argument_of_codecarbon_is_given(monkeypatch):
    given = {}
    monkeypatch.setattr(meters, "OfflineEmissionsTracker", lambda **kwargs: given.update(kwargs))
    CodeCarbonMeter(grid("WORLD"))
    trackers = (OfflineEmissionsTracker, BaseEmissionsTracker)
    known = {name for t in trackers for name in inspect.signature(t.__init__).parameters}
    replaced = {name for name in known if name.startswith("save_to_")}  # by output_methods
    retired = {"co2_signal_api_token"}  # of the online tracker
    assert known - {"self", "args", "kwargs"} - replaced - retired == given.keys()


@pytest.fixture
def no_country(monkeypatch):
    monkeypatch.delenv("ECOTRACK_COUNTRY", raising=False)


@pytest.mark.usefixtures("no_country")
def test_the_world_is_taken_when_no_country_is_named():
    world = grid("auto")
    assert (world.country, world.intensity_g_per_kwh) == ("WORLD", 475)
    assert world.source.startswith("https://www.iea.org/")
    assert world.year == 2019


@pytest.mark.parametrize("named", ["FRA", "fra"])
def test_auto_takes_the_country_of_the_environment(named, monkeypatch):
    monkeypatch.setenv("ECOTRACK_COUNTRY", named)
    assert grid("auto") == grid("FRA")


def test_a_named_country_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("ECOTRACK_COUNTRY", "POL")
    assert grid("FRA").country == "FRA"


@pytest.mark.usefixtures("no_country")
def test_a_country_has_its_own_intensity_with_source_and_year():
    france, poland = grid("FRA"), grid("POL")
    assert 0 < france.intensity_g_per_kwh < grid("auto").intensity_g_per_kwh
    assert france.intensity_g_per_kwh < poland.intensity_g_per_kwh
    assert "Our World in Data" in france.source
    assert france.year >= 2022


@pytest.mark.parametrize("country", ["XXX", "France", "FR", "", "12"])
def test_an_unknown_country_is_refused_by_name(country):
    with pytest.raises(UnknownCountryError) as refusal:
        grid(country)
    assert repr(country.upper()) in str(refusal.value)
    assert "FRA" in str(refusal.value), "the message shows the way out"


def test_no_country_has_electricity_for_nothing():
    """An intensity of 0 is a hole in the table (CAF), and would make every choice free."""
    mix = DataSource().get_global_energy_mix_data()
    free = []
    for country in mix:
        try:
            if grid(country).intensity_g_per_kwh <= 0:
                free.append(country)
        except UnknownCountryError:
            pass
    assert free == []
