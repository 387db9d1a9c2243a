"""What the same energy emits elsewhere: runs priced for any country, without running them again.

    python -m ecotrack price --country POL,FRA,USA

Energy stays as it was recorded. Emissions are E · PUE · I; a share M of making the machine is
added once you declare it. The same for each functional unit that a run knows is its SCI score
(ISO/IEC 21031):

    python -m ecotrack price --country FRA --pue 1.2 --embodied-kg 350 --lifetime-years 4
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ecotrack import cli, metrics, terminal
from ecotrack.amount import Amount, columns
from ecotrack.cli import UserError, option
from ecotrack.commands.bill import bills, known, own_runs
from ecotrack.fronts import lifetime
from ecotrack.measurement import J_PER_WH
from ecotrack.meters.codecarbon import J_PER_KWH, Grid, UnknownCountryError, grid
from ecotrack.reading import amount, legend
from ecotrack.terminal import Shown
from ecotrack.tracking import RunView, Store

UNKNOWN = "unknown"


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


@dataclass(frozen=True)
class Unit:
    """One functional unit of a run: what it is, its energy, and its time where that is known."""

    name: str
    energy_j: Amount
    wall_s: float | None


def main(words: Sequence[str]) -> None:
    """Reckon, and print."""
    config = cli.parse(Config, words, prog="python -m ecotrack price", description=__doc__ or "")
    terminal.begin(config)
    if (config.embodied_kg is None) != (config.lifetime_years is None):
        raise UserError("--embodied-kg and --lifetime-years need each other; give both, or neither")
    grids = electricity(config.country)
    store = Store(only_read=True)
    runs = selected(config, store)
    wholes = [(run, bill.energy * J_PER_WH) for run, bill in bills(runs)]
    priced = [(run, Unit("run", joules, reserved_s(run))) for run, joules in wholes if joules.value]
    pieces = [(run, unit) for run in runs for unit in units(run, store)]
    hardware = "M not declared" if config.embodied_kg is None else "M included"
    terminal.table(
        f"Emissions of each run, {hardware}",
        [row(config, grids, run, unit) for run, unit in priced],
    )
    terminal.table(
        f"SCI of each functional unit, {hardware}",
        [row(config, grids, run, unit) for run, unit in pieces],
    )
    for place in grids:
        terminal.say(
            f"{place.country}: {place.intensity_g_per_kwh:g} g/kWh in {place.year}, {place.source}"
        )
    terminal.say(made_of(config))
    terminal.say(legend(run.tags for run in runs))
    left_out = sum(not energy_j.value for _, energy_j in wholes)
    if left_out or not runs:
        terminal.say(f"{left_out} of {len(wholes)} runs have no energy figures, and no price.")
    told = {
        "grids": [asdict(place) for place in grids],
        "runs": [in_numbers(config, grids, *each) for each in priced],
        "units": [in_numbers(config, grids, *each) for each in pieces],
    }
    terminal.result(config, told)


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


def units(run: RunView, store: Store) -> Iterator[Unit]:
    """The functional units that a run has figures of."""
    seen = run.metrics
    if {metrics.SORT_UJ, metrics.SORT_NS} <= set(seen):  # the last point is the largest size
        size = max(store.curve(run.run_id, metrics.SORT_UJ))
        name = f"element sorted, in arrays of {size:,}"
        energy_j = metrics.amount(metrics.SORT_UJ, seen) * 1e-6
        yield Unit(name, energy_j, seen[metrics.SORT_NS] * 1e-9)
    if {metrics.PI_NJ, metrics.PI_NS} <= set(seen):
        energy_j = metrics.amount(metrics.PI_NJ, seen) * 1e-9
        yield Unit("sample of π", energy_j, seen[metrics.PI_NS] * 1e-9)
    if metrics.TOTAL_WH in seen and {metrics.VAL_ACCURACY, metrics.EVAL_ACCURACY} & set(seen):
        energy_j = metrics.amount(metrics.TOTAL_WH, seen) * J_PER_WH
        yield Unit("training", energy_j, seen.get(metrics.WALL_S))
    if metrics.INFERENCE_WH_PER_1K in seen:
        energy_j = metrics.amount(metrics.INFERENCE_WH_PER_1K, seen) * J_PER_WH
        yield Unit("1,000 predictions", energy_j, seen.get(metrics.INFERENCE_S_PER_1K))


def row(config: Config, grids: Sequence[Grid], run: RunView, unit: Unit) -> dict[str, str]:
    """One line of a table: what one unit takes, and what it emits by country."""
    wh = unit.energy_j * (1 / J_PER_WH)
    return {
        "run": run.name,
        "id": run.short_id,
        "per": unit.name,
        "energy": amount(wh, "Wh") if unit.energy_j.value > 1 else amount(unit.energy_j, "J"),
        "known": known(run),
        **{place.country: told(grams(config, place, unit)) for place in grids},
    }


def in_numbers(config: Config, grids: Sequence[Grid], run: RunView, unit: Unit) -> dict[str, Any]:
    """The same for a program that reads on; grams are null where they are not known."""
    found = {place.country: grams(config, place, unit) for place in grids}
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


def grams(config: Config, place: Grid, unit: Unit) -> Amount | None:
    """The SCI of one unit: E, PUE and I are known; M is if it is not declared, or its time is."""
    embodied_g = 0.0
    if config.embodied_kg is not None and config.lifetime_years is not None:
        if unit.wall_s is None:
            return None
        embodied_g = lifetime.embodied_g(
            machine_g=config.embodied_kg * lifetime.G_PER_KG,
            reserved_s=unit.wall_s,
            lifespan_s=config.lifetime_years * lifetime.S_PER_YEAR,
            share=config.share,
        )

    def score(energy_j: float) -> float:
        operational_g = lifetime.operational_g(
            energy_kwh=energy_j / J_PER_KWH,
            pue=config.pue,
            intensity_g_per_kwh=place.intensity_g_per_kwh,
        )
        return lifetime.sci(operational_g=operational_g, embodied_g=embodied_g, functional_units=1)

    energy_j = unit.energy_j
    return Amount(*map(score, (energy_j.value, energy_j.low, energy_j.high)))


def reserved_s(run: RunView) -> float | None:
    """How long the machine worked for a run: a study's sessions, else while the run was open."""
    return run.metrics.get(metrics.SEARCH_S, run.wall_s)


def made_of(config: Config) -> str:
    """What is in the grams besides energy and grid."""
    pue = f"PUE {config.pue:g}"
    if config.embodied_kg is None:
        return f"{pue}; M, a share of making the machine, is not declared: --embodied-kg"
    return (
        f"{pue}; M is of {config.embodied_kg:g} kg over {config.lifetime_years:g} years,"
        f" share {config.share:g}"
    )
