"""One measurement at a time: real processes that wait, are refused, and are killed."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecotrack import host
from ecotrack.cli import UserError
from ecotrack.meters.turn import MACHINE_LOCK, turn
from tests.conftest import ROOT
from tests.test_host import renamed

HOLD = """
import sys
from ecotrack.meters.turn import turn
with turn(sys.argv[1]):
    print("mine", flush=True)
    input()
"""
HOLD_WITH_CHILD = """
import os, sys, time
from ecotrack.meters.turn import turn
with turn(sys.argv[1]):
    if os.fork() == 0:
        os.close(0); os.close(1); os.close(2)
        time.sleep(60)
    print("mine", flush=True)
    input()
"""
EXEC = """
import subprocess, sys
from ecotrack.meters.turn import turn
with turn("exec"):
    sys.exit(subprocess.run([sys.executable, "-c", sys.argv[1], "child"], input=b"\\n").returncode)
"""


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "turn.lock"
    monkeypatch.setenv("ECOTRACK_LOCK", str(path))
    return path


def start(code: str, entry: str) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code, entry]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def is_taken(lock: Path) -> bool:
    """Whether anybody holds the lock, we or another."""
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def holder(lock: Path) -> Iterator["subprocess.Popen[str]"]:
    with start(HOLD, "sorting") as process:
        assert process.stdout.readline() == "mine\n"
        yield process
        process.kill()


def test_a_busy_machine_refuses_in_one_line_that_names_the_holder(holder):
    with pytest.raises(UserError) as refused, turn("train", wait=False):
        pass
    assert f"sorting (pid {holder.pid}) is measuring on this machine" in str(refused.value)


def test_who_waits_says_for_whom_and_goes_on_when_the_holder_ends(holder):
    with start(HOLD, "train") as waiting:
        assert waiting.stderr.readline() == (
            f"waiting for sorting (pid {holder.pid}), which is measuring on this machine;"
            " --no-wait true refuses instead\n"
        )
        holder.communicate("\n", timeout=60)
        assert waiting.stdout.readline() == "mine\n"
        with pytest.raises(UserError, match=rf"train \(pid {waiting.pid}\)"):
            turn("pi", wait=False).__enter__()
        waiting.communicate("\n", timeout=60)
    with turn("pi", wait=False):
        pass


def test_a_killed_holder_frees_the_machine(holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait(60)
    with turn("train", wait=False):
        pass


def test_a_forked_child_does_not_keep_the_lock_of_a_killed_parent(lock):
    with start(HOLD_WITH_CHILD, "sorting") as process:
        try:
            assert process.stdout.readline() == "mine\n"
            with pytest.raises(UserError), turn("train", wait=False):
                pass
            process.kill()
            process.wait(60)
            with turn("train", wait=False):
                pass
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_who_waits_can_be_stopped(holder):
    with start(HOLD, "train") as waiting:
        waiting.stderr.readline()
        waiting.send_signal(signal.SIGTERM)
        assert waiting.wait(60) == -signal.SIGTERM


def test_what_the_holder_starts_itself_need_not_wait(lock):
    done = subprocess.run(
        [sys.executable, "-c", EXEC, HOLD], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_process_does_not_wait_for_itself_and_keeps_its_turn_to_the_end(lock):
    with turn("train", wait=False):
        with turn("a block within", wait=False):
            pass
        assert is_taken(lock)


def test_who_only_shares_a_number_with_our_ancestor_is_waited_for(lock):
    """In two containers that share the lock, both may be process 1."""
    with turn("train"):
        lock.write_text(f"train (pid {os.getpid()}) {renamed(host.process_id(), space='1')}")
        with pytest.raises(UserError, match="is measuring"), turn("a block", wait=False):
            pass


def test_a_block_that_raises_frees_the_machine(lock):
    with pytest.raises(ZeroDivisionError), turn("train"):
        raise ZeroDivisionError
    with turn("train", wait=False):
        pass


def test_all_users_may_take_their_turn(lock):
    before = os.umask(0o077)
    try:
        with turn("train"):
            assert stat.S_IMODE(lock.stat().st_mode) == 0o666
    finally:
        os.umask(before)


def test_a_link_is_not_followed(lock):
    victim = lock.with_name("victim")
    victim.write_text("precious")
    lock.symlink_to(victim)
    with pytest.raises(UserError, match="ECOTRACK_LOCK may name another"), turn("train"):
        pass
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_refused(lock, make):
    make(lock)
    with pytest.raises(UserError, match="ECOTRACK_LOCK may name another"), turn("train"):
        pass


def test_what_strangers_wrote_is_not_printed(holder, lock):
    lock.write_text("\x1b[31mevil (pid 1)")
    with pytest.raises(UserError, match="another process is measuring"), turn("train", wait=False):
        pass


def test_the_machine_has_one_lock_unless_another_is_named(monkeypatch, tmp_path):
    assert Path(MACHINE_LOCK).parent == Path("/tmp")
    monkeypatch.setenv("ECOTRACK_LOCK", str(tmp_path / "own"))
    with turn("train"):
        assert (tmp_path / "own").read_text() == f"train (pid {os.getpid()}) {host.process_id()}"
