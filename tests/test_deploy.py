"""What is deployed: the compose file by Compose's own schema, and nothing open to the world."""

import json
import os
import re
import subprocess

import dask
import distributed  # noqa: F401 (it brings its settings)
import jsonschema
import pytest
import yaml

from ecotrack.database import refuse_password
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
SCHEMA = json.loads((ROOT / "tests/data/compose-spec.json").read_text())
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]


def test_the_compose_file_follows_the_schema():
    jsonschema.Draft7Validator(SCHEMA).validate(COMPOSE)


def test_the_schema_notices_a_slip():
    wrong = {**COMPOSE, "services": {"mlflow": {"comand": "mlflow server"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate(wrong)


def test_every_port_is_shown_on_the_loopback_alone():
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_passwords_are_files_and_stand_in_no_url():
    text = (DEPLOY / "compose.yaml").read_text()
    urls = re.findall(r"\w+://[^\s\]\"']+", text)
    assert any(url.startswith("postgresql://") for url in urls)
    for url in urls:
        refuse_password("a URL", url)
    declared = set(COMPOSE["secrets"])
    assert {
        name for service in SERVICES.values() for name in service.get("secrets", ())
    } == declared
    ignored = subprocess.run(["git", "check-ignore", "-q", "deploy/secrets/postgres"], cwd=ROOT)
    assert ignored.returncode == 0


def test_files_that_are_mounted_or_run_are_there():
    assert (DEPLOY / "databases.sql").exists()
    assert (ROOT / COMPOSE["x-ecotrack"]["build"]["dockerfile"]).exists()
    for service in SERVICES.values():
        for path in service.get("entrypoint", ()):
            assert os.access(ROOT / path.removeprefix("/ecotrack/"), os.X_OK)


def test_the_mlflow_server_asks_for_a_password():
    assert "--app-name=basic-auth" in SERVICES["mlflow"]["command"]


def test_a_worker_has_one_meter_and_one_thread():
    assert {"--nthreads=1", "--resources=meter=1"} <= set(SERVICES["worker"]["command"])


def test_the_entrypoint_hands_a_command_its_secrets(tmp_path):
    script = (DEPLOY / "entrypoint.sh").read_text().replace("/run/secrets", str(tmp_path))
    for name in ("postgres", "mlflow"):
        (tmp_path / name).write_text(f"of {name}\n")
    done = subprocess.run(
        ["sh", "-c", script, "sh", "env"], capture_output=True, text=True, check=True
    )
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert told["PGPASSWORD"] == "of postgres"
    assert told["MLFLOW_TRACKING_PASSWORD"] == told["MLFLOW_AUTH_ADMIN_PASSWORD"] == "of mlflow"
    assert told["MLFLOW_FLASK_SERVER_SECRET_KEY"] == ""


def test_dask_knows_each_setting_of_ours():
    """It is silent about one that it does not know."""

    def leaves(settings, path=()):
        for key, value in settings.items():
            if isinstance(value, dict):
                yield from leaves(value, (*path, key))
            else:
                yield ".".join((*path, key))

    ours = list(leaves(yaml.safe_load((DEPLOY / "dask.yaml").read_text())))
    assert len(ours) == 7
    for name in ours:
        if "environ" not in name:
            assert dask.config.get(name) is not None
