"""`python -m ecotrack`: what there is, what is refused, and what is loaded for it."""

import os
import subprocess
import sys

import pytest

from ecotrack.__main__ import COMMANDS
from tests import forks
from tests.conftest import ROOT, Home
from tests.test_architecture import HEAVY


def ecotrack(*words: str) -> "subprocess.CompletedProcess[str]":
    return forks.run_module("ecotrack", words, dict(os.environ), ROOT)


@pytest.mark.parametrize("words", [(), ("forecast",), ("--pue=2",)])
def test_without_a_known_command_the_list_is_one_line_and_code_2(words):
    done = ecotrack(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert f"there are {', '.join(COMMANDS)}; see --help" in line


def test_help_has_a_sentence_for_each_command():
    done = ecotrack("--help")
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    assert list(lines) == list(COMMANDS)
    assert all(line.endswith(".") for line in lines.values())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_explains_itself(name):
    done = ecotrack(name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"python -m ecotrack {name}" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_one_line_and_code_2(home: Home, name):
    done = home.command(sys.executable, "-m", "ecotrack", name, "--colour=blue")
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "unrecognized arguments: --colour=blue" in line


def test_nothing_heavy_is_loaded_before_a_command_is_chosen():
    code = (
        "import sys; from ecotrack.__main__ import overview; overview();"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
