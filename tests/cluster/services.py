"""What a cluster is made of: real services as processes of their own, on free ports."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
LOOPBACK = "127.0.0.1"
SECRET = "s3cret-of-the-tests"
BIN = Path(sys.executable).parent
FAST = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200")


class Cluster:
    """A scheduler and workers, each started again when it ends, as a supervisor would."""

    def __init__(self, folder: Path, env: dict[str, str], workers: int) -> None:
        self.scheduler = scheduler(folder / "scheduler", env).start().ready()
        self.address = f"tcp://{LOOPBACK}:{self.scheduler.port}"
        self.workers = [worker(folder / f"w{n}", self.address, env).start() for n in range(workers)]
        self.restarts = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._supervise, daemon=True)

    def __enter__(self) -> Cluster:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for service in (*self.workers, self.scheduler):
            service.stop(9)

    def _supervise(self) -> None:
        while not self._ended.wait(0.2):
            for service in (self.scheduler, *self.workers):
                if service.process.poll() is not None:
                    self.restarts += 1
                    service.start()


def free_port(host: str = LOOPBACK) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def until(ready, seconds: float = 120) -> None:
    """Wait for something to be so; fail if it never is."""
    begun = time.monotonic()
    while not ready():
        assert time.monotonic() - begun < seconds, f"{ready} was not so within {seconds} s"
        time.sleep(0.1)


def answers(port: int, host: str = LOOPBACK) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def listens(space: str, port: int) -> bool:
    """Whether somebody listens on a port of a network namespace."""
    command = [*inside(space), "ss", "-Hltn", f"sport = :{port}"]
    return bool(subprocess.run(command, capture_output=True, check=True).stdout)


@dataclass
class Postgres:
    """A PostgreSQL server in a folder; it takes passwords only, and can be stopped and started."""

    folder: Path
    host: str = LOOPBACK
    port: int = 0
    space: str = ""  # the network namespace that it lives in
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port = self.port or free_port(self.host)
        secret = self.folder / "secret"
        secret.write_text(SECRET)
        if self._user:
            shutil.chown(self.folder, self._user["user"], self._user["group"])
            shutil.chown(secret, self._user["user"], self._user["group"])
        words = ["-D", str(self.data), "-U", "ecotrack", "-A", "scram-sha-256", "--no-sync"]
        self._call("initdb", *words, f"--pwfile={secret}")
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.0.0.0/8 scram-sha-256\n")
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str) -> str:
        return f"postgresql://ecotrack@{self.host}:{self.port}/{database}"

    def start(self) -> None:
        command = [str(BINARIES[-1] / "postgres"), "-D", str(self.data), "-k", str(self.folder)]
        command += ["-h", self.host, "-p", str(self.port), *FAST]
        with (self.folder / "log").open("ab") as log:
            if self.space:  # only root may enter one, and PostgreSQL must not be root
                names = self._user["user"], self._user["group"]
                as_user = ["setpriv", f"--reuid={names[0]}", f"--regid={names[1]}", "--init-groups"]
                command = [*inside(self.space), *as_user, *command]
            user = {} if self.space else self._user
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **user)
        until(lambda: self._psql("postgres", "SELECT 1").returncode == 0)

    def stop(self) -> None:
        """At once: what is connected is cut off."""
        assert self.process
        self.process.send_signal(2)  # "fast" in PostgreSQL's words
        self.process.wait(60)

    def new(self, database: str) -> str:
        """The URL of a fresh database."""
        made = self._psql("postgres", f'CREATE DATABASE "{database}"')
        assert made.returncode == 0, made.stderr
        return self.url(database)

    def dump(self, database: str) -> str:
        """All that a database holds, as text."""
        command = [str(BINARIES[-1] / "pg_dump"), "--dbname", self.url(database)]
        return subprocess.run(
            command, env=self.env, capture_output=True, text=True, check=True
        ).stdout

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "PGPASSWORD": SECRET}

    def ask(self, database: str, query: str) -> str:
        """What a query answers, as text; nothing where what it asks for is not there yet."""
        return self._psql(database, query).stdout

    def _psql(self, database: str, query: str) -> subprocess.CompletedProcess[str]:
        command = [str(BINARIES[-1] / "psql"), "-q", "-d", self.url(database), "-c", query]
        command = [*inside(self.space), *command]
        return subprocess.run(command, env=self.env, capture_output=True, text=True)

    @property
    def _user(self) -> dict[str, str]:
        """An ordinary user, where we are root: the server refuses to be that."""
        if os.getuid():
            return {}
        found = {entry.pw_name for entry in pwd.getpwall()}
        name = "postgres" if "postgres" in found else "nobody"
        return {"user": name, "group": "postgres" if name == "postgres" else "nogroup"}

    def _call(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(BINARIES[-1] / program), *words],
            capture_output=True,
            text=True,
            cwd="/",
            **self._user,
        )
        assert done.returncode == 0, done.stderr


def inside(space: str) -> list[str]:
    """What stands before a command that shall run in a network namespace."""
    return ["ip", "netns", "exec", space] if space else []


@contextmanager
def network_space(name: str) -> Iterator[str]:
    """A network namespace with a loopback of its own: every port is free there."""
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run([*inside(name), "ip", "link", "set", "lo", "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


@dataclass(frozen=True)
class Line:
    """A network between two namespaces; each end has one address in it.

    Attributes:
        device: what it is called at both ends.
        here, there: (namespace, address).
    """

    device: str
    here: tuple[str, str]
    there: tuple[str, str]

    def lay(self) -> Line:
        """Join the namespaces."""
        (one, _), (other, _) = self.here, self.there
        pair = ["type", "veth", "peer", "name", self.device, "netns", other]
        ip("link", "add", self.device, "netns", one, *pair)
        for space, address in (self.here, self.there):
            ip("-n", space, "address", "add", f"{address}/24", "dev", self.device)
            ip("-n", space, "link", "set", self.device, "up")
        return self

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Lose every packet, both ways, untold: each goes to a machine that is not there."""
        ends = (self.here[0], self.there[1]), (self.there[0], self.here[1])
        nobody = ["lladdr", "02:00:00:00:00:99", "nud", "permanent"]
        for space, address in ends:
            ip("-n", space, "neigh", "replace", address, "dev", self.device, *nobody)
        yield
        for space, address in ends:
            ip("-n", space, "neigh", "delete", address, "dev", self.device)


def ip(*words: str) -> None:
    """Linux's tool for networks."""
    subprocess.run(["ip", *words], check=True)


@contextmanager
def postgres(host: str = LOOPBACK, port: int = 0, space: str = "") -> Iterator[Postgres]:
    """A server of its own, in a folder that its ordinary user may enter."""
    with tempfile.TemporaryDirectory(prefix="ecotrack-pg-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder), host, port, space)
        try:
            yield server
        finally:
            server.stop()


@dataclass
class Service:
    """A process that can be stopped and started again, in a folder of its own."""

    command: list[str]
    folder: Path
    env: dict[str, str]
    port: int = 0
    host: str = LOOPBACK
    cwd: Path = ROOT
    space: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self.processes[-1]

    def start(self) -> Service:
        self.folder.mkdir(exist_ok=True, parents=True)
        with self.log.open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [*inside(self.space), *self.command],
                    cwd=self.cwd,
                    env=self.env,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        return self

    def ready(self) -> Service:
        until(lambda: self.process.poll() is not None or self._answers(), 300)
        assert self.process.poll() is None, self.log.read_text()
        return self

    def _answers(self) -> bool:
        return listens(self.space, self.port) if self.space else answers(self.port, self.host)

    def stop(self, number: int = 15) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
            self.process.wait(60)


def mlflow_server(
    folder: Path,
    backend: str,
    env: dict[str, str],
    host: str = LOOPBACK,
    port: int = 0,
    space: str = "",
) -> Service:
    """`mlflow server` with basic authentication and proxied artifacts."""
    folder.mkdir(exist_ok=True, parents=True)
    port = port or free_port(host)
    command = [str(BIN / "mlflow"), "server", "--app-name", "basic-auth", "--workers", "1"]
    command += ["--host", host, "--port", str(port), "--backend-store-uri", backend]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    own = {
        "MLFLOW_AUTH_CONFIG_PATH": str(ROOT / "deploy/auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": SECRET,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a key of the tests alone",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    return Service(command, folder, {**env, **own}, port, host, cwd=folder, space=space)


def status_of(url: str) -> int:
    """What a server answers somebody who gives no password."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def scheduler(
    folder: Path, env: dict[str, str], host: str = LOOPBACK, port: int = 0, space: str = ""
) -> Service:
    port = port or free_port(host)
    command = [str(BIN / "dask"), "scheduler", "--host", host, "--port", str(port)]
    own = {"PYTHONPATH": str(ROOT)}  # it reads the tasks that it hands on
    return Service([*command, "--no-dashboard"], folder, {**env, **own}, port, host, space=space)


def worker(
    folder: Path, address: str, env: dict[str, str], host: str = LOOPBACK, space: str = ""
) -> Service:
    """A worker that imitates a machine: its own meter, lock and ledgers."""
    command = [str(BIN / "dask"), "worker", address, "--no-nanny", "--nthreads", "1"]
    command += ["--resources", "meter=1", "--no-dashboard", "--host", host]
    lock, settings = str(folder / "lock"), str(ROOT / "deploy")
    own = {"ECOTRACK_LOCK": lock, "PYTHONPATH": str(ROOT), "DASK_CONFIG": settings}
    command += ["--local-directory", str(folder)]
    return Service(command, folder, {**env, **own}, space=space)
