"""What the README and the table of options show is true: commands, code, defaults."""

import dataclasses
import re
import shlex
import subprocess
import sys

import pytest

from ecotrack import cli
from ecotrack.launch import Metered
from ecotrack.terminal import Shown
from tests.conftest import ROOT, SMALL, Home
from tests.test_mlproject import ENTRIES, config_of

README = (ROOT / "README.md").read_text()
OPTIONS = (ROOT / "docs" / "options.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.strip().splitlines()
]
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SMOKE = {  # what makes each entry small enough for a test; the commands stay as written
    "train": ("images=1000", "width=2", "epochs=1"),
    "augmentation": ("images=1000", "width=2", "epochs=1", "depth=1", "families=mlp"),
    "search": tuple(option.removeprefix("--") for option in SMALL),
    "choose": ("min-accuracy=0.1",),
    "report": (),
    "recipes": (
        *("images=1000", "reference-epochs=1", "recipes=pooled-2", "seeds=1", "targets=0.1"),
        "quick=false",
    ),
    "sorting": ("sizes=1000,2000", "algorithms=python-merge,numba-merge,np-quicksort", "repeats=2"),
    "pi": ("samples=10000", "methods=python,numba-naive,midpoint", "repeats=2", "idle-s=1"),
}


def entry_point_table() -> str:
    """The table of entry points, from the code; what they share, once.

    `report` takes what `choose` does.
    """
    shown, measured = dataclasses.fields(Shown), dataclasses.fields(Metered)
    own = {entry: cli.options(config_of(entry)) for entry in ENTRIES if entry != "report"}
    options = {entry: [f for f in fields if f not in measured] for entry, fields in own.items()}
    options["choose"] = [f for f in options["choose"] if f.name not in {s.name for s in shown}]
    options["all"] = list(shown)
    options["all but choose, report"] = [f for f in measured if f not in shown]
    rows = ["| entry | option | default | |", "|---|---|---|---|"]
    for entry, fields in options.items():
        for number, field in enumerate(fields):
            name = f"**{entry}**" if number == 0 else ""
            default = cli.render(field.default)
            rows.append(
                f"| {name} | `{cli.spell(field.name)}` | `{default}` | {field.metadata['help']} |"
            )
    return "\n".join(rows)


def test_the_table_of_entry_points_is_the_code_s():
    shown = re.search(r"<!-- entry points:.*?-->\n(.*?)\n<!-- end", OPTIONS, re.DOTALL)
    assert shown
    assert shown[1] == entry_point_table()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make")])
def test_a_make_command_has_its_rule(command: str):
    done = subprocess.run(["make", "-n", *command.split()[1:]], cwd=ROOT, capture_output=True)
    assert done.returncode == 0


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.startswith("make")])
def test_a_command_runs_as_written(study_home: Home, command: str):
    entry = re.search(r"-e (\w+)", command)
    small = SMOKE[entry[1]] if entry else ()
    replaced = "|".join(option.split("=")[0] for option in small)  # MLflow takes each only once
    words = shlex.split(re.sub(rf"-P ({replaced})=\S+", "", command))
    done = study_home.command(*words, *(f"-P{option}" for option in small))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet_runs_as_written(study_home: Home, number: int):
    done = subprocess.run(
        [sys.executable, "-c", SNIPPETS[number]],
        cwd=ROOT,
        env=study_home.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_every_local_link_exists():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
