"""Files of a run, read back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import mlflow


def read(run_id: str, name: str) -> bytes:
    """The content of a file that a run keeps."""
    with tempfile.TemporaryDirectory() as folder:
        return Path(mlflow.MlflowClient().download_artifacts(run_id, name, folder)).read_bytes()
