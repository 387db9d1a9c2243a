"""One PostgreSQL and one MLflow server for all tests of the cluster, and stores of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.services import BINARIES, SECRET, Postgres, Service, mlflow_server, postgres
from tests.conftest import need

ENV = {
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONWARNINGS": "ignore",
    "MLFLOW_TRACKING_USERNAME": "admin",
    "MLFLOW_TRACKING_PASSWORD": SECRET,
    "PGPASSWORD": SECRET,
}


@pytest.fixture(scope="session")
def pg() -> Iterator[Postgres]:
    need("postgresql", bool(BINARIES))
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def served(pg: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An MLflow server on PostgreSQL, with authentication."""
    folder = tmp_path_factory.mktemp("server")
    server = mlflow_server(folder, pg.new("mlflow"), {**os.environ, **ENV}).start().ready()
    yield server
    server.stop()


@pytest.fixture
def signed_in(served: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """This process's runs go to the server; what other processes need for that."""
    uri = f"http://127.0.0.1:{served.port}"
    own = {**ENV, "MLFLOW_TRACKING_URI": uri, "ECOTRACK_LOCK": str(tmp_path / "lock")}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **own}


@pytest.fixture
def database(pg: Postgres, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a fresh database; its password is in the environment."""
    monkeypatch.setenv("PGPASSWORD", SECRET)
    name = "".join(c if c.isalnum() else "_" for c in request.node.name)[:60].lower()
    return pg.new(name)
