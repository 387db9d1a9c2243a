"""The network between a worker and the stores, cut and mended: nothing is lost or doubled.

near: both stores, the scheduler, the coordinator, a worker     far: a worker
       10.77.1.1  ──────────────── stores ────────────────  10.77.1.2
       10.77.2.1  ────────────── scheduler ───────────────  10.77.2.2
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.conftest import ENV
from tests.cluster.services import (
    BINARIES,
    Line,
    Postgres,
    Service,
    inside,
    mlflow_server,
    network_space,
    postgres,
    scheduler,
    until,
    worker,
)
from tests.conftest import ROOT, need

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]
NEAR, FAR = "ecotrack-near", "ecotrack-far"
TRIALS = 16
UNDER_WAY = """
    SELECT 'under way' FROM trials JOIN trial_user_attributes USING (trial_id)
    WHERE state = 'RUNNING' AND key = 'process' AND value_json LIKE '%:{pid}:%'
"""


@dataclass
class Site:
    """Two machines, as far as the network tells."""

    env: dict[str, str]
    stores: Line
    rest: Line
    server: Postgres
    storage: str
    address: str
    far: Service

    def python(self, *words: str) -> subprocess.Popen[str]:
        """A module, on the near machine."""
        command = [*inside(NEAR), sys.executable, "-W", "ignore", "-m", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=ROOT, env=self.env, stdout=pipe, stderr=pipe, text=True
        )

    def far_is_in_a_trial(self) -> bool:
        """Whether the worker over there has begun one."""
        asked = UNDER_WAY.format(pid=self.far.process.pid)
        return "under way" in self.server.ask("optuna", asked)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    need("network namespaces", os.getuid() == 0 and bool(shutil.which("ip")))
    need("postgresql", bool(BINARIES))
    with ExitStack() as stack:
        for space in (NEAR, FAR):
            stack.enter_context(network_space(space))
        stores = Line("stores", (NEAR, "10.77.1.1"), (FAR, "10.77.1.2")).lay()
        rest = Line("rest", (NEAR, "10.77.2.1"), (FAR, "10.77.2.2")).lay()
        server = stack.enter_context(postgres("10.77.1.1", 5432, NEAR))
        env = {**os.environ, **ENV, "MLFLOW_TRACKING_URI": "http://10.77.1.1:5000"}
        runs = mlflow_server(
            tmp_path / "server", server.new("mlflow"), env, "10.77.1.1", 5000, NEAR
        )
        placed = scheduler(tmp_path / "scheduler", env, "10.77.2.1", 8786, NEAR)
        for service in (runs, placed):
            stack.callback(service.start().stop)
            service.ready()
        address = "tcp://10.77.2.1:8786"
        near = worker(tmp_path / "near", address, env, "10.77.2.1", NEAR)
        far = worker(tmp_path / "far", address, env, "10.77.2.2", FAR)
        for service in (near, far):
            stack.callback(service.start().stop, 9)
        yield Site(env, stores, rest, server, server.new("optuna"), address, far)


@pytest.mark.parametrize("cut_s", [20, 150])
def test_a_worker_is_cut_off_from_the_stores(site, cut_s):
    told = [site.storage, str(TRIALS), "sleeping", "2", site.address]
    coordinator = site.python("tests.cluster.sleeping", *told)
    until(site.far_is_in_a_trial, 600)
    with site.stores.cut():
        time.sleep(cut_s)
    said, errors = coordinator.communicate(timeout=1000)
    assert coordinator.returncode == 0, errors
    check = site.python("tests.cluster.whole", site.storage, said.strip(), str(TRIALS))
    _, errors = check.communicate(timeout=120)
    assert check.returncode == 0, errors


HOLD = """
import sys, time
from ecotrack.database import alone
with alone(sys.argv[1]):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def test_who_is_cut_off_keeps_no_lock(site):
    held = [sys.executable, "-c", HOLD, site.storage]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*inside(FAR), *held, "600"], cwd=ROOT, env=site.env, stdout=pipe, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with site.stores.cut():
            other = subprocess.run(
                [*inside(NEAR), *held, "0"], cwd=ROOT, env=site.env, capture_output=True, text=True
            )
        assert other.returncode == 0, other.stderr
        holder.kill()
