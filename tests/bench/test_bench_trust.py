"""Verdicts on turns that were recorded, and on turns taken now."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import trust
from bench.trust import Comparison

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
    rows = [r for r in json.loads(file.read_text())["rows"] if r["source"] == "live"]
    total = {(r["pair"], r["quantity"]): r for r in rows if r["workload"] == "all"}
    assert total["A/A", "wall_s"]["comparisons"] == 20
    for quantity in ("wall_s", "cpu_s"):
        assert total["A/A", quantity]["differ"] <= 3
        more = total["A/B", quantity]  # a busy machine does not let all become precise in time
        assert more["precise_differ"] >= 0.95 * more["precise"]
    # CPU time is the work's own on a busy machine, too: there all must be told apart.
    assert total["A/B", "cpu_s"]["differ"] >= 0.95 * 20
