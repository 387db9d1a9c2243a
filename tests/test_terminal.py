"""What is shown of a long call, on a clock of our own."""

import pytest

from ecotrack import terminal


@pytest.fixture
def clock(monkeypatch):
    """Seconds, to be set."""
    now = [0.0]
    monkeypatch.setattr(terminal.time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def bar():
    with terminal.bar("work", 3) as bar:
        yield bar


def status(bar):
    (task,) = bar._progress.tasks
    return task.fields["status"]


def test_a_long_call_shows_its_share_and_the_time_left(clock, bar):
    tell = bar.follow("slow")
    clock[0] = 60.0
    tell(0.25)
    assert status(bar) == "slow: 25% of a call, 0:03:00 left"
    (task,) = bar._progress.tasks
    assert task.completed == 0, "a share of a call is no step"


def test_it_is_shown_once_a_second_however_often_it_is_told(clock, bar):
    tell = bar.follow("slow")
    clock[0] = 0.9
    tell(0.1)
    assert status(bar) == ""
    clock[0] = 1.0
    tell(0.2)
    shown = status(bar)
    assert shown == "slow: 20% of a call, 0:00:04 left"
    clock[0] = 1.9
    tell(0.3)
    assert status(bar) == shown
    clock[0] = 2.0
    tell(0.4)
    assert status(bar) == "slow: 40% of a call, 0:00:03 left"


def test_nothing_done_tells_nothing_of_the_time_left(clock, bar):
    tell = bar.follow("slow")
    clock[0] = 5.0
    tell(0.0)
    assert status(bar) == ""


def test_in_a_pipe_a_long_work_says_now_and_then_how_far_it_is(clock, capsys, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with terminal.bar("work", 3) as bar:
        bar.update(0, "first")
        clock[0] = 20.0
        bar.advance("second")
        clock[0] = 21.0
        bar.advance("third")
    told = capsys.readouterr()
    assert told.err == "work 1/3 second\n"
    assert told.out == "", "what is piped is the result"


def test_under_ci_nothing_is_said(clock, capsys, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with terminal.bar("work", 3) as bar:
        clock[0] = 60.0
        bar.advance("second")
    assert capsys.readouterr().err == ""


def test_prose_wraps_and_nothing_of_it_is_lost(capsys, monkeypatch):
    monkeypatch.setattr(terminal, "_console", terminal.Console(width=30))
    address = "https://example.org/a/very/long/address"
    terminal.table("Sources", [{"what": "grid", "found": address}], prose=True)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 30
    assert "".join(line.removeprefix(" grid").strip() for line in lines[4:]) == address


def test_brackets_go_below_where_a_table_lacks_room(capsys, monkeypatch):
    row = {"run": "a", "energy": "1.2 Wh (0.7–2.2)", "emissions": "0.6 g (0.3–1.1)"}
    shown = {}
    for width in (60, 30):
        monkeypatch.setattr(terminal, "_console", terminal.Console(width=width))
        terminal.table("Runs", [row])
        shown[width] = [line.split() for line in capsys.readouterr().out.splitlines()[4:]]
    assert shown[60][0] == ["a", *row["energy"].split(), *row["emissions"].split()]
    assert shown[30][:2] == [["a", "1.2", "Wh", "0.6", "g"], ["(0.7–2.2)", "(0.3–1.1)"]]


def test_columns_that_lack_room_follow_in_a_table_of_their_own(capsys, monkeypatch):
    row = {"algorithm": "numba-quick", **{f"figure {n}": f"{n}.25 ms" for n in range(6)}}
    monkeypatch.setattr(terminal, "_console", terminal.Console(width=40))
    terminal.table("Sorts", [row])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 40
    assert shown.count("numba-quick") > 1
    assert all(cell in shown for cell in row.values())
    assert "…" not in shown
