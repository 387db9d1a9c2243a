"""What any other program costs: runs a command with its children, and records it as a run.

    python -m ecotrack exec -- python train.py --epochs 5

Output and exit code are the command's own; the bill goes to stderr. With --json true it goes to
stdout, and the command's output to stderr.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from shutil import which
from typing import TextIO

from ecotrack import metrics, reading, terminal
from ecotrack.cli import UserError, option
from ecotrack.launch import Session, in_numbers, insured, raw_record, session
from ecotrack.measure import measure
from ecotrack.measurement import Measurement, Result
from ecotrack.metered import Metered
from ecotrack.tracking.flat import run_totals
from ecotrack.tracking.record import INSIDE

PATIENCE_S = 10.0  # between asking a command to end and ending it


@dataclass(frozen=True)
class Config(Metered):
    """What `exec` can be told, before the `--`."""

    experiment: str = option("exec", "the MLflow experiment that keeps the run", pattern=".{1,200}")
    name: str | None = option(None, "the run's name; none: the command's first words")


class CommandFailedError(Exception):
    """The command ended with another exit code than 0, which is the only argument."""


def main(words: Sequence[str]) -> int:
    """Run the command behind `--` and return its exit code."""
    options, command = split(words)
    try:
        with session("exec", Config, lambda *_: check(command), words=options) as started:
            carry_out(started, command)
    except CommandFailedError as error:
        return int(error.args[0])
    return 0


def split(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Our options, and the command behind the first `--`."""
    end = list(words).index("--") if "--" in words else len(words)
    return words[:end], words[end + 1 :]


def check(command: Sequence[str]) -> None:
    """Refuse what cannot be run."""
    if not command:
        raise UserError("there is no command; write it behind --, as in: exec -- python train.py")
    if which(command[0]) is None:
        raise UserError(f"there is no program {command[0]!r} that can be run")


def carry_out(started: Session, command: Sequence[str]) -> None:
    """Run the command in a run of its own; whatever ends it, what it cost is kept.

    Raises:
        CommandFailedError: it ended with another exit code than 0; the run is FAILED.
    """
    config, ledger, words = started.config, started.ledger, shlex.join(command)
    opened = started.run(config.experiment, config.name or words[:60], params={"command": words})
    with opened as record:
        with insured(record, ledger):
            with raw_record(started.meter) as raw, measure(ledger) as window:
                process = begin(command, record.run_id, sys.stderr if config.json else None)
                try:
                    code = process.wait()
                finally:
                    end(process)
            result = bill(window.cost, code if code >= 0 else 128 - code)
            record.log(replace(result, artifacts=raw))
        for heading, rows in result.summary.items():
            terminal.table(heading, rows, stderr=True)
        print(*result.findings, sep="\n", file=sys.stderr, flush=True)
        terminal.result(config, {"command": list(command), **in_numbers(result, record.run_id)})
        if code:
            raise CommandFailedError(result.scores[metrics.EXIT_CODE])


def begin(
    command: Sequence[str], run_id: str, output: TextIO | None = None
) -> subprocess.Popen[bytes]:
    """Start it, and let it know the run that measures it; its `output` is ours, or goes there.

    Raises:
        UserError: it looks like a program, and is none.
    """
    try:
        env = {**os.environ, INSIDE: run_id}
        return subprocess.Popen(command, env=env, stdout=output)
    except OSError as error:
        raise UserError(
            f"{command[0]!r} cannot be run: {error.strerror}; a script needs a first line such as"
            " #!/bin/sh, or its interpreter before it"
        ) from error


def bill(cost: Measurement, code: int) -> Result:
    """What the command cost, and how it ended."""
    return Result(
        costs={"command": cost},
        scores={metrics.EXIT_CODE: code, **run_totals(cost)},
        summary={
            f"What the command cost ({reading.briefly(cost)})": reading.costs({"command": cost})
        },
        findings=[reading.how(reading.known(cost))],
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs; wait for it, so that its CPU time is counted."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
