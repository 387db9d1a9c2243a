"""Verdicts on turns that were recorded, and on turns taken now."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import trust
from bench.trust import Comparison
from ecotrack.meters import gates

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def replayed() -> list[Comparison]:
    return list(trust.replays())


@pytest.mark.parametrize("quantity", ["wall_s", "cpu_s"])
def test_the_same_work_is_seldom_told_apart_from_itself(replayed, quantity):
    same = [c for c in replayed if (c.pair, c.quantity) == ("A/A", quantity)]
    assert len(same) >= 200
    assert sum(c.ratio.differs for c in same) <= 0.08 * len(same)  # 16 of 200


@pytest.mark.parametrize("quantity", ["wall_s", "cpu_s"])
def test_a_tenth_more_work_is_told_apart(replayed, quantity):
    more = [c for c in replayed if (c.pair, c.quantity) == ("A/B", quantity)]
    assert len(more) >= 200
    assert sum(c.ratio.low > 1 for c in more) >= 0.95 * len(more)
    assert all(c.ratio.low > 1 for c in more if c.precise)


def test_what_is_apart_shares_no_turn_and_says_the_same(replayed):
    """Of 272 comparisons of a kind, overlapping by 17 turns of at most 75."""
    for pair in trust.PAIRS:
        here = [c for c in replayed if (c.pair, c.quantity) == (pair, "wall_s")]
        apart = [c for c in here if c.apart]
        assert 68 <= len(apart) < len(here) == 272
        assert sum(c.turns for c in apart) <= sum(
            len(session["turns"][trust.A]["wall_s"]) for session in trust.read(trust.RECORDED)
        )
    for quantity in ("wall_s", "cpu_s"):
        same = [c for c in replayed if c.apart and (c.pair, c.quantity) == ("A/A", quantity)]
        assert sum(c.ratio.differs for c in same) <= 0.08 * len(same)


def test_the_table_tells_that_recorded_comparisons_share_turns(replayed):
    rows = trust.summary([*replayed, replace(replayed[0], source="live")])
    recorded, live = (trust.table(source, rows) for source in ("recorded", "live"))
    assert "share turns" in recorded.caption
    assert live.caption is None
    assert [column.header for column in recorded.columns].count("apart") == 1


def test_a_replay_stops_where_the_interval_is_narrow(replayed):
    wall = [c for c in replayed if c.quantity == "wall_s"]
    early = [c for c in wall if c.turns < trust.MOST_TURNS]
    assert early
    assert all(c.precise for c in early)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # on a busy machine each of forty comparisons takes its 30 s
def test_live_verdicts(tmp_path):
    file = tmp_path / "trust.json"
    command = [sys.executable, "-m", "bench.trust", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text())
    rows = [r for r in report["rows"] if r["source"] == "live"]
    total = {(r["pair"], r["quantity"]): r for r in rows if r["workload"] == "all"}
    assert total["A/A", "wall_s"]["comparisons"] == 20
    for quantity in ("wall_s", "cpu_s"):
        assert total["A/A", quantity]["differ"] <= 3
        assert 1.05 < total["A/B", quantity]["ratio"] < 1.15
    # CPU time is the work's own on a busy machine, too: there all must be told apart.
    assert total["A/B", "cpu_s"]["differ"] >= 0.95 * 20
    # By the clock none may be told the wrong way, and all where others leave the machine alone.
    kind = ("live", "A/B", "wall_s")
    wall = [c for c in report["comparisons"] if (c["source"], c["pair"], c["quantity"]) == kind]
    assert len(wall) == 20
    assert all(c["ratio"]["high"] > 1 for c in wall)
    alone = [c for c in wall if c["others"] <= gates.DISTURBED]
    assert sum(c["ratio"]["low"] > 1 for c in alone) >= 0.95 * len(alone)
