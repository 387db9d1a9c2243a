"""What can be measured on this machine, how far it may be off, and how noisy it is now.

    python -m ecotrack doctor
    python -m ecotrack doctor --idle 60

What is found is kept in a file of this machine, and runs refer to it. Watts that are given here
are kept there too, for all later runs. Idle power holds until the machine is started again, for the
same way of knowing energy; with it, runs tell net energy too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecotrack import cli, host, terminal
from ecotrack.cli import UserError, option
from ecotrack.commands.missing import missing
from ecotrack.commands.noise import Noise, noise
from ecotrack.measure import Meter, measure
from ecotrack.measurement import Measurement, Origin
from ecotrack.metered import Metered, given_watts, meter_for
from ecotrack.meters import bands, gates, machine
from ecotrack.meters.codecarbon import CodeCarbonMeter, MeterError, ScriptedMeter
from ecotrack.meters.grid import WORLD, Grid
from ecotrack.meters.machine import Checked, Idle
from ecotrack.meters.turn import turn
from ecotrack.reading import UNKNOWN

NO_METER = ScriptedMeter([Measurement()])
SETTINGS = ".codecarbon.config"
LISTENED_TO = "CODECARBON_LOG_LEVEL"


@dataclass(frozen=True)
class Config(Metered):
    """What `doctor` can be told."""

    idle: float | None = option(
        None, "measure the idle machine for so many seconds", at_least=1, at_most=3600
    )
    noise_s: float = option(4.0, "length of the noise test, seconds", at_least=1, at_most=600)


def main(words: Sequence[str]) -> None:
    """Look, print, and keep what was found."""
    config = cli.parse(Config, words, prog="python -m ecotrack doctor", description=__doc__ or "")
    terminal.begin(config)
    meter = meter_for(config)
    with ExitStack() as stack:
        reads: Meter = meter
        try:
            stack.enter_context(meter)
        except MeterError as error:
            terminal.say(f"No energy can be read on this machine: {error}")
            reads = NO_METER
        terminal.result(config, examine(config, meter, reads))


def examine(config: Config, meter: CodeCarbonMeter, reads: Meter) -> dict[str, Any]:
    """Everything in turn; what needs the machine alone waits for it, or is left out.

    Returns what was found, for a program that reads on.
    """
    state = condition(meter)
    told = {
        "energy": [in_numbers(part, origin, meter) for part, origin in meter.origins.items()],
        "grid": asdict(meter.grid),
        "missing": [{"what": what, "command": command} for what, command in missing(meter)],
        "machine": {row["what"]: row["found"] for row in state},
    }
    terminal.table("Energy", list(energy(meter)), prose=True)
    for what, command in missing(meter):
        terminal.say(f"- {what}\n    {command}" if command else f"- {what}")
    terminal.say("")
    terminal.table("This machine", state, prose=True)
    try:
        with turn("doctor", wait=not config.no_wait):
            told |= try_out(config, meter, reads)
    except UserError as error:
        if config.idle:
            raise  # it was asked for
        terminal.say(f"The noise was not tested: {error}")
        if given_watts(config):
            terminal.say(keep(config))
    return told


def in_numbers(part: str, origin: Origin, meter: CodeCarbonMeter) -> dict[str, Any]:
    """How one part's energy is known, and by what factor it may be off."""
    band = bands.band(part, origin, meter.known.factors)
    return {"part": part, **asdict(origin), "factor": band.factor, "says": band.says}


def try_out(config: Config, meter: CodeCarbonMeter, reads: Meter) -> dict[str, Any]:
    """What needs the machine alone: how noisy it is, and on request its idle power."""
    told: dict[str, Any] = {}
    with measure(reads) as window:
        found = noise(NO_METER, config.noise_s)  # of time: a bad counter is no noise
    terminal.table(f"Noise: a work against itself, {found.pairs} pairs of turns", [row(found)])
    for sentence in (found.meaning, *doubts(window.cost), *meter.flaws):
        terminal.say(sentence)
    date = f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}"
    checked = Checked(date, found.ratio.half_width, found.others, meter.way)
    terminal.say(keep(config, checked=checked))
    told["noise"] = {**asdict(found), "verdict": found.verdict}
    if config.idle:
        terminal.say(f"Now leave the machine alone for {config.idle:g} s …")
        idle = idle_power(reads, config.idle, meter.way)
        keep(config, idle=idle)
        terminal.say(f"The idle machine draws {idle.power_w:.3g} W; runs tell net energy now.")
        told["idle_w"] = idle.power_w
    return told


def energy(meter: CodeCarbonMeter) -> Iterator[dict[str, str]]:
    """One row for each part: how its energy is known, how far that may be off, and who says so."""
    for part, origin in meter.origins.items():
        band = bands.band(part, origin, meter.known.factors)
        off = f"×/÷ {band.factor:g}" if band.says else ""
        yield {"part": part.upper(), "known": str(origin), "off by": off, "says": band.says}
    rest = "not metered: losses of the power supply, disks, fans and screens come on top"
    wall = bands.wall(meter.known.factors)
    off = f"up to × {wall.factor:g}"
    yield {"part": "wall", "known": rest, "off by": off, "says": wall.says}
    whose = intensity(meter.grid)
    yield {"part": "grid", "known": whose, "off by": UNKNOWN, "says": "regions and hours differ"}


def intensity(grid: Grid) -> str:
    """Whose electricity it is taken to be, and by whose figures."""
    place = "the world's average" if grid.country == WORLD else grid.country
    return f"{place}: {grid.intensity_g_per_kwh:g} g/kWh in {grid.year}, {grid.source}"


def condition(meter: CodeCarbonMeter) -> list[dict[str, str]]:
    """What of this machine changes how far its figures can be trusted."""
    virtual, hot_c = host.is_virtual(), host.temperature_c()
    idle_w = meter.known.idle_w(meter.way)
    found = {
        "machine": host.describe(),
        "cores for us": f"{host.usable_cores():g} of {host.all_cores()}",
        "virtual": UNKNOWN if virtual is None else "yes" if virtual else "no",
        **{name: value or UNKNOWN for name, value in host.clocking().items()},
        "temperature": UNKNOWN if hot_c is None else f"{hot_c:.0f} °C",
        "load": f"{os.getloadavg()[0]:.1f} over the last minute",
        "idle power": f"{idle_w:.3g} W" if idle_w else UNKNOWN,
        "CodeCarbon's settings": ", ".join(f"{name} (ignored)" for name in strays()) or "none",
    }
    return [{"what": what, "found": value} for what, value in found.items()]


def strays() -> list[str]:
    """Settings that would change CodeCarbon's figures if we listened to them."""
    files = {(folder / SETTINGS).resolve() for folder in (Path.home(), Path.cwd())}
    names = {name for name in os.environ if name.upper().startswith("CODECARBON_")}
    there = {str(file) for file in files if file.exists()}
    return [*sorted(there), *sorted(names - {LISTENED_TO})]


def row(found: Noise) -> dict[str, str]:
    """The noise as it is printed."""
    ratio = found.ratio
    return {
        "ratio": f"{ratio.ratio:.3f}",
        "95 %": f"{ratio.low:.3f}–{ratio.high:.3f}",
        "spread": f"{found.spread:.1%}",
        "others had": f"{found.others:.0%} of the cores",
        "verdict": found.verdict,
    }


def doubts(cost: Measurement) -> Iterator[str]:
    """What the meter said of the noise test, if that cannot be right."""
    if why := gates.flaw(cost):
        yield f"The meter cannot be right about this test: {why}. Runs will be marked as invalid."


def idle_power(meter: Meter, seconds: float, way: str) -> Idle:
    """Power of the machine while we sleep; `way` is how the meter knows it.

    Raises:
        UserError: others were at work, or the reading cannot be right. Such a figure would spoil
            the net energy of all runs until the next start.
    """
    with measure(meter) as window:
        time.sleep(seconds)
    cost = replace(window.cost, idle_j=0.0)  # an earlier figure is no judge of this one
    if gates.flaw(cost) or not cost.total_j:
        why = gates.flaw(cost) or "no energy can be read on this machine"
        raise UserError(f"idle power is not kept: {why}")
    others = gates.others_share(cost, host.all_cores())
    if others > gates.DISTURBED:
        raise UserError(
            f"idle power is not kept: others had {others:.0%} of the cores, and"
            f" {gates.DISTURBED:.0%} is the most; try again when the machine is quiet"
        )
    return Idle(cost.total_j / cost.wall_s, cost.wall_s, host.boot_id(), way)


def keep(config: Config, **found: Any) -> str:
    """Add to the machine's file what was found and given, leave all else, and say where that is.

    Raises:
        UserError: the file cannot be written, and what was asked for is nothing unless it is kept.
    """
    try:
        known = replace(machine.load(), **given_watts(config), **found)
        return f"Kept in {machine.save(known)}; runs refer to it."
    except OSError as error:
        why = f"cannot be kept: {error}; let ECOTRACK_MACHINE name a file that can be written"
        if config.idle or given_watts(config):
            raise UserError(f"what was asked for {why}") from error
        return f"What was found {why}"
