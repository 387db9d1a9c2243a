"""What people read in the terminal: tables and progress; and JSON, for what is no person."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from ecotrack import cli

UNLIMITED = 10_000  # characters
SHOWN_EVERY_S = 1.0  # what we draw is measured too
SAID_EVERY_S = 20.0  # in a pipe, where nothing is drawn over


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The option of everything that prints a result."""

    json: bool = cli.option(False, "print the result as JSON, and all else on stderr")


def _made(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr)
    # A pipe has no edge to wrap at.
    return console if console.is_terminal else Console(stderr=stderr, width=200)


_console = _made()


def begin(config: Shown) -> None:
    """Say from now on what there is to say on stdout, or on stderr where that is for JSON."""
    global _console
    _console = _made(stderr=config.json)


def result(config: Shown, told: Any) -> None:
    """Print a result as JSON, if it was asked for; what is not finite is null."""
    if config.json:
        json.dump(_finite(told), sys.stdout, indent=1, ensure_ascii=False, default=float)
        print(flush=True)


def _finite(told: Any) -> Any:
    if isinstance(told, Mapping):
        return {key: _finite(value) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [_finite(value) for value in told]
    return None if isinstance(told, float) and not math.isfinite(told) else told


def table(
    title: str, rows: Sequence[Mapping[str, str]], *, stderr: bool = False, prose: bool = False
) -> None:
    """Print rows of equal keys; the keys are the heads.

    Prose may wrap in its cells. Where figures lack room, what they have in brackets goes below;
    columns that still lack it follow in a table of their own, with the first one again.
    """
    if not rows:
        return
    console = Console(stderr=True, width=_console.width) if stderr else _console
    if prose:
        console.print(_grid(title, rows, prose=True))
        return
    unlimited = console.options.update(max_width=UNLIMITED)

    def fits(rows: Sequence[Mapping[str, str]]) -> bool:
        grid = _grid("", rows, prose=False)
        return console.measure(grid, options=unlimited).maximum <= console.width

    parts = [rows] if fits(rows) else _parts([_in_two_lines(row) for row in rows], fits)
    for part in parts:
        console.print(_grid(title, part, prose=False))
        title = ""


def _parts(
    rows: Sequence[Mapping[str, str]], fits: Callable[[Sequence[Mapping[str, str]]], bool]
) -> Iterator[Sequence[Mapping[str, str]]]:
    """The columns in as many parts as it takes for each to fit; each has the first column."""
    first, *heads = rows[0]
    part = [{first: row[first]} for row in rows]
    for head in heads:
        wider = [{**some, head: row[head]} for some, row in zip(part, rows, strict=True)]
        if len(part[0]) > 1 and not fits(wider):
            yield part
            wider = [{first: row[first], head: row[head]} for row in rows]
        part = wider
    yield part


def _in_two_lines(row: Mapping[str, str]) -> dict[str, str]:
    return {head: cell.replace(" (", "\n(") for head, cell in row.items()}


def _grid(title: str, rows: Sequence[Mapping[str, str]], *, prose: bool) -> Table:
    grid = Table(title=title or None, box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    grid.title_justify, grid.title_style = "left", "bold"
    for number, head in enumerate(rows[0]):
        text = prose or number == 0
        grid.add_column(
            head,
            justify="left" if text else "right",
            no_wrap=not text,
            overflow="fold" if text else "ellipsis",  # a name is of no use in part
        )
    for row in rows:
        grid.add_row(*row.values())
    return grid


def say(text: str) -> None:
    """Print one line as it is."""
    _console.print(text, markup=False, highlight=False, soft_wrap=True)


class Bar:
    """How far a long work is: on a terminal a line that moves, in a pipe a new one now and then."""

    def __init__(self, progress: Progress, task: TaskID, *, piped: bool) -> None:
        self._progress, self._task, self._piped = progress, task, piped
        self._said_s = time.perf_counter()

    def advance(self, status: str) -> None:
        """One step more, and what it is about."""
        self._show(advance=1, status=status)

    def update(self, done: int, status: str) -> None:
        """Say what is done and how it looks."""
        self._show(completed=done, status=status)

    def follow(self, name: str) -> Callable[[float], None]:
        """Follow one long call that starts now: tell the function returned the share done, 0 … 1.

        It may be told often: a look at the clock, 0.1 µs, is all that most shares cost. Once a
        second one is shown, with the time left at the pace so far.
        """
        start_s = shown_s = time.perf_counter()

        def tell(share: float) -> None:
            nonlocal shown_s
            now_s = time.perf_counter()
            if now_s - shown_s < SHOWN_EVERY_S or share <= 0:
                return
            shown_s = now_s
            left = timedelta(seconds=round((now_s - start_s) * (1 - share) / share))
            status = f"{name}: {share:.0%} of a call, {left} left"
            self._show(status=status)

        return tell

    def _show(self, **told: Any) -> None:
        self._progress.update(self._task, **told)
        now_s = time.perf_counter()
        if not self._piped or now_s - self._said_s < SAID_EVERY_S:
            return
        self._said_s = now_s
        (task,) = self._progress.tasks
        how_far = f"{task.completed:.0f}/{task.total:.0f}"
        print(task.description, how_far, task.fields["status"], file=sys.stderr, flush=True)


@contextmanager
def bar(title: str, total: int) -> Iterator[Bar]:
    """Show progress; under CI stay quiet."""
    piped, quiet = not _console.is_terminal, bool(os.environ.get("CI"))
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=8),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[status]}"),
        console=_console,
        transient=True,
        disable=piped or quiet,
        refresh_per_second=1 / SHOWN_EVERY_S,
    )
    with progress:
        task = progress.add_task(title, total=total, status="")
        yield Bar(progress, task, piped=piped and not quiet)
