"""What the same energy emits elsewhere: runs priced for any country, without running them again.

    python -m ecotrack price --country POL,FRA,USA

Energy stays as it was recorded. Emissions are E · PUE · I; a share M of making the machine is
added once you declare it. The same for each functional unit that a run knows is its SCI score
(ISO/IEC 21031):

    python -m ecotrack price --country FRA --pue 1.2 --embodied-kg 350 --lifetime-years 4

A study is priced as a whole, and each model on its front by its training and 1,000 predictions.
With a file of hourly intensities (ecotrack/commands/hourly.py says what is in it) you learn when to
run the next one, too:

    python -m ecotrack price --study fashion-mnist --hourly grid.csv
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ecotrack import cli, metrics, terminal
from ecotrack.amount import Amount, columns
from ecotrack.cli import UserError, option
from ecotrack.commands import hourly, when
from ecotrack.commands.bill import bills, known, own_runs
from ecotrack.commands.greenest import Course
from ecotrack.commands.sci import Terms, Unit, reserved_s, units
from ecotrack.measurement import J_PER_WH
from ecotrack.meters.grid import Grid, UnknownCountryError, grid
from ecotrack.reading import UNKNOWN, amount, few, legend
from ecotrack.terminal import Shown
from ecotrack.tracking import RunView, Store


@dataclass(frozen=True)
class Config(Shown):
    """What `price` can be told."""

    country: tuple[str, ...] = option(
        ("auto",), "whose electricity: ISO alpha-3 codes, WORLD, or auto"
    )
    pue: float = option(
        1.0, "power usage effectiveness of the data centre", at_least=1, at_most=100
    )
    embodied_kg: float | None = option(
        None, "emissions of making the machine, kg CO2e", at_least=0, at_most=1e9
    )
    lifetime_years: float | None = option(
        None, "how long the machine is to serve", at_least=0.01, at_most=1000
    )
    share: float = option(1.0, "share of the machine that is reserved", at_least=0, at_most=1)
    experiment: str | None = option(None, "runs of this experiment only")
    run: str | None = option(None, "runs whose id begins so, and their children")
    study: str | None = option(None, "this study, and the models on its front")
    hourly: str | None = option(None, "CSV file of hourly intensities: when to run the next study")
    duration_s: float | None = option(
        None, "how long it takes; none: as long as the study", at_least=60, at_most=1e8
    )


def main(words: Sequence[str]) -> None:
    """Reckon, and print."""
    config = cli.parse(Config, words, prog="python -m ecotrack price", description=__doc__ or "")
    terminal.begin(config)
    check(config)
    terms = Terms(config.pue, config.embodied_kg, config.lifetime_years, config.share)
    course = hourly.read(config.hourly) if config.hourly else None
    grids = electricity(config.country)
    store = Store(only_read=True)
    runs = selected(config, store)
    wholes = [(run, bill.energy * J_PER_WH) for run, bill in bills(runs)]
    priced = [(run, Unit("run", joules, reserved_s(run))) for run, joules in wholes if joules.value]
    pieces = [(run, unit) for run in runs for unit in units(run, store)]
    again = next_one(config, terms, course, wholes) if course else None
    hardware = "M not declared" if config.embodied_kg is None else "M included"
    terminal.table(
        f"Emissions of each run, {hardware}",
        [row(terms, grids, run, unit) for run, unit in priced],
    )
    terminal.table(
        f"SCI of each functional unit, {hardware}",
        [row(terms, grids, run, unit) for run, unit in pieces],
    )
    if again:
        title = f"When to run the next {wholes[0][0].name}, {hardware}"
        terminal.table(title, when.readable(again.rows))
    for sentence in (*order(config), *(again.cautions if again else ())):
        terminal.say(sentence)
    for place in grids:
        terminal.say(
            f"{place.country}: {place.intensity_g_per_kwh:g} g/kWh in {place.year}, {place.source}"
        )
    terminal.say(str(terms))
    terminal.say(legend(run.tags for run in runs))
    left_out = sum(not energy_j.value for _, energy_j in wholes)
    if left_out or not runs:
        terminal.say(
            f"Without energy figures, and so without a price: {left_out} of {len(wholes)}."
        )
    told = {
        "grids": [asdict(place) for place in grids],
        "runs": [in_numbers(terms, grids, *each) for each in priced],
        "units": [in_numbers(terms, grids, *each) for each in pieces],
        "windows": again.rows if again else [],
    }
    terminal.result(config, told)


def check(config: Config) -> None:
    """Refuse options that contradict each other, or want another."""
    if (config.embodied_kg is None) != (config.lifetime_years is None):
        raise UserError("--embodied-kg and --lifetime-years need each other; give both, or neither")
    if config.study and (config.run or config.experiment):
        raise UserError("--study and --run or --experiment exclude each other; give one of them")
    if config.hourly and not config.study:
        raise UserError("--hourly needs --study: when to run which?")
    if config.duration_s and not config.hourly:
        raise UserError("--duration-s needs --hourly: the hours to choose from")


def next_one(
    config: Config, terms: Terms, course: Course, wholes: Sequence[tuple[RunView, Amount]]
) -> when.Windows:
    """When to run a study again: it takes the same energy at any hour.

    Raises:
        UserError: no energy or no time is known of it, or the course is too short.
    """
    ((study, energy_j),) = wholes
    duration_s = config.duration_s or reserved_s(study)
    if not duration_s or not energy_j.value:
        raise UserError(f"--hourly: what {study.name} took is not known yet, energy or time")
    unit = Unit("study", energy_j, duration_s)
    now_s = datetime.now(UTC).timestamp()
    return when.windows(course, duration_s, now_s, partial(terms.emissions_g, unit))


def order(config: Config) -> list[str]:
    """What a price does to the order of a study's models."""
    if not config.study:
        return []
    if config.embodied_kg is None:
        return [
            "Within one country emissions are energy times one figure: no price moves a model past"
            " another, and the front is the same everywhere."
        ]
    return ["M goes by time and not by energy: with it, the order of models may be another one."]


def electricity(countries: Sequence[str]) -> list[Grid]:
    """The grids of these countries, each once.

    Raises:
        UserError: no intensity is known for one of them.
    """
    try:
        return list({found.country: found for found in map(grid, countries)}.values())
    except UnknownCountryError as error:
        raise UserError(f"--country: {error}") from error


def selected(config: Config, store: Store) -> list[RunView]:
    """The runs that were asked for.

    Raises:
        UserError: there is no such experiment, or no such run.
    """
    names = store.experiment_names()
    if config.experiment is not None and config.experiment not in names.values():
        there = ", ".join(sorted(names.values()))
        raise UserError(f"--experiment: there is no {config.experiment!r}; there are {there}")
    if config.study:
        return of_study(config.study, store)
    prefix = config.run or ""
    found = [
        run
        for run in own_runs(store.all_runs())
        if config.experiment in (None, names[run.experiment_id])
        and (run.run_id.startswith(prefix) or (run.parent_id or "").startswith(prefix))
    ]
    if prefix and not found:
        raise UserError(f"--run: no run's id begins with {prefix!r}")
    return found


def of_study(name: str, store: Store) -> list[RunView]:
    """A study's own run and those of the models on its front, cheapest first.

    Raises:
        UserError: there is no such study, or it has no trial yet.
    """
    runs = {run.run_id: run for run in own_runs(store.all_runs())}
    trials = [run for run in runs.values() if metrics.TRIAL_TAG in run.tags]
    of_it = [run for run in trials if run.tags.get(metrics.STUDY_TAG) == name]
    if not of_it:
        there = sorted({run.tags[metrics.STUDY_TAG] for run in trials}) or ["none"]
        raise UserError(f"--study: there is no {name!r} with a trial; there are {few(there, 12)}")
    front = [run for run in of_it if run.tags.get(metrics.PARETO_TAG) == "true"]
    front.sort(key=lambda run: run.metrics.get(metrics.TOTAL_WH, 0.0))
    newest = max(of_it, key=lambda run: run.start_s).parent_id or ""
    return [runs[newest], *(run for run in front if run.parent_id == newest)]


def row(terms: Terms, grids: Sequence[Grid], run: RunView, unit: Unit) -> dict[str, str]:
    """One line of a table: what one unit takes, and what it emits by country."""
    wh = unit.energy_j * (1 / J_PER_WH)
    return {
        "run": run.name,
        "id": run.short_id,
        "per": unit.name,
        "energy": amount(wh, "Wh") if unit.energy_j.value > 1 else amount(unit.energy_j, "J"),
        "known": known(run),
        **{place.country: told(terms.grams(unit, place)) for place in grids},
    }


def in_numbers(terms: Terms, grids: Sequence[Grid], run: RunView, unit: Unit) -> dict[str, Any]:
    """The same for a program that reads on; grams are null where they are not known."""
    found = {place.country: terms.grams(unit, place) for place in grids}
    return {
        "run_id": run.run_id,
        "name": run.name,
        "per": unit.name,
        **columns("energy_j", unit.energy_j),
        "known": known(run),
        "emissions": {code: each and columns("g", each) for code, each in found.items()},
    }


def told(found: Amount | None) -> str:
    """Grams as people read them."""
    return UNKNOWN if found is None else amount(found, "g")
