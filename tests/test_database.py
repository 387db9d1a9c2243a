"""Databases by their URLs: passwords are refused, and only one process sets one up."""

import subprocess
import sys
import time

import pytest

from ecotrack import database
from ecotrack.cli import UserError
from ecotrack.database import alone, refuse_password, same
from tests.conftest import ROOT

HOLD = """
import sys, time
from ecotrack.database import alone
with alone(sys.argv[1]):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.mark.parametrize(
    ("url", "way"),
    [
        ("postgresql://me:s3cret@host/db", "PGPASSFILE"),
        ("postgresql+psycopg://me:s3cret@host:5432/db", "PGPASSWORD"),
        ("postgresql://host/db?user=me&password=s3cret", "PGPASSWORD"),
        ("https://me:s3cret@host", "MLFLOW_TRACKING_PASSWORD"),
    ],
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url, way):
    with pytest.raises(UserError, match=way) as refused:
        refuse_password("--storage", url)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["postgresql://me@host/db", "http://host:5000", "sqlite:////a/b:c@d/mlflow.db"]
)
def test_a_url_without_a_password_is_taken(url):
    refuse_password("--storage", url)


def test_one_database_has_many_urls():
    assert same("postgresql://a@host/db", "postgresql+psycopg://b@host:5432/db")
    assert not same("postgresql://host/db", "postgresql://host/other")
    assert not same("postgresql://host/db", "http://host/db")


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'any.db'}"


def held(url: str, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HOLD, url, str(seconds)]
    holder = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    with holder.stdout as said:
        assert said.readline() == "held\n"
    return holder


def test_who_comes_second_waits_and_says_so(url, monkeypatch, capsys):
    monkeypatch.setattr(database, "TOLD_AFTER_S", 0.0)
    holder = held(url, 1.5)
    with alone(url):
        assert holder.wait(5) == 0
    assert "waiting for another process, which sets up" in capsys.readouterr().err


def test_waiting_ends_with_a_message(url):
    holder = held(url, 60)
    try:
        with (
            pytest.raises(UserError, match="for 0 s"),
            alone(url, wait_s=0.2),
        ):
            pass
    finally:
        holder.kill()
        holder.wait()


def test_the_lock_dies_with_its_holder(url):
    holder = held(url, 60)
    holder.kill()
    holder.wait()
    begun = time.monotonic()
    with alone(url, wait_s=20):
        assert time.monotonic() - begun < 20


def test_nothing_stays_behind(url, tmp_path):
    with alone(url):
        pass
    assert list(tmp_path.iterdir()) == []
