"""What the pages show is true: commands, code, options, links; and both guides show the same."""

import dataclasses
import re
import shlex
import subprocess
import sys
from typing import get_type_hints

import pytest

from ecotrack import cli
from ecotrack.metered import Metered
from ecotrack.terminal import Shown
from tests.conftest import ROOT, SMALL, Home
from tests.test_mlproject import ENTRIES, config_of

PAGES = {path.name: path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
TEXTS = {name: path.read_text() for name, path in PAGES.items()}
TRIED_ELSEWHERE = "cluster.md"  # on a network of its own
GUIDES = ("guide.md", "guide.fr.md")
ENTRY = re.compile(r"(?:-e |experiments\.)(\w+)")
SMOKE = {  # what makes each entry small enough for a test; the commands stay as written
    "train": ("images=1000",),
    "augmentation": ("images=1000", "width=2", "epochs=1", "depth=1", "families=mlp"),
    "search": (
        *(option.removeprefix("--") for option in SMALL),
        *("repeats-front=1", "exports=none"),
    ),
    "choose": ("min-accuracy=0.1",),
    "report": (),
    "recipes": (
        *("images=1000", "reference-epochs=1", "recipes=pooled-1", "seeds=1", "targets=0.1"),
        "quick=false",
    ),
    "sorting": (
        *("sizes=1000,2000", "algorithms=python-merge,numba-merge,np-quicksort"),
        *("repeats=2", "thorough=false"),
    ),
    "pi": (
        *("samples=10000", "methods=python,numba-naive,midpoint", "idle-s=1"),
        *("repeats=2", "thorough=false"),
    ),
}


def blocks(language: str) -> list[str]:
    """What readers paste, each different block once; what stands in a longer one is tried there."""
    pages = (text for name, text in TEXTS.items() if name != TRIED_ELSEWHERE)
    pattern = rf"^```{language}\n(.*?)^```"
    found = {block for page in pages for block in re.findall(pattern, page, re.DOTALL | re.M)}
    lines = {block: set(block.splitlines()) for block in found}
    return sorted(b for b in found if not any(lines[b] < lines[other] for other in found))


BLOCKS = blocks("sh")
COMMANDS = [command for block in BLOCKS for command in block.splitlines()]


def small(command: str) -> str:
    """The command with the sizes of the table in place of its own: MLflow takes each only once."""
    entry = ENTRY.search(command)
    option = "-P {}" if command.startswith("mlflow") else "--{}"
    for size in SMOKE[entry[1]] if entry else ():
        name, _, _ = size.partition("=")
        command = re.sub(rf"(-P |--){name}[= ]\S+", "", command) + f" {option.format(size)}"
    return command


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
    rows = ["| entry | option | takes | default | |", "|---|---|---|---|---|"]
    for entry, fields in options.items():
        hints = get_type_hints(config_of(entry if entry in ENTRIES else "train"))  # has all shared
        for number, field in enumerate(fields):
            name = f"**{entry}**" if number == 0 else ""
            takes = cli.takes(hints[field.name], field.metadata["one_of"])
            cells = (cli.spell(field.name), takes, cli.render(field.default))
            quoted = [f"`{cell}`".replace("|", "\\|") for cell in cells]
            rows.append(" | ".join([f"| {name}", *quoted, field.metadata["help"]]) + " |")
    return "\n".join(rows)


def test_the_table_of_entry_points_is_the_code_s():
    shown = re.search(r"<!-- entry points:.*?-->\n(.*?)\n<!-- end", TEXTS["options.md"], re.DOTALL)
    assert shown
    assert shown[1] == entry_point_table()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make")])
def test_a_make_command_has_its_rule(command: str):
    done = subprocess.run(["make", "-n", *command.split()[1:]], cwd=ROOT, capture_output=True)
    assert done.returncode == 0


@pytest.mark.parametrize("command", [c for c in COMMANDS if ENTRY.search(c)])
def test_the_options_of_a_command_are_taken_as_written(command: str):
    head, *options = re.split(r" (?:-P |--(?!env-manager|experiment-name))", command)
    entry = ENTRY.search(head)
    assert entry
    words = [word for option in options for word in f"--{option}".replace("=", " ").split()]
    cli.parse(config_of(entry[1]), words, prog=entry[1], description="")


@pytest.mark.timeout(1200)  # a block of a guide is up to five trainings
@pytest.mark.parametrize("block", [b for b in BLOCKS if not b.startswith("make")])
def test_a_block_of_commands_runs_as_written(study_home: Home, block: str):
    study_home.keep_files_here("sorting", "pi", "report")
    for command in block.splitlines():
        program, *words = shlex.split(small(command))
        done = study_home.command(sys.executable if program == "python" else program, *words)
        assert done.returncode == 0, command + done.stdout + done.stderr


@pytest.mark.parametrize("snippet", blocks("python"))
def test_a_snippet_runs_as_written(study_home: Home, snippet: str):
    done = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=ROOT,
        env=study_home.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_local_link_and_picture_exists(page: str):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", TEXTS[page]):
        assert (PAGES[page].parent / target).exists(), target


def test_both_guides_show_the_same_in_the_same_order():
    pattern = r"^```.*?^```|^#+ |^\|[-|]+\|$|</?details>|(?<=\]\()\S+\.png"
    english, french = (re.findall(pattern, TEXTS[guide], re.DOTALL | re.M) for guide in GUIDES)
    assert french == english
    assert sum(each.startswith("```sh") for each in english) > 10


def test_both_guides_name_the_same_things():
    pattern = r"(?<!`)`([^`\n]+)`(?!`)"
    english, french = (set(re.findall(pattern, TEXTS[guide])) for guide in GUIDES)
    assert french == english
