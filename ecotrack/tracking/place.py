"""Where the store lies, and whether it can be written there."""

from __future__ import annotations

import os
from pathlib import Path

from ecotrack.cli import UserError
from ecotrack.database import is_postgresql, sqlite_path

UI_SERVER = "http://127.0.0.1:5000"


def project_root() -> Path:
    """The checkout that holds MLproject, else the current folder."""
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "MLproject").exists() else Path.cwd()


def default_uri() -> str:
    """$MLFLOW_TRACKING_URI, else `mlflow.db` in the project: what a bare `mlflow ui` shows."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project_root() / 'mlflow.db'}"


def exists(uri: str) -> bool:
    """Whether there is such a database; of a server, its answer will tell."""
    path = sqlite_path(uri)
    return path is None or path.exists()


def folder(uri: str) -> Path:
    """Where the store's database lies, and so what belongs beside it; of a server, the project."""
    path = sqlite_path(uri)
    return path.parent if path else project_root()


def ledgers(uri: str) -> Path:
    """Where processes write down what their runs cost as they go."""
    return folder(uri) / "mlruns" / "ledger"


def server(uri: str) -> str:
    """Where the UI of the store is, or will be."""
    return uri.rstrip("/") if uri.startswith("http") else UI_SERVER


def artifacts(uri: str, experiment: str) -> str | None:
    """Where the files of a new experiment go; None leaves it to a server."""
    beside = sqlite_path(uri) or is_postgresql(uri)
    return (folder(uri) / "mlruns" / experiment).as_uri() if beside else None


def check_writable(uri: str) -> None:
    """Refuse a database that cannot be written.

    Raises:
        UserError: it cannot.
    """
    path = sqlite_path(uri)
    if path is None:
        return
    target = path if path.exists() else path.parent
    if not os.access(target, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise UserError(
            f"the run store {path} cannot be written; "
            "set MLFLOW_TRACKING_URI to a place that can, such as sqlite:////tmp/mlflow.db"
        )
