"""Who may import whom is a contract of import-linter; here is what it cannot see."""

import ast
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SOURCES = [*(ROOT / "ecotrack").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")]
HEAVY = ("tensorflow", "keras", "mlflow", "optuna", "codecarbon", "numba", "altair", "scipy")


def test_importing_ecotrack_loads_nothing_heavy():
    code = f"import sys, ecotrack; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_script_that_measures_a_block_waits_for_no_experiment(tmp_path, monkeypatch):
    monkeypatch.setenv("ECOTRACK_LOCK", str(tmp_path / "lock"))  # others may measure meanwhile
    measured = "with ecotrack.measure(): pass"
    heavy = [name for name in HEAVY if name != "codecarbon"]
    code = f"import sys, ecotrack\n{measured}\nprint([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("entry", ["search", "choose", "report"])
def test_who_trains_nothing_itself_waits_for_no_tensorflow(entry):
    heavy = ("tensorflow", "keras", "distributed", "scipy.stats")
    code = f"import sys, experiments.{entry}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_contracts_of_import_linter_are_kept():
    lint = f"{sys.prefix}/bin/lint-imports"
    done = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_in_one_sentence(path):
    doc = ast.get_docstring(ast.parse(path.read_text()))
    assert doc
    assert doc.splitlines()[0].endswith((".", "?"))
    assert len(doc.splitlines()[0]) <= 100


def test_ecotrack_can_be_installed(tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    copy = tmp_path / "source"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(copy)], check=True)
    done = subprocess.run(
        [*pip, "--target", str(tmp_path / "site"), str(copy)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    code = "import ecotrack.tracking, sys; print(ecotrack.__file__)"
    env = {"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin:/bin"}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert str(tmp_path / "site") in found.stdout, found.stderr
