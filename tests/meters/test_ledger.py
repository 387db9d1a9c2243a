"""The ledger: readings written down, read back after a kill, and left where they cannot be kept."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack import host
from ecotrack.measure import measure
from ecotrack.measurement import Measurement, Origin
from ecotrack.meters import ledger
from ecotrack.meters.book import Book, Line, decode, encode, replay
from ecotrack.meters.codecarbon import ScriptedMeter
from ecotrack.meters.ledger import Ledger
from ecotrack.testing import Clock
from tests.conftest import ROOT

COUNTED = Origin("measured", "a script", factor=1.05)


def at(wall_s: float) -> Measurement:
    return Measurement(wall_s=wall_s, cpu_s=wall_s / 2)


def joules(cpu_j: float) -> Measurement:
    return Measurement(cpu_j=cpu_j, co2_g=cpu_j / 10, cpu_origin=COUNTED)


def book(*lines: Line) -> Book:
    made = Book()
    for line in lines:
        made.take(line)
    return made


@pytest.fixture
def scripted() -> ScriptedMeter:
    return ScriptedMeter([joules(100), joules(107), joules(110)])


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_a_run_costs_the_last_reading_less_that_of_its_opening():
    kept = book(Line(at(5), joules(50)), Line(at(10), joules(100), opened="a"))
    kept.take(Line(at(20), joules(130)))
    known = kept.known("a")
    assert (known.cost.wall_s, known.cost.cpu_s) == (10, 5)
    assert (known.cost.cpu_j, known.cost.co2_g) == pytest.approx((30, 3))
    assert known.cost.cpu_origin == COUNTED
    assert (known.extrapolated_s, known.shared) == (0, False)


def test_time_after_the_last_reading_is_taken_at_the_runs_mean_power():
    kept = book(Line(at(10), joules(100), opened="a"), Line(at(20), joules(130)), Line(at(24)))
    known = kept.known("a")
    assert (known.cost.wall_s, known.cost.cpu_s) == (14, 7)
    assert known.cost.cpu_j == pytest.approx(30 * 14 / 10)
    assert known.cost.co2_g == pytest.approx(3 * 14 / 10)
    assert known.extrapolated_s == pytest.approx(4)


@pytest.mark.parametrize("read_s", [0, 0.1, 0.9])
def test_no_power_is_told_from_less_than_a_second(read_s):
    read = Line(at(10 + read_s), joules(103))
    known = book(Line(at(10), joules(100), opened="a"), read, Line(at(10.95))).known("a")
    assert known.cost.wall_s == pytest.approx(0.95)
    assert known.cost.total_j == pytest.approx(3)
    assert known.extrapolated_s == 0


def test_a_closed_run_is_forgotten_and_the_one_around_it_is_not():
    lines = [
        Line(at(1), joules(1), opened="study", shared=True),
        Line(at(2), joules(2), opened="trial"),
        Line(at(3), joules(5)),
        Line(at(4), closed="trial"),
    ]
    kept = book(*lines)
    assert list(kept.opened) == ["study"]
    assert kept.known("study").shared


amounts = st.floats(0, 1e12, allow_nan=False)
measurements = st.builds(
    Measurement,
    **dict.fromkeys(("wall_s", "cpu_s", "cpu_j", "ram_j", "gpu_j", "co2_g"), amounts),
    cpu_origin=st.builds(Origin, st.sampled_from(["measured", "modelled"]), st.text(max_size=9)),
)


@given(measurements, st.none() | measurements, st.text(max_size=9), st.booleans())
def test_a_line_is_read_as_it_was_written(clocks, energy, run_id, shared):
    line = Line(clocks, energy, opened=run_id, shared=shared)
    text = encode(line)
    assert text.count(b"\n") == 1
    assert decode(text) == line
    assert "moment" in json.loads(text)


def test_a_beat_is_a_short_line():
    assert set(json.loads(encode(Line(at(3))))) == {"moment", "clocks"}
    assert json.loads(encode(Line(at(3))))["clocks"] == {"wall_s": 3, "cpu_s": 1.5}


@given(st.integers(0, 2000))
def test_a_ledger_torn_anywhere_tells_what_its_whole_lines_tell(tmp_path_factory, cut):
    read = [Line(at(wall_s), joules(10 * wall_s)) for wall_s in (12, 15)]
    lines = [Line(at(10), joules(100), opened="a"), *read]
    whole = b"".join(encode(line) for line in lines)
    cut = min(cut, len(whole))
    path = tmp_path_factory.mktemp("torn") / "host:1:2.jsonl"
    path.write_bytes(whole[:cut] + b"\0\0\0")
    left = lines[: whole[:cut].count(b"\n")]
    if left:
        assert replay(path) == {"a": book(*left).known("a")}
    else:
        with pytest.raises(ValueError, match="is no ledger"):
            replay(path)


def test_what_is_read_is_what_the_meter_says_and_what_is_written(tmp_path, scripted):
    with Ledger(scripted, tmp_path / "ledger") as kept:
        kept.open("a")
        assert kept.read() == joules(107)
        assert kept.read() == joules(110)
        told = replay(only_file(tmp_path / "ledger"))
        assert told["a"].cost.cpu_j == pytest.approx(10)
        assert host.process_id() == only_file(tmp_path / "ledger").stem
        kept.close("a")
    assert list((tmp_path / "ledger").iterdir()) == []


def test_a_run_that_is_not_closed_keeps_its_ledger(tmp_path, scripted):
    with Ledger(scripted, tmp_path) as kept:
        kept.open("a")
        kept.open("b")
        kept.read()
        kept.close("b")
    assert replay(only_file(tmp_path))["a"].cost.cpu_j == pytest.approx(10)


def test_writing_lies_outside_the_clocks_of_a_window(tmp_path, scripted, monkeypatch):
    monkeypatch.setattr(ledger, "encode", lambda line: time.sleep(60) or encode(line))
    with Clock(), Ledger(scripted, tmp_path) as kept, measure(kept) as window:
        pass
    assert window.cost.wall_s < 60
    assert window.cost.cpu_j == pytest.approx(7)


@pytest.fixture
def quick_beats(monkeypatch) -> None:
    for module in ("book", "ledger"):
        monkeypatch.setattr(f"ecotrack.meters.{module}.BEAT_S", 0.02)


def wait_for(kept: Ledger, lines: int, path: Path) -> list[Line]:
    """Until the heart has beaten: seconds are no matter here, only order."""
    while len(path.read_bytes().splitlines()) < lines:
        kept._beats.join(0.01)
    return [decode(text) for text in path.read_bytes().splitlines()]


def test_beats_bring_clocks_and_the_meter_is_read_once_when_a_run_is_young(
    tmp_path, scripted, quick_beats
):
    with Ledger(scripted, tmp_path) as kept:
        kept.open("a")
        lines = wait_for(kept, 6, only_file(tmp_path))
        kept.close("a")
    times = [line.clocks.wall_s for line in lines]
    assert times == sorted(times)
    assert lines[0].energy == joules(100)
    read = [line for line in lines[1:] if line.energy]
    assert [line.energy for line in read] == [joules(107)], "15 s have not passed"


def test_beats_read_the_meter_when_nobody_has_for_long(
    tmp_path, scripted, quick_beats, monkeypatch
):
    monkeypatch.setattr(ledger, "SAMPLE_S", 0.01)
    with Ledger(scripted, tmp_path) as kept:
        lines = wait_for(kept, 3, only_file(tmp_path))
        assert len([line for line in lines if line.energy]) == len(lines)


class BrokenMeter:
    """A meter that answers so often, as none can be told to fail."""

    def __init__(self, times: int) -> None:
        self._left = times

    def read(self) -> Measurement:
        self._left -= 1
        if self._left < 0:
            raise ZeroDivisionError("no reading")
        return joules(10 - self._left)


def test_a_meter_that_fails_is_heard_of_and_what_was_known_stays_known(tmp_path, quick_beats):
    with Ledger(BrokenMeter(2), tmp_path) as kept:
        kept.open("a")
        assert kept.read() == joules(10)
        wait_for(kept, 4, only_file(tmp_path))
        with pytest.raises(ZeroDivisionError):
            kept.read()
        known = kept.known("a")
        kept.close("a")
    assert known.cost.cpu_j == pytest.approx(1)
    assert known.cost.wall_s > 0


def test_a_full_disk_is_told_once_and_measuring_goes_on(tmp_path, scripted, capsys):
    (tmp_path / f"{host.process_id()}.jsonl").symlink_to("/dev/full")
    with Ledger(scripted, tmp_path) as kept:
        kept.open("a")
        kept.read()
        assert kept.known("a").cost.cpu_j == pytest.approx(10)
        assert kept.failure
        kept.close("a")
    (line,) = capsys.readouterr().err.splitlines()
    assert "No space left on device): measuring goes on" in line
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told_once_and_measuring_goes_on(
    tmp_path, scripted, capsys
):
    (tmp_path / "mlruns").write_text("a file in its place")
    with Ledger(scripted, tmp_path / "mlruns") as kept:
        assert kept.read() == joules(100)
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be written" in line


DYING = """
import os, sys
from pathlib import Path
from ecotrack.meters.ledger import Ledger
from tests.meters.test_ledger import ScriptedMeter, joules
kept = Ledger(ScriptedMeter([joules(1), joules(8)]), Path(sys.argv[1])).__enter__()
kept.open("a")
kept.read()
os.kill(os.getpid(), 9)
"""


def test_sigkill_leaves_every_reading(tmp_path):
    died = subprocess.run([sys.executable, "-c", DYING, str(tmp_path)], cwd=ROOT)
    assert died.returncode == -9
    assert replay(only_file(tmp_path))["a"].cost.cpu_j == pytest.approx(7)


@pytest.mark.parametrize(
    "text",
    [b"a diary", b"[1, 2]", b'{"moment": 1}', b'{"moment": 1, "clocks": 2}', b'{"what": 1}', b"3"],
)
def test_what_has_no_line_of_ours_is_no_ledger(tmp_path, text):
    path = tmp_path / "host:1:2.jsonl"
    path.write_bytes(text + b"\n")
    with pytest.raises(ValueError, match="is no ledger"):
        replay(path)
    path.write_bytes(text + b"\n" + encode(Line(at(1), joules(1), opened="a")))
    assert list(replay(path)) == ["a"]


def test_lines_reach_the_disk_by_the_beat_and_not_by_the_reading(
    tmp_path, scripted, quick_beats, monkeypatch
):
    who = []
    monkeypatch.setattr(os, "fsync", lambda number: who.append(threading.current_thread().name))
    with Ledger(scripted, tmp_path) as kept:
        for _ in range(50):
            kept.read()
        while not who:
            kept._beats.join(0.01)
    assert set(who) == {"ledger"}
