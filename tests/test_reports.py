"""What the two benchmarks say of turns that were made up."""


from ecotrack.measurement import Measurement, Origin
from ecotrack.repeating import BRIEF, Series, Turn
from experiments.reports import pi

CPU = Origin("modelled", "a curve", 8.0, "given", 1.8)
RAM = Origin("assumed", "a constant power", 20.0, "given", 2.0)


def cost(wall_s: float, **amounts) -> Measurement:
    """A block of modelled CPU and assumed RAM power, alone on the machine."""
    power = {"cpu_j": 3 * wall_s, "ram_j": 20 * wall_s, "co2_g": 1e-3 * wall_s}
    known = {"cpu_origin": CPU, "ram_origin": RAM}
    return Measurement(wall_s=wall_s, **{"cpu_s": wall_s, **power, **known, **amounts})


def series(*times_s: float, **amounts) -> Series:
    """A turn of one call for each time."""
    return Series(tuple(Turn(cost(seconds, **amounts), 1) for seconds in times_s), BRIEF)


def measured(cells, *, apart=None, samples=1000) -> pi.Measured:
    """Of methods and threads, each with its turns; all of them met π."""
    methods = dict.fromkeys(name for name, _ in cells)
    return pi.Measured(
        samples=samples,
        cells=cells,
        totals=dict.fromkeys(cells, samples * 0.7854),
        apart=apart or dict.fromkeys(methods, pi.Apart({}, False)),
        idle=cost(10.0, cpu_s=0.0, cpu_j=8.0),
        device=None,
    )


def test_a_compilation_that_was_not_seen_is_told_and_priced_nowhere():
    cells = {(name, 1): series(*[t] * 5) for name, t in (("python", 0.4), ("midpoint", 0.2))}
    fresh = pi.Apart({"compile": cost(1.0)}, False)
    seen = measured(cells, apart={"python": pi.Apart({}, False), "midpoint": fresh})
    warm = measured(cells, apart={"python": pi.Apart({}, False), "midpoint": pi.Apart({}, True)})
    (paid,) = pi.report(seen, []).artifacts["compiling.json"]
    assert paid["paid in time"] == "5,000 samples"
    assert "compile" not in pi.report(warm, []).costs
    assert pi.report(warm, []).artifacts["compiling.json"] == []
    told = [said for said in pi.report(warm, []).findings if "cache on disk" in said]
    assert len(told) == 1
    assert "midpoint" in told[0]
    assert not any("cache on disk" in said for said in pi.report(seen, []).findings)
