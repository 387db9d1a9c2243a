"""bench.scale, as small as it goes: every figure is there."""

import json
import subprocess
import sys

import pytest

from tests.cluster.services import BINARIES
from tests.conftest import ROOT, need

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]


def test_every_figure_of_scale_is_there(tmp_path):
    need("postgresql", bool(BINARIES))
    told, drawn = tmp_path / "scale.json", tmp_path / "scale.png"
    command = [sys.executable, "-W", "ignore", "-m", "bench.scale", "--workers=1,2", "--each=1"]
    command += ["--sleep-s=0.5", "--sizes=8,16", f"--json={told}", f"--plot={drawn}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(told.read_text())
    assert [row["workers"] for row in found["workers"]] == [1, 2]
    assert all(row["efficiency"] > 0 and row["coordinator_ms"] > 0 for row in found["workers"])
    assert [row["trials"] for row in found["sizes"]] == [8, 16]
    assert all(min(row.values()) > 0 for row in found["sizes"])
    assert drawn.read_bytes().startswith(b"\x89PNG")
