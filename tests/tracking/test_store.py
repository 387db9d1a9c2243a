"""Where the store of runs lies."""

import subprocess
import sys

from tests.conftest import ROOT


def test_the_store_lies_in_the_project_wherever_it_is_asked_for(tmp_path):
    code = "from ecotrack.tracking.place import default_uri; print(default_uri())"
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.stdout.strip() == f"sqlite:///{ROOT / 'mlflow.db'}", done.stderr
