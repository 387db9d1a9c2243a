"""A table of trained configurations on disk: its rows, and how they came to be."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecotrack.cli import UserError

DIGITS = 5


@dataclass(frozen=True)
class Configuration:
    """What a search may choose; the names are those of `train`'s options."""

    family: str
    width: int
    depth: int
    augmentation: str
    epochs: int
    learning_rate: float
    batch_size: int


@dataclass(frozen=True)
class Row(Configuration):
    """One epoch of it; what holds for the whole training is said in each.

    Attributes:
        operations: of the whole training: forward once and backward twice, each image and epoch.
        epoch: from 1 on.
        val_accuracy, val_loss: on all 5,000 validation images, after the epoch.
        wall_s, cpu_s, energy_j: of this epoch of training alone.
        setup_s, setup_j: of building and tracing the model, once.
        eval_s, eval_j: of one evaluation.
    """

    seed: int
    images: int
    operations: int
    parameters: int
    epoch: int
    val_accuracy: float
    val_loss: float
    wall_s: float
    cpu_s: float
    energy_j: float
    setup_s: float
    setup_j: float
    eval_s: float
    eval_j: float

    @property
    def configuration(self) -> Configuration:
        """What was trained."""
        return Configuration(**{f.name: getattr(self, f.name) for f in fields(Configuration)})


def read(file: Path) -> list[Row]:
    """The rows of a table.

    Raises:
        UserError: it is no such table.
    """
    kinds = {f.name: {"int": int, "float": float}.get(str(f.type), str) for f in fields(Row)}
    try:
        text = gzip.decompress(file.read_bytes()).decode()
        rows = csv.DictReader(io.StringIO(text), strict=True)
        return [Row(**{name: kind(row[name]) for name, kind in kinds.items()}) for row in rows]
    except (OSError, EOFError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{file} is damaged or no table of ours ({error!r})") from error


def trainings(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows of each configuration, in the order of epochs."""
    by_configuration: dict[Configuration, list[Row]] = {}
    for row in rows:
        by_configuration.setdefault(row.configuration, []).append(row)
    for each in by_configuration.values():
        yield sorted(each, key=lambda row: row.epoch)


def agreed(file: Path, now: Mapping[str, Any]) -> dict[str, Any]:
    """How the figures came to be, as of the first session; all others must be alike.

    Raises:
        UserError: they are not.
    """
    if not file.exists():
        return {**now, "date": datetime.now(UTC).date().isoformat()}
    about: dict[str, Any] = json.loads(_sidecar(file).read_text())
    for name, value in now.items():
        if about[name] != value:
            raise UserError(
                f"{file} was begun with {name} {about[name]!r}, here it is {value!r};"
                " write another file"
            )
    return about


def write(file: Path, rows: Sequence[Row], about: dict[str, Any]) -> None:
    """Replace the table whole: a kill leaves the one before."""
    text = io.StringIO()
    table = csv.DictWriter(text, [f.name for f in fields(Row)], lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({name: _short(value) for name, value in asdict(row).items()})
    _sidecar(file).write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n")
    draft = file.with_name(f".{file.name}")
    draft.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    draft.replace(file)


def _sidecar(file: Path) -> Path:
    return file.with_name(file.name.removesuffix(".csv.gz") + ".json")


def _short(value: Any) -> Any:
    """Digits far below the noise would be most of the file."""
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else value
