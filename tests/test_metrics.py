import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecotrack import metrics
from ecotrack.measurement import Measurement, Origin

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for folder in ("ecotrack", "experiments")
    for path in (ROOT / folder).rglob("*.py")
    if path != ROOT / "ecotrack" / "metrics.py"
)
# What MLflow's stores accept: alphanumerics, underscores, dashes, periods, spaces, colons, slashes.
ALLOWED = re.compile(r"[\w\-. :/]{1,250}")
GROUPS = {name.split("/")[0] for name in metrics.TABLE}
LOOKS_LIKE_A_NAME = re.compile(rf"({'|'.join(sorted(GROUPS))})/[a-z0-9_]*")


@pytest.mark.parametrize("name", metrics.TABLE)
def test_a_metric_is_named_as_mlflow_and_its_ui_take_it(name):
    row = metrics.TABLE[name]
    assert row.name == name
    assert ALLOWED.fullmatch(name)
    assert re.fullmatch(r"[a-z]+/[a-z0-9_]+", name), "one group, one name"
    assert row.unit.strip()
    assert len(row.meaning) > 3
    assert row.better in ("lower", "higher", "neither")


def test_mlflow_itself_takes_every_name():
    from mlflow.utils.validation import _validate_metric_name

    for name in metrics.TABLE:
        _validate_metric_name(name)


def test_a_unit_in_a_name_is_the_unit_of_the_metric():
    endings = {"_wh": "Wh", "_s": "s", "_ms": "ms", "_g": "g CO2e", "_kg": "kg CO2e"}
    for name, row in metrics.TABLE.items():
        ending = re.search(r"_(wh|s|ms|g|kg)(_per_1k)?$", name)
        if ending:
            assert row.unit == endings[f"_{ending[1]}"], name


def test_every_constant_that_names_a_metric_is_in_the_table():
    named = {
        value
        for key, value in vars(metrics).items()
        if key.isupper() and isinstance(value, str) and "/" in value
    }
    assert named
    assert named <= metrics.TABLE.keys()


@pytest.mark.parametrize("phase", metrics.PHASES)
def test_every_phase_has_its_time_energy_and_carbon(phase):
    names = metrics.phase_metrics(phase)
    assert [metrics.TABLE[name].unit for name in names] == ["s", "Wh", "g CO2e"]


def test_an_interval_stands_beside_its_metric():
    for name in metrics.TABLE:
        metric, end, _ = name.partition("_low")
        if end:
            assert {metric, f"{metric}_high"} <= metrics.TABLE.keys()


def test_tags_say_how_each_component_is_known_and_the_weakest():
    cost = Measurement(
        cpu_origin=Origin("measured", "RAPL"), ram_origin=Origin("assumed", "a constant")
    )
    assert metrics.source_tags(cost) == {
        "ecotrack.energy_source": "assumed",
        "ecotrack.energy_source.cpu": "measured: RAPL",
        "ecotrack.energy_source.ram": "assumed: a constant",
        "ecotrack.energy_source.gpu": "absent",
    }


def test_tags_are_spelled_once_and_under_our_own_prefix():
    tags = [value for key, value in vars(metrics).items() if key.endswith("_TAG")]
    assert len(tags) == len(set(tags))
    assert all(tag.startswith(("ecotrack.", "git.")) for tag in tags)


def literals(tree: ast.Module) -> Iterator[ast.Constant]:
    """Every text in a module but the docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings:
            yield node


def typed_names(source: str) -> list[str]:
    """Literals of a module that look like names of metrics."""
    return [
        node.value for node in literals(ast.parse(source)) if LOOKS_LIKE_A_NAME.match(node.value)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_names_of_metrics_are_typed_in_the_table_alone(path):
    assert typed_names(path.read_text()) == []


@pytest.mark.parametrize("line", ['x = "energy/total_wh"', 'x = f"time/{phase}_s"'])
def test_a_typed_name_would_be_found(line):
    assert typed_names(f'"""Docstring: energy/total_wh."""\n{line}')
    assert not typed_names('"""energy/total_wh is only spoken of."""')
