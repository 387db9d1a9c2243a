"""docs/cluster.md: its commands, as they are written there, on a network of their own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from distributed import Client

from tests.cluster.services import BIN, BINARIES, SECRET, inside, network_space, postgres
from tests.conftest import ROOT, SMALL, need

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(2400)]
PAGE = (ROOT / "docs/cluster.md").read_text()
SERVE, WORK, SEARCH, SSH, SLURM, COMPOSE, COMPARE = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
LISTENING = "ss -Hltn | awk '{print $4}' >~/listening\n"
SMALL_P = " ".join(f"-P {option.removeprefix('--')}" for option in SMALL)


def tool(folder: Path, name: str, script: str) -> None:
    """A program that stands in for one that is not here."""
    path = folder / name
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a checkout, passwords in files, and an ssh that stays here."""
    skip = shutil.ignore_patterns(".git", ".venv", "mlruns", "*.db", "build", "__pycache__")
    shutil.copytree(ROOT, tmp_path / "ecotrack", ignore=skip)
    (tmp_path / "ecotrack/.venv").symlink_to(Path(sys.prefix))
    (tmp_path / ".pgpass").write_text(f"*:*:*:ecotrack:{SECRET}\n")
    (tmp_path / ".pgpass").chmod(0o600)
    for name in (".ecotrack-admin", ".ecotrack-flask"):
        (tmp_path / name).write_text(f"{SECRET}\n")
    (tmp_path / ".keras").symlink_to(Path.home() / ".keras")  # the images are there already
    (tmp_path / "bin").mkdir()
    tool(tmp_path / "bin", "ssh", 'shift; cd ~; exec bash -c "$*"')
    return tmp_path


def env_of(home: Path) -> dict[str, str]:
    path = [home / "bin", BIN, BINARIES[-1], os.environ["PATH"]]
    own = {
        "HOME": str(home),
        "PATH": os.pathsep.join(map(str, path)),
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONWARNINGS": "ignore",
        "ECOTRACK_LOCK": str(home / "lock"),
    }
    return {**os.environ, **own}


def test_by_hand_and_by_ssh(home):
    need("network namespaces", os.getuid() == 0 and bool(shutil.which("ip")))
    need("postgresql", bool(BINARIES))
    search = SEARCH.replace("-e search", f"-e search {SMALL_P}", 1)
    script = f"set -e\ntrap 'kill $(jobs -p)' EXIT\n{SERVE}{WORK}{SSH}{search}{COMPARE}{LISTENING}"
    script = script.replace(COMPARE, f"{COMPARE.strip()} || [ $? = 2 ]\n")  # there is one host
    with network_space("ecotrack-page") as space, postgres(port=5432, space=space):
        done = subprocess.run(
            [*inside(space), "bash", "-c", script],
            cwd=home / "ecotrack",
            env=env_of(home),
            capture_output=True,
            text=True,
            timeout=2000,
        )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    assert "The front of study fashion-mnist after 4 trials" in done.stdout
    assert "Registered as models:/fashion-mnist@right-sized" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    ends = (home / "listening").read_text().splitlines()
    assert {end.rpartition(":")[0] for end in ends} == {"127.0.0.1"}
    assert {"5000", "5432", "8786"} <= {end.rpartition(":")[2] for end in ends}


def test_by_slurm(home):
    """`sbatch` stands in for SLURM, and runs the job that dask-jobqueue wrote."""
    tool(home / "bin", "sbatch", 'cp "$1" ~/job; setsid bash ~/job >~/log 2>&1 & echo "job 1"')
    tool(home / "bin", "scancel", "exit 0")
    with subprocess.Popen(
        ["bash", "-c", f"exec {SLURM.replace('--nodes 2', '--nodes 1 --host 127.0.0.1')}"],
        cwd=home / "ecotrack",
        env=env_of(home),
        stdout=subprocess.PIPE,
        text=True,
    ) as jobs:
        assert jobs.stdout
        try:
            address = jobs.stdout.readline().removeprefix("search --workers ").strip()
            with Client(address, timeout=60) as client:
                client.wait_for_workers(1, timeout=120)
                (worker,) = client.scheduler_info(n_workers=-1)["workers"].values()
                assert worker["resources"] == {"meter": 1}
                assert worker["nthreads"] == 1
                client.retire_workers(close_workers=True)
        finally:
            jobs.send_signal(signal.SIGINT)
    job = (home / "job").read_text()
    assert "--exclusive" in job
    assert "--cpus-per-task=16" in job
