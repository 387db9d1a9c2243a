"""MLproject and the experiments' own parsers say the same."""

import importlib
import re

import pytest
import yaml

from ecotrack import cli
from tests.conftest import ROOT

PROJECT = yaml.safe_load((ROOT / "MLproject").read_text())
ENTRIES = PROJECT["entry_points"]


def config_of(entry: str) -> type:
    return importlib.import_module(f"experiments.{entry}").Config


def test_every_experiment_is_an_entry_point_of_the_same_name():
    files = {path.stem for path in (ROOT / "experiments").glob("*.py")} - {"__init__"}
    assert set(ENTRIES) == files


@pytest.mark.parametrize("entry", ENTRIES)
def test_names_and_defaults_agree(entry):
    declared = {name: spec["default"] for name, spec in ENTRIES[entry]["parameters"].items()}
    own = {
        cli.spell(field.name): cli.render(field.default) for field in cli.options(config_of(entry))
    }
    assert declared == own


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_command_passes_each_parameter_under_its_name(entry):
    command = " ".join(ENTRIES[entry]["command"].split())
    head, *options = re.split(r" (?=--)", command)
    assert head == f"python -m experiments.{entry}"
    assert options == [f"--{name} {{{name}}}" for name in ENTRIES[entry]["parameters"]]


@pytest.mark.parametrize("entry", ENTRIES)
def test_mlproject_s_own_words_are_parsed_to_the_defaults(entry):
    config = config_of(entry)
    words = [
        word
        for name, spec in ENTRIES[entry]["parameters"].items()
        for word in (f"--{name}", spec["default"])
    ]
    assert cli.parse(config, words, prog=entry, description="") == config()


def test_the_environment_names_no_python():
    environment = yaml.safe_load((ROOT / "python_env.yaml").read_text())
    assert "python" not in environment
    assert environment["dependencies"] == ["-r requirements.txt"]


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_experiment_opens_with_its_question_and_a_true_command(entry):
    doc = importlib.import_module(f"experiments.{entry}").__doc__
    assert f"mlflow run . -e {entry} " in doc or entry == "main"
