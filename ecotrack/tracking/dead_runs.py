"""Runs whose process is gone: what they had cost goes into them, and they are closed."""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mlflow.exceptions import MlflowException

from ecotrack import host, metrics
from ecotrack.measurement import Measurement
from ecotrack.meters.book import Known, replay
from ecotrack.reading import few
from ecotrack.tracking import sessions
from ecotrack.tracking.place import project_root
from ecotrack.tracking.record import Record
from ecotrack.tracking.run_view import RunView
from ecotrack.tracking.store import Store

UNTAKEN_S = 600  # our process tags its run in the first seconds


def settle(store: Store, ledgers: Path) -> None:
    """Give the runs of dead processes what their ledgers tell, and close what they left open.

    A ledger that is told is removed. What is no ledger is left alone, and told in one line.
    """
    strange = [path for path in ledgers.glob("*.jsonl") if not host.is_name(path.stem)]
    for path in dead(ledgers):
        try:
            known = replay(path)
        except (OSError, ValueError):
            strange.append(path)
            continue
        ended_s = path.stat().st_mtime
        kept = [keep(store, run_id, path.stem, told, ended_s) for run_id, told in known.items()]
        if all(kept):
            path.unlink(missing_ok=True)
    if strange:
        names = few(sorted(path.name for path in strange))
        print(f"no ledgers, and left alone in {ledgers}: {names}", file=sys.stderr, flush=True)
    close(store)


def dead(ledgers: Path) -> list[Path]:
    """The ledgers of processes that run no more."""
    return [path for path in sorted(ledgers.glob("*.jsonl")) if _is_left(path)]


def keep(
    store: Store, run_id: str, process: str, known: Known, ended_s: float | None = None
) -> bool:
    """Give a run what it had cost when its process died; False if it is not in this store.

    Its process wrote its last line at `ended_s`. Twice is once. A run that many processes carry
    on keeps it for `bill` to hand over; any other is closed.
    """
    if not store.has_run(run_id):
        return False
    run = store.view(run_id)
    if known.shared:
        Record(run_id).write(tags=sessions.second_account(process, known.cost))
        return True
    if metrics.RUN_WH not in run.metrics:
        Record(run_id).write_known(known)
    if run.status == "RUNNING":
        kill(store, run_id, ended_s=ended_s)
    return True


def bill(store: Store, run_id: str, keep: Callable[[Measurement, str], object]) -> None:
    """Hand `keep` what each killed process of a run had cost: (cost, process)."""
    tags = store.view(run_id).tags
    for process, cost in sessions.second_accounts(tags).items():
        keep(cost, process)
        Record(run_id).write(tags=sessions.account(process, sessions.costs(tags)[process]))
        _untag(store, run_id, f"{metrics.UNBILLED_TAG}.{process}")


def close(store: Store) -> None:
    """Mark as KILLED what a killed process of this machine left RUNNING."""
    for run in store.running():
        process = run.tags.get(metrics.PROCESS_TAG)
        if host.is_dead(process) if process else _was_never_taken_up(run):
            kill(store, run.run_id)


def kill(
    store: Store,
    run_id: str,
    reason: str = "its process was killed",
    ended_s: float | None = None,
) -> None:
    """Close a run whose process is gone; it ended then, in seconds since 1970, or just now.

    Its machine and a coordinator may do so at the same moment.
    """
    # MLflow writes a batch again where another process set the same tag; `set_tag` raises there.
    Record(run_id).write(tags={metrics.REASON_TAG: reason})
    ended_ms = None if ended_s is None else int(ended_s * 1000)
    store.client.set_terminated(run_id, "KILLED", ended_ms)


def finish(store: Store, run_id: str) -> None:
    """Close a run that holds all it should, though its process is gone."""
    _untag(store, run_id, metrics.REASON_TAG)
    store.client.set_terminated(run_id, "FINISHED")


def _untag(store: Store, run_id: str, tag: str) -> None:
    """Take a tag away, if it is there; another process may be the first to do so."""
    try:
        store.client.delete_tag(run_id, tag)
    except MlflowException:
        if tag in store.view(run_id).tags:
            raise


def _is_left(path: Path) -> bool:
    """Whether a ledger's process runs no more; one out of sight holds a lock as long as it does."""
    if (known := host.is_dead(path.stem)) is not None:
        return known
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _was_never_taken_up(run: RunView) -> bool:
    """Whether `mlflow run` opened it for this project, and our process died before it began."""
    ours = run.tags.get("mlflow.source.name", "").endswith(str(project_root()))
    age_s = time.time() - run.start_s
    return ours and "mlflow.project.entryPoint" in run.tags and age_s > UNTAKEN_S
