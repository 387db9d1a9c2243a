"""The narrow waist: parse, check, open a run, run, log, print."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from ecotrack import cli, metrics, reading, stop, terminal
from ecotrack.measure import Meter, measure
from ecotrack.measurement import Measurement, Result
from ecotrack.metered import Metered, grid_tags, meter_for
from ecotrack.meters.codecarbon import CodeCarbonMeter
from ecotrack.meters.ledger import Ledger
from ecotrack.meters.turn import turn
from ecotrack.tracking import Record, Store
from ecotrack.tracking.dead_runs import settle
from ecotrack.tracking.flat import flatten, in_full, run_totals

RAW_RECORD = "codecarbon.json"


@dataclass(frozen=True)
class Session:
    """What a command has once its arguments are known to be good.

    Work is measured by the ledger, which reads the meter.
    """

    entry: str
    config: Any
    store: Store
    meter: CodeCarbonMeter
    ledger: Ledger

    @contextmanager
    def run(
        self,
        experiment: str,
        name: str,
        *,
        kind: str = "",
        resume: str | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Iterator[Record]:
        """Open an MLflow run of this command, of its own kind unless another is named.

        `params` are parameters besides its options.
        """
        tags = {metrics.KIND_TAG: kind or self.entry, **grid_tags(self.meter)}
        if self.meter.known.checked:
            tags[metrics.DOCTOR_TAG] = str(self.meter.known.checked)
        all_params = {**cli.parameters(self.config), **(params or {})}
        with self.store.run(experiment, name, all_params, tags, resume=resume) as record:
            yield record


def launch(
    entry: str,
    config_type: type[Any],
    run: Callable[[Any, Meter], Result],
    *,
    experiment: str,
    check: Callable[[Any, Store], object] = lambda config, store: None,
    name: Callable[[Any], str] | None = None,
    view: Callable[[Store], str] | None = None,
) -> None:
    """Run an experiment from the command line, in an MLflow run of its own.

    Args:
        entry: its name in MLproject.
        config_type: a frozen dataclass of `cli.option` fields that is also `Metered`.
        run: the experiment, (config, meter) -> Result.
        experiment: the MLflow experiment that keeps the run.
        check: raises UserError on whatever can be refused before anything is started.
        name: the run's name, from its config; the entry's name otherwise.
        view: describes the MLflow experiment, offers a view of it, and returns the link to that.
    """
    with session(entry, config_type, check) as started:
        title = name(started.config) if name else entry
        with started.run(experiment, title) as record, insured(record, started.ledger):
            with raw_record(started.meter) as raw, measure(started.ledger) as process:
                result = run(started.config, started.ledger)
            findings = [*result.findings, *started.meter.flaws]
            text = "".join(f"- {sentence}\n" for sentence in findings)
            artifacts = {**result.artifacts, **raw, **({"findings.md": text} if text else {})}
            scores = {**result.scores, **run_totals(process.cost)}
            record.log(replace(result, scores=scores, artifacts=artifacts))
            params = cli.parameters(started.config)
            for part, found in result.children.items():
                tags = {metrics.KIND_TAG: f"{entry}-part", **grid_tags(started.meter)}
                with started.store.child(record.run_id, part, params, tags) as child:
                    child.log(found)
        result = replace(result, findings=findings)
        tell(result, started.meter)
        link = started.store.run_link(started.store.experiment_id(experiment), record.run_id)
        terminal.say(f"More of it: `make ui`, then {link}")
        if view:
            terminal.say(f"All runs of its kind: {view(started.store)}")
        terminal.result(started.config, {"link": link, **in_numbers(result, record.run_id)})


def tell(result: Result, meter: CodeCarbonMeter) -> None:
    """Print tables and findings, how energy is known, and what the brackets are."""
    show(result)
    total = sum(result.costs.values(), Measurement())
    for sentence in (reading.how(reading.known(total)), reading.legend([grid_tags(meter)])):
        if sentence:
            terminal.say(sentence)


def show(result: Result) -> None:
    """Print tables and findings."""
    for title, rows in result.summary.items():
        terminal.table(title, rows)
    for sentence in result.findings:
        terminal.say(sentence)


def in_numbers(result: Result, run_id: str) -> dict[str, Any]:
    """A result for a program that reads on."""
    tables = {
        name.removesuffix(".json"): rows
        for name, rows in result.artifacts.items()
        if name.endswith(".json") and not isinstance(rows, str | bytes)
    }
    return {
        "run_id": run_id,
        "metrics": flatten(result),
        "costs": in_full(result.costs),
        "tables": tables,
        "findings": list(result.findings),
    }


@contextmanager
def session(
    entry: str,
    config_type: type[Any],
    check: Callable[[Any, Store], object] = lambda config, store: None,
    words: Sequence[str] | None = None,
) -> Iterator[Session]:
    """Parse and check; wait for the machine's turn; then start the meter, off every clock.

    `words` are those of the command line, without the program's name. Bad input never gets
    further, and what is not `Metered` need not wait. What killed processes left in their ledgers
    goes into their runs. Ctrl-C and SIGTERM end the block by SystemExit, so that whatever is open
    is closed.
    """
    stop.listen()
    with cli.one_line_errors(entry):
        doc = sys.modules[config_type.__module__].__doc__ or ""
        given = sys.argv[1:] if words is None else words
        config = cli.parse(config_type, given, prog=entry, description=doc)
        terminal.begin(config)
        waiting_meter = meter_for(config if isinstance(config, Metered) else Metered())
        store = Store()
        check(config, store)
        gc.freeze()  # imports are no garbage: looking through them doubles the time of reading
        measured = isinstance(config, Metered) and config.measured_here
        with turn(entry, wait=not config.no_wait) if measured else nullcontext():
            settle(store, store.ledgers)
            with metering(entry, config, store, waiting_meter) as started:
                yield started


@contextmanager
def metering(
    entry: str, config: Any, store: Store, waiting_meter: CodeCarbonMeter
) -> Iterator[Session]:
    """Start the meter, and write down its readings."""
    with waiting_meter as meter, Ledger(meter, store.ledgers) as ledger:
        yield Session(entry, config, store, meter, ledger)


@contextmanager
def insured(record: Record, ledger: Ledger) -> Iterator[None]:
    """Whatever ends the block early, its run holds what it had cost by then.

    An exception or a signal: at once. SIGKILL, or a disk too full for that: at the next start.
    """
    ledger.open(record.run_id)
    try:
        yield
    except BaseException:
        record.write_known(ledger.known(record.run_id))
        _release(record, ledger)
        raise
    _release(record, ledger)


@contextmanager
def raw_record(meter: CodeCarbonMeter) -> Iterator[dict[str, str]]:
    """CodeCarbon's own totals before and after a block, as an artifact for its run."""
    artifact: dict[str, str] = {}
    before = meter.record()
    yield artifact
    ends = {"before": before, "after": meter.record()}
    artifact[RAW_RECORD] = json.dumps(ends, default=str, indent=1)


def _release(record: Record, ledger: Ledger) -> None:
    if ledger.failure:
        record.write(tags={metrics.LEDGER_TAG: f"not written: {ledger.failure.strerror}"})
    ledger.close(record.run_id)
