import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from ecotrack import host

NAME_ITSELF = "from ecotrack import host; print(host.process_id(), flush=True); input()"


@pytest.fixture
def child():
    """A Python process that waits to be told to end, and its process_id."""
    process = subprocess.Popen(
        [sys.executable, "-c", NAME_ITSELF],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process, process.stdout.readline().strip()
        process.kill()


def git(folder, *words):
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def test_our_own_process_is_alive():
    assert not host.is_dead(host.process_id())


def test_our_own_process_has_one_name():
    assert host.process_id() == host.process_id()


def test_a_process_is_alive_until_it_is_finished(child):
    process, name = child
    assert not host.is_dead(name)
    process.communicate("\n", timeout=30)
    assert host.is_dead(name)


def test_a_killed_process_that_nobody_waited_for_is_dead(child):
    process, name = child
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its entry in the table is left
    assert host.is_dead(name)


def renamed(process: str, **changed: str) -> str:
    """The name of a process, were it of another place or time."""
    parts = ("machine", "mark", "boot", "space", "pid", "birth")
    named = dict(zip(parts, process.rsplit(":", 5), strict=True))
    return ":".join({**named, **changed}.values())


def test_a_later_process_with_the_same_number_is_not_taken_for_it():
    assert host.is_dead(renamed(host.process_id(), birth="1"))


def test_a_step_of_the_clock_kills_nobody(child, monkeypatch):
    _, name = child
    told = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: told(process) + 3600)
    assert host.is_dead(name) is False
    assert host.descends_from(host.process_id())


@pytest.mark.parametrize("machine", ["elsewhere", "fe80::1", "a:b"])
def test_a_process_of_another_machine_is_never_called_dead(machine):
    assert host.is_dead(renamed(host.process_id(), machine=machine, birth="1")) is False
    assert host.is_dead(renamed(host.process_id(), mark="another", birth="1")) is False


@pytest.mark.parametrize("text", ["notes", "a:b", f"{host.name()}:1:1.00", "::::pid:1"])
def test_what_is_no_process_s_name_is_never_called_dead(text):
    assert not host.is_name(text)
    assert host.is_dead(text) is False


def test_a_process_in_another_container_cannot_be_seen():
    assert host.is_dead(renamed(host.process_id(), space="1", birth="1")) is None


@pytest.mark.parametrize(("marked", "dead"), [(True, True), (False, None)])
def test_an_earlier_boot_is_over_if_it_was_surely_of_this_machine(
    tmp_path, monkeypatch, marked, dead
):
    (tmp_path / "id").write_text("0123456789abcdef" * 2 if marked else "uninitialized")
    monkeypatch.setattr(host, "MACHINE_ID", (tmp_path / "id",))
    assert host.is_dead(renamed(host.process_id(), boot="earlier")) is dead


def test_a_process_descends_from_itself_and_from_what_started_it(child):
    parent = host._name_of(psutil.Process(os.getppid()))
    for ancestor in (host.process_id(), parent):
        assert host.is_name(ancestor)
        assert host.descends_from(ancestor)
        assert not host.descends_from(renamed(ancestor, space="1")), "it may be in a container"
    assert not host.descends_from(child[1])


def test_the_machine_is_described_in_one_line():
    said = host.describe()
    assert "cores" in said
    assert "GiB" in said
    assert "\n" not in said


def test_equal_machines_are_told_apart_by_their_ids_which_are_not_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(host, "MACHINE_ID", (tmp_path / "none", tmp_path / "id"))
    unnamed = host.describe()
    assert unnamed.endswith("GiB")
    ids = {}
    for text in (2 * "0123456789abcdef", 2 * "fedcba9876543210", "uninitialized"):
        (tmp_path / "id").write_text(f"{text}\n")
        ids[text] = host.describe()
        assert host.describe() == ids[text]
        assert text not in ids[text]
    assert len(set(ids.values())) == 3
    assert ids["uninitialized"] == unnamed


@pytest.fixture
def checkout(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "kept.txt").write_text("kept")
    (tmp_path / ".gitignore").write_text("*.db\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "dirty"),
    [(None, False), ("kept.txt", True), ("new.txt", True), ("ignored.db", False)],
)
def test_a_checkout_is_dirty_when_it_differs_from_its_commit(checkout, changed, dirty):
    if changed:
        (checkout / changed).write_text("changed")
    assert host.git_is_dirty(checkout) is dirty


def test_a_folder_below_the_checkout_counts_for_it(checkout):
    (checkout / "below").mkdir()
    (checkout / "kept.txt").write_text("changed")
    assert host.git_is_dirty(checkout / "below") is True


def test_outside_a_checkout_nothing_is_dirty_or_clean(tmp_path):
    assert host.git_is_dirty(tmp_path) is None


def test_without_git_nothing_is_dirty_or_clean(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert host.git_is_dirty(checkout) is None


def test_a_container_s_quota_limits_its_cores(tmp_path, monkeypatch):
    monkeypatch.setattr(host, "CPU_QUOTA", tmp_path / "cpu.max")
    assert host.usable_cores() == host.cores(), "there is no such file outside of containers"
    for text, cores in (("max 100000", host.cores()), ("50000 100000", 0.5), ("", host.cores())):
        (tmp_path / "cpu.max").write_text(text)
        assert host.usable_cores() == cores


@pytest.mark.parametrize(
    ("path", "text", "turbo"),
    [
        ("cpufreq/boost", "1\n", "on"),
        ("cpufreq/boost", "0\n", "off"),
        ("intel_pstate/no_turbo", "1\n", "off"),
        ("intel_pstate/no_turbo", "0\n", "on"),
        ("elsewhere/boost", "1\n", ""),
    ],
)
def test_the_pace_of_the_cores_is_told_by_the_system(tmp_path, monkeypatch, path, text, turbo):
    monkeypatch.setattr(host, "CPU_FOLDER", tmp_path)
    files = {path: text, "cpu0/cpufreq/scaling_governor": "powersave\n", "smt/active": "1\n"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert host.clocking() == {"governor": "powersave", "turbo": turbo, "SMT": "on"}


def test_the_hottest_sensor_of_the_cpu_counts(monkeypatch):
    chip = SimpleNamespace
    found = {"nvme": [chip(current=80.0)], "k10temp": [chip(current=51.0), chip(current=55.0)]}
    monkeypatch.setattr(host.psutil, "sensors_temperatures", lambda: found)
    assert host.temperature_c() == 55
    monkeypatch.setattr(host.psutil, "sensors_temperatures", dict)
    assert host.temperature_c() is None
