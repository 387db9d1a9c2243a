"""What people read in the terminal: tables, and progress where somebody watches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

_console = Console()
if not _console.is_terminal:
    _console = Console(width=200)  # a pipe has no edge to wrap at


def table(title: str, rows: Sequence[Mapping[str, str]], *, stderr: bool = False) -> None:
    """Print rows of equal keys; the keys are the heads."""
    if not rows:
        return
    grid = Table(title=title, box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    grid.title_justify, grid.title_style = "left", "bold"
    for number, head in enumerate(rows[0]):
        first = number == 0
        grid.add_column(head, justify="left" if first else "right", no_wrap=not first)
    for row in rows:
        grid.add_row(*row.values())
    (Console(stderr=True, width=_console.width) if stderr else _console).print(grid)


def say(text: str) -> None:
    """Print one line as it is."""
    _console.print(text, markup=False, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Bar:
    """A line that tells how far a long work is."""

    _progress: Progress
    _task: int

    def advance(self, status: str) -> None:
        """One step more, and what it is about."""
        self._progress.update(self._task, advance=1, status=status)  # type: ignore[arg-type]

    def update(self, done: int, status: str) -> None:
        """Say what is done and how it looks."""
        self._progress.update(self._task, completed=done, status=status)  # type: ignore[arg-type]


@contextmanager
def bar(title: str, total: int) -> Iterator[Bar]:
    """Show progress on a terminal; stay quiet in a pipe and under CI."""
    quiet = not _console.is_terminal or bool(os.environ.get("CI"))
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=8),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[status]}"),
        console=_console,
        transient=True,
        disable=quiet,
        refresh_per_second=1,  # what we draw is measured too
    )
    with progress:
        yield Bar(progress, progress.add_task(title, total=total, status=""))
