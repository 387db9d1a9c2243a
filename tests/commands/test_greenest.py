"""The greenest window against every window there is, and what becomes of files that are amiss."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecotrack.cli import UserError
from ecotrack.commands import hourly
from ecotrack.commands.greenest import Course, Outlook, Window, outlook

NOON_S = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
Pieces = list[tuple[int, float | None]]  # seconds, and g/kWh where that is known


def course(pieces: Pieces, first_s: float = NOON_S) -> Course:
    ends_s = first_s + np.cumsum([seconds for seconds, _ in pieces])
    known = [value is not None for _, value in pieces]
    starts_s = ends_s - [seconds for seconds, _ in pieces]
    values = [value for _, value in pieces if value is not None]
    return Course(starts_s[known], ends_s[known], np.array(values))


def every_window(seconds: list[float | None], duration: int) -> list[tuple[int, float]]:
    """(start, mean) of each window whose seconds are all known: the slow, obvious way."""
    found = []
    for start in range(len(seconds) - duration + 1):
        window = seconds[start : start + duration]
        if None not in window:
            found.append((start, round(sum(window) / duration, 6)))
    return found


pieces_ = st.lists(
    st.tuples(st.integers(1, 5), st.none() | st.integers(0, 4).map(float)), min_size=1, max_size=8
)


@given(pieces_, st.integers(1, 12), st.integers(-3, 45))
def test_no_window_is_greener_or_worse(pieces: Pieces, duration: int, now: int):
    seconds = [value for length, value in pieces for _ in range(length)]
    assume(any(value is not None for value in seconds))
    ahead = [value if second >= now else None for second, value in enumerate(seconds)]
    there, is_over = every_window(ahead, duration), False
    if not there:
        there, is_over, ahead = every_window(seconds, duration), True, seconds
    found = outlook(course(pieces), duration, NOON_S + now)
    if not there:
        assert found is None
        return
    assert found is not None
    best = min(there, key=lambda window: window[1])
    worst = max(there, key=lambda window: window[1])
    for window, (start, mean) in ((found.greenest, best), (found.worst, worst)):
        assert window == (NOON_S + start, pytest.approx(mean, abs=1e-6))
    assert found.is_over == is_over
    known = [value for value in ahead if value is not None]
    assert found.mean_g_per_kwh == pytest.approx(sum(known) / len(known))
    means = dict(there)
    if is_over or now not in means:
        assert found.now is None
    else:
        assert found.now == (NOON_S + now, pytest.approx(means[now], abs=1e-6))


@given(pieces_, st.floats(0.5, 12), st.floats(-3, 45))
def test_the_others_lie_between_the_greenest_and_the_worst(pieces, duration_s, now_s):
    assume(any(value is not None for _, value in pieces))
    found = outlook(course(pieces), duration_s, NOON_S + now_s)
    if found and found.now:
        assert found.greenest.g_per_kwh - 1e-6 <= found.now.g_per_kwh
        assert found.now.g_per_kwh <= found.worst.g_per_kwh + 1e-6


@given(pieces_)
def test_the_longest_stretch_has_a_window_and_no_longer_one_has(pieces: Pieces):
    assume(any(value is not None for _, value in pieces))
    whole = course(pieces)
    assert outlook(whole, whole.longest_s, NOON_S)
    assert outlook(whole, whole.longest_s + 1, NOON_S) is None
    there = [place for place, (_, value) in enumerate(pieces) if value is not None]
    between = pieces[there[0] : there[-1]]
    assert whole.unknown_s == sum(length for length, value in between if value is None)


def test_of_equally_green_windows_the_earliest_is_taken_in_a_year_of_five_minutes():
    day = [(300, value) for value in (300.1, 100.3, 100.3, 300.1) for _ in range(72)]
    found = outlook(course(day * 365), 3600, NOON_S)
    assert found is not None
    assert found.greenest == (NOON_S + 72 * 300, pytest.approx(100.3))
    assert found.worst == (NOON_S, pytest.approx(300.1))


def test_a_window_may_begin_between_two_steps():
    found = outlook(course([(3600, 200.0), (3600, 100.0), (1800, 150.0)]), 5400, NOON_S)
    assert found == Outlook(
        greenest=Window(NOON_S + 3600, pytest.approx(350 / 3)),
        worst=Window(NOON_S, pytest.approx(500 / 3)),
        now=Window(NOON_S, pytest.approx(500 / 3)),
        mean_g_per_kwh=pytest.approx(150),
        is_over=False,
    )
    found = outlook(course([(3600, 200.0), (3600, 100.0), (1800, 300.0)]), 5400, NOON_S)
    assert found is not None
    assert found.greenest == (NOON_S + 1800, pytest.approx(400 / 3))


def written(folder: Path, *lines: str) -> str:
    file = folder / "grid.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


OURS = "timestamp,g_per_kwh"
MAPS = (
    "Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (direct),"
    "Carbon intensity gCO₂eq/kWh (Life cycle),Data source"
)


def test_a_value_holds_until_the_next_but_no_longer_than_a_step(tmp_path):
    found = hourly.read(
        written(
            tmp_path,
            OURS,
            "2026-03-01T12:00:00Z,100",
            "2026-03-01T14:00:00+01:00,200.5",
            "2026-03-01T14:00:00Z,",
            "2026-03-01T15:00:00Z,300",
            "2026-03-01T18:00:00Z,400",
        )
    )
    hours = (found.starts_s - NOON_S) / 3600, (found.ends_s - NOON_S) / 3600
    assert [list(each) for each in hours] == [[0, 1, 3, 6], [1, 2, 4, 7]]
    assert list(found.g_per_kwh) == [100, 200.5, 300, 400]
    assert found.unknown_s == 3 * 3600
    assert found.longest_s == 2 * 3600


@pytest.mark.parametrize("name", ["(Life cycle)", "(LCA)"])
def test_an_export_of_electricitymaps_is_taken_by_its_life_cycle(tmp_path, name):
    head = MAPS.replace("(Life cycle)", name)
    rows = [f"2026-03-01 {hour}:00:00,France,France,FR,9.5,{hour}.25,x" for hour in (12, 13)]
    found = hourly.read(written(tmp_path, "\ufeff" + head, *rows))
    assert list(found.starts_s) == [NOON_S, NOON_S + 3600]
    assert list(found.g_per_kwh) == [12.25, 13.25]


def test_the_night_in_which_clocks_change_has_all_its_hours_once(tmp_path):
    spring = [f"2026-03-29T0{hour}:00:00+0{zone}:00" for hour, zone in ((1, 1), (3, 2), (4, 2))]
    autumn = [f"2026-10-25T0{hour}:00:00+0{zone}:00" for hour, zone in ((2, 2), (2, 1), (3, 1))]
    for times in (spring, autumn):
        found = hourly.read(written(tmp_path, OURS, *(f"{time},100" for time in times)))
        assert list(np.diff(found.starts_s)) == [3600, 3600]
        assert found.unknown_s == 0


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (["when,co2", "2026-03-01T12:00:00Z,1"], "it needs timestamp (ISO 8601 with zone) and"),
        (["timestamp;g_per_kwh"], "gCO₂eq/kWh (Life cycle); it has timestamp;g_per_kwh"),
        (["Datetime (UTC),Carbon intensity gCO₂eq/kWh (direct)"], "it needs timestamp"),
        ([""], "it has nothing"),
        ([OURS], "a course needs two rows; it has 0"),
        ([OURS, "2026-03-01T12:00:00Z,1"], "a course needs two rows; it has 1"),
        ([OURS, "2026-03-01T12:00:00Z,", "2026-03-01T13:00:00Z,"], "no row has a value"),
        ([OURS, "2026-03-01T12:00:00,1"], "line 2: 2026-03-01T12:00:00 has no zone, such as Z"),
        ([OURS, "noon,1"], "line 2: 'noon' is no ISO 8601 time"),
        ([OURS, "2026-03-01T12:00:00Z,much"], "line 2: 'much' is no number of g/kWh"),
        ([OURS, "2026-03-01T12:00:00Z,-1"], "line 2: -1 g/kWh cannot be"),
        ([OURS, "2026-03-01T12:00:00Z,nan"], "line 2: nan g/kWh cannot be"),
        ([OURS, "2026-03-01T12:00:00Z,inf"], "line 2: inf g/kWh cannot be"),
        (
            [OURS, "2026-03-01T12:00:00Z,1", "2026-03-01T13:00:00+01:00,1"],
            "line 3: 2026-03-01T13:00:00+01:00 does not come after 2026-03-01T12:00:00Z",
        ),
        (
            [OURS, "2026-03-01T12:00:00Z,1", "2026-03-01T11:00:00Z,1"],
            "line 3: 2026-03-01T11:00:00Z does not come after 2026-03-01T12:00:00Z",
        ),
    ],
)
def test_a_file_that_is_amiss_is_refused_in_one_line(tmp_path, lines, wrong):
    with pytest.raises(UserError) as refused:
        hourly.read(written(tmp_path, *lines))
    assert wrong in str(refused.value)
    assert "grid.csv" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    for name in ("nowhere.csv", ".", "picture.csv"):
        with pytest.raises(UserError, match="--hourly"):
            hourly.read(str(tmp_path / name))
