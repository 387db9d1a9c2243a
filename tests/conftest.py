"""What many tests share: stores of their own, and one small finished study of the real project."""

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ecotrack.search.objectives import Objectives
from ecotrack.tracking import Store
from tests import forks

ROOT = Path(__file__).parents[1]
NO_MACHINE = str(ROOT / "none.json")
os.environ["ECOTRACK_MACHINE"] = NO_MACHINE  # whatever is known of this one
FILE_COLUMNS = {  # of MLflow's tables: where its artifacts lie
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}
DIRECTIONS = Objectives(("accuracy", "training")).directions
SMALL = (
    "--families=mlp,cnn",
    "--augmentations=none,flip",
    "--images=2000",
    "--trials=4",
    "--max-width=8",
    "--max-depth=2",
    "--max-epochs=2",
)


@dataclass(frozen=True)
class Home:
    """A folder with a run store and a study store, and the commands that use them."""

    folder: Path

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def env(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        quiet = {"CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
        # A lock of its own: tests that run side by side would wait for one another.
        own = {
            "MLFLOW_TRACKING_URI": self.uri,
            "ECOTRACK_LOCK": str(self.folder / "turn.lock"),
        }
        if os.environ.get("ECOTRACK_MACHINE") == NO_MACHINE:  # `doctor` would write it there
            own["ECOTRACK_MACHINE"] = str(self.folder / "machine.json")
        return {**os.environ, "PATH": path, **own, **quiet}

    def python(self, entry: str, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
        """`python -m experiments.ENTRY`, from the root of the project.

        With an environment of its own it is a process of its own: Numba, for one, reads its
        variables when it is imported.
        """
        if env:
            return self._run([sys.executable, "-m", f"experiments.{entry}", *options], env)
        return forks.run_module(f"experiments.{entry}", options, self.env, ROOT)

    def mlflow(self, entry: str, *options: str) -> subprocess.CompletedProcess[str]:
        """`mlflow run . -e ENTRY --env-manager local`, from the root of the project."""
        return self.command("mlflow", "run", ".", "-e", entry, "--env-manager", "local", *options)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Any command, from the root of the project."""
        if words[0] == "mlflow":
            words = (sys.executable, "-m", *words)
        if words[:2] == (sys.executable, "-m"):
            return forks.run_module(words[2], words[3:], self.env, ROOT)
        return self._run(list(words), {})

    @property
    def ledgers(self) -> list[Path]:
        """What was left by processes that ended before their runs did."""
        return list(self.folder.glob("mlruns/ledger/*"))

    def keep_files_here(self, *experiments: str) -> None:
        """Make experiments beforehand: `mlflow run` would keep their files in its own folder."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", self.uri)
            for experiment in experiments:
                Store().experiment_id(experiment)

    def start(self, command: list[str]) -> "subprocess.Popen[bytes]":
        """A process in a group of its own, to be killed."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            command, cwd=ROOT, env=self.env, stdout=quiet, stderr=quiet, start_new_session=True
        )

    def _run(self, command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=ROOT, env={**self.env, **env}, capture_output=True, text=True, timeout=280
        )


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def missing(made: Path) -> Iterator[bool]:
    """Whether the block is to make this folder: the first worker does, and the others wait."""
    done = made / "done"
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
        yield not done.exists()
        done.touch()


@pytest.fixture(scope="session")
def migrated(shared: Path) -> Path:
    """An empty run store; its migrations take seconds, a copy takes none."""
    home = Home(shared / "migrated")
    with missing(home.folder) as to_make:
        if to_make:
            code = "from ecotrack.tracking import Store; Store()"
            subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=home.env, check=True)
    return home.folder / "mlflow.db"


@pytest.fixture
def new_home(
    tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Home]]:
    """Makes homes; the last one made is this process's store too."""

    def make() -> Home:
        folder = tmp_path / f"home{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        shutil.copy(migrated, folder)
        home = Home(folder)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", home.uri)
        return home

    return make


@pytest.fixture
def home(new_home: Callable[[], Home]) -> Home:
    """A home with an empty store."""
    return new_home()


@pytest.fixture(scope="session")
def finished(shared: Path, migrated: Path) -> Home:
    """A home in which the main job has run, as `mlflow run`, on a subset of the real images."""
    home = Home(shared / "finished")
    with missing(home.folder) as to_make:
        if to_make:
            shutil.copy(migrated, home.folder)
            home.keep_files_here("fashion-mnist", "fashion-mnist-search")
            options = [f"-P{option.removeprefix('--')}" for option in SMALL]
            done = home.mlflow("main", "--experiment-name", "fashion-mnist-search", *options)
            assert done.returncode == 0, done.stdout + done.stderr
            (home.folder / "printed.txt").write_text(done.stdout)
    return home


@pytest.fixture
def study_home(finished: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy of the finished home, to be changed; it is this process's store too."""
    home = Home(tmp_path / "copy")
    shutil.copytree(finished.folder, home.folder)
    _files_are_in(home, finished)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", home.uri)
    return home


def _files_are_in(home: Home, before: Home) -> None:
    """Let the store of a copied home keep the copy's own files, not those it was copied from."""
    with sqlite3.connect(home.folder / "mlflow.db") as store:
        for table, column in FILE_COLUMNS.items():
            moved = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
            store.execute(moved, (f"{before.folder}/", f"{home.folder}/"))


def need(name: str, present: bool) -> None:
    """Skip a test for want of `name`; fail instead where everything is required."""
    if present:
        return
    if os.environ.get("ECOTRACK_REQUIRE_ALL"):
        pytest.fail(f"{name} is missing, and ECOTRACK_REQUIRE_ALL is set")
    pytest.skip(f"{name} is not installed")
