"""`python -m ecotrack compare`: what two groups of runs allow to say, and what they do not."""

import contextlib
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest

from ecotrack import Measurement, Result, metrics
from ecotrack.cli import UserError
from ecotrack.commands import compare
from ecotrack.measurement import Origin
from ecotrack.tracking import Store
from tests.conftest import Home

RAPL, CURVE = Origin("measured", "RAPL package-0"), Origin("modelled", "a curve of the load", 65.0)
MODULES, NVML = Origin("assumed", "a constant power", 10.0), Origin("measured", "NVML")
POLAND = {metrics.COUNTRY_TAG: "POL", metrics.INTENSITY_TAG: "600"}
FRANCE = {metrics.COUNTRY_TAG: "FRA", metrics.INTENSITY_TAG: "50"}
WHERE = {metrics.HOST_TAG: "one machine", **POLAND}
NOISE = (1.0, 1.01, 0.99)  # of three runs: 2 % and more is seen, 1 % is not


def work(wall_s: float = 10.0, cores: float = 1.0, **more: object) -> Measurement:
    """Time on so many cores; 36 W of counted CPU power, and memory at 10 W."""
    known = {"cpu_origin": RAPL, "ram_origin": Origin("measured", "RAPL dram")}
    cost = Measurement(wall_s, cores * wall_s, cpu_j=36 * wall_s, ram_j=10 * wall_s, **known)
    cost = replace(cost, **more)
    return replace(cost, co2_g=cost.total_j / 6000)


def keep(
    name: str,
    cost: Measurement | None,
    scores: Mapping[str, float] = {},
    params: Mapping[str, str] = {},
    tags: Mapping[str, str] = WHERE,
    experiment: str = "a",
) -> str:
    """The id of a new run of the store."""
    with Store().run(experiment, name, params, tags) as record:
        record.log(Result({"training": cost} if cost else {}, scores))
    return record.run_id


def keep_three(name: str, times: float = 1.0, tags: Mapping[str, str] = WHERE, **more) -> list[str]:
    """Three runs of one name and three seeds; `more` scales with their times."""
    return [
        keep(
            name,
            work(10 * times * noise, **{key: value * noise for key, value in more.items()}),
            params={"seed": str(seed)},
            tags=tags,
        )
        for seed, noise in enumerate(NOISE)
    ]


def keep_known(name: str, times: float, cores: float = 1.0, **known: Origin) -> None:
    """Three runs whose energy is known so; modelled power follows the cores."""
    for seed, noise in enumerate(NOISE):
        wall_s = 10 * times * noise
        cost = work(wall_s, cores, cpu_j=20 * (0.1 + cores**3) * wall_s, **known)
        keep(name, cost, params={"seed": str(seed)})


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    compare.main(words or ["--first=old", "--second=new"])
    return capsys.readouterr().out


def lines(out: str) -> dict[str, list[str]]:
    """Figure -> cells of the printed table."""
    cells = [re.split(r" {2,}", line.strip()) for line in out.splitlines()]
    return {row[0]: row[1:] for row in cells if len(row) > 1}


def verdicts(out: str) -> dict[str, str]:
    return {figure: row[-1] for figure, row in lines(out).items()}


def test_what_takes_twice_as_much_is_a_ratio_with_its_interval(home: Home, capsys):
    keep_three("old")
    keep_three("new", 2.0)
    out = printed(capsys)
    assert lines(out)["wall time"] == ["10 s", "20 s", "2", "1.96 to 2.05", "second more"]
    assert lines(out)["energy"][2:] == ["2", "1.96 to 2.05", "second more"]
    assert set(verdicts(out)) == {"median", "wall time", "CPU time", "energy", "emissions"}
    turned = printed(capsys, "--first=new", "--second=old")
    assert lines(turned)["wall time"][2:] == ["0.5", "0.489 to 0.511", "second less"]


def test_what_chance_explains_is_no_difference_seen(home: Home, capsys):
    keep_three("old")
    keep_three("new", 1.005)
    out = printed(capsys)
    assert lines(out)["wall time"][2:] == ["1", "0.982 to 1.03", "no difference seen"]
    assert verdicts(out)["energy"] == "no difference seen"


def test_one_run_on_a_side_allows_no_claim(home: Home, capsys):
    keep_three("old")
    keep("new", work(20), {metrics.EVAL_ACCURACY: 0.9})
    out = printed(capsys)
    assert lines(out)["wall time"][2:] == ["2", "no claim"]
    assert set(verdicts(out).values()) == {"verdict", "no claim"}
    assert "one run on a side tells no difference from chance; repeat with another seed." in out


def test_accuracies_differ_in_points_where_all_runs_have_them(home: Home, capsys):
    for name, best in (("old", 0.90), ("new", 0.92)):
        for seed, luck in enumerate((0.0, 0.001, -0.001)):
            scores = {metrics.EVAL_ACCURACY: best + luck, metrics.VAL_ACCURACY: best - luck}
            keep(name, work(), scores if seed else scores | {"val/loss": 1.0}, {"seed": str(seed)})
    row = ["90.00 %", "92.00 %", "+2.00 points", "+1.77 to +2.23", "second better"]
    assert lines(printed(capsys))["test accuracy"] == row
    assert lines(printed(capsys))["validation accuracy"] == row
    turned = printed(capsys, "--first=new", "--second=old")
    assert lines(turned)["test accuracy"][2:] == ["-2.00 points", "-2.23 to -1.77", "second worse"]
    same = printed(capsys, "--first", "old", "--second", keep("x", work()) + ",new")
    assert "test accuracy" not in lines(same)


def test_accuracies_within_chance_are_no_difference_seen(home: Home, capsys):
    for name, found in (("old", (0.90, 0.92)), ("new", (0.91, 0.93))):
        for seed, accuracy in enumerate(found):
            keep(name, work(), {metrics.EVAL_ACCURACY: accuracy}, {"seed": str(seed)})
    assert verdicts(printed(capsys))["test accuracy"] == "no difference seen"


def test_repeats_of_one_seed_are_one_throw_of_the_dice(home: Home, capsys):
    for name, accuracy in (("old", 0.90), ("new", 0.92)):
        for noise in NOISE:
            keep(name, work(10 * noise), {metrics.EVAL_ACCURACY: accuracy}, {"seed": "0"})
    out = printed(capsys)
    assert verdicts(out)["test accuracy"] == "no claim"
    assert "test accuracy: one seed on a side tells no difference from chance" in out
    assert verdicts(out)["wall time"] == "no difference seen", "time has other chances than a seed"


def test_runs_of_another_machine_are_not_compared_by_energy(home: Home, capsys):
    keep_three("old")
    keep_three("new", 2.0, {**WHERE, metrics.HOST_TAG: "another machine"})
    out = printed(capsys)
    assert verdicts(out)["wall time"] == "second more"
    assert lines(out)["energy"] == ["128 mWh", "256 mWh", "not compared"]
    assert "energy, emissions: the machine differs: another machine | one machine." in out
    assert "They differ in machine: one machine | another machine" in out


def test_nor_are_runs_within_a_group_that_another_machine_or_meter_ran(home: Home, capsys):
    keep_three("old")
    keep_three("new", 2.0)
    keep("new", work(20), tags={**WHERE, metrics.HOST_TAG: "another machine"})
    assert verdicts(printed(capsys))["energy"] == "not compared"


@pytest.mark.parametrize(
    ("known", "what"),
    [
        ({"cpu_origin": CURVE}, "CPU"),
        ({"ram_origin": MODULES}, "RAM"),
        ({"gpu_origin": NVML}, "GPU"),
        ({"cpu_origin": Origin("measured", "RAPL package-1")}, "CPU"),
    ],
)
def test_nor_are_runs_measured_by_different_meters(home: Home, capsys, known, what):
    keep_three("old")
    keep_known("new", 2.0, **known)
    out = printed(capsys)
    assert verdicts(out)["energy"] == verdicts(out)["emissions"] == "not compared"
    assert f"energy, emissions: the origin of {what} energy differs: " in out


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (FRANCE, "the country differs: FRA | POL"),
        (POLAND | {metrics.INTENSITY_TAG: "650"}, "the intensity of the grid differs: 600 | 650"),
        ({}, "not every run tells the country"),
    ],
)
def test_emissions_of_another_grid_are_not_compared_but_energy_is(home: Home, capsys, other, why):
    keep_three("old")
    keep_three("new", 2.0, {metrics.HOST_TAG: "one machine", **other})
    out = printed(capsys)
    assert verdicts(out)["energy"] == "second more"
    assert verdicts(out)["emissions"] == "not compared"
    assert f"\nemissions: {why}." in out


def test_modelled_power_is_ranked_at_equal_load_and_says_so(home: Home, capsys):
    keep_known("old", 1.0, cpu_origin=CURVE, ram_origin=MODULES)
    keep_known("new", 2.0, cpu_origin=CURVE, ram_origin=MODULES)
    out = printed(capsys)
    assert lines(out)["energy"][2:] == ["2", "1.96 to 2.05", "second more, modelled"]
    assert "energy, emissions: CPU modelled, RAM assumed; at equal load the model cancels." in out
    assert verdicts(out)["wall time"] == "second more"


def test_modelled_power_is_not_ranked_at_unequal_load(home: Home, capsys):
    keep_known("old", 2.0, 1.0, cpu_origin=CURVE, ram_origin=MODULES)
    keep_known("new", 1.0, 2.0, cpu_origin=CURVE, ram_origin=MODULES)
    out = printed(capsys)
    assert lines(out)["energy"][2] == "2.69", "the ratio is shown"
    assert verdicts(out)["energy"] == verdicts(out)["emissions"] == "no claim"
    assert "CPU time is 1.00 and 2.00 of wall time" in out
    assert verdicts(out)["wall time"] == "second less"


def test_a_curve_of_the_load_makes_no_claim_that_time_does_not(home: Home, capsys):
    keep_known("old", 1.0, 1.0, cpu_origin=CURVE, ram_origin=MODULES)
    keep_known("new", 1.0, 1.08, cpu_origin=CURVE, ram_origin=MODULES)
    out = printed(capsys)
    assert verdicts(out)["wall time"] == "no difference seen"
    assert verdicts(out)["energy"] == "no claim"
    assert "not all parts of the energy tell the same" in out


def test_measured_energy_is_ranked_at_any_load(home: Home, capsys):
    keep_known("old", 2.0, 1.0)
    keep_known("new", 1.0, 2.0)
    out = printed(capsys)
    assert verdicts(out)["energy"] == "second more"
    assert "energy:" not in out


def test_a_counted_cpu_beside_assumed_memory_is_ranked_where_both_tell_the_same(home: Home, capsys):
    keep_known("old", 1.0, ram_origin=MODULES)
    keep_known("new", 2.0, ram_origin=MODULES)
    keep_known("hot", 0.5, 2.0, ram_origin=MODULES)
    out = printed(capsys)
    assert verdicts(out)["energy"] == "second more"
    assert "energy, emissions: RAM assumed." in out
    assert verdicts(printed(capsys, "--first=old", "--second=hot"))["energy"] == "no claim"


def test_a_counted_gpu_may_contradict_a_modelled_cpu(home: Home, capsys):
    for name, times, gpu_w in (("old", 1.0, 50.0), ("new", 2.0, 10.0), ("idle", 2.0, 0.0)):
        for noise in NOISE:
            wall_s = 10 * times * noise
            known = {"cpu_origin": CURVE, "gpu_origin": NVML}
            keep(name, work(wall_s, gpu_j=gpu_w * wall_s, **known))
    assert verdicts(printed(capsys))["energy"] == "no claim"
    assert verdicts(printed(capsys, "--first=new", "--second=idle"))["energy"] == "no claim"


def test_what_cannot_be_right_or_is_not_finished_is_left_out_and_named(home: Home, capsys):
    keep_three("old")
    keep_three("new", 2.0)
    wrong = keep("new", work(1000, cpu_j=-1.0))
    with contextlib.suppress(SystemExit), Store().run("a", "new", {}, WHERE) as killed:
        killed.log(Result({"training": work(1000)}))
        raise SystemExit
    out = printed(capsys)
    assert lines(out)["wall time"][:2] == ["10 s", "20 s"]
    assert f"Left out: new {wrong[:8]} (training: the counter of the CPU went backwards" in out
    assert f"new {killed.run_id[:8]} (KILLED)" in out


def test_disturbed_runs_are_used_and_named(home: Home, capsys):
    keep_three("old")
    keep_three("new", 2.0)
    busy = keep("new", work(100, other_cpu_s=1000.0))
    out = printed(capsys)
    assert re.search(rf"Disturbed by other programs, and used: new {busy[:8]} \(\d+% of", out)
    assert lines(out)["wall time"][1] == "20.1 s"


def test_what_was_not_measured_is_not_compared(home: Home, capsys):
    keep_three("old")
    bare = keep("new", None, {metrics.EVAL_ACCURACY: 0.9})
    out = printed(capsys)
    assert verdicts(out)["wall time"] == "not compared"
    assert f"wall time, CPU time, energy, emissions: none in new {bare[:8]}." in out


def test_runs_that_tell_no_machine_are_not_compared_by_energy(home: Home, capsys):
    keep_three("old")
    client, told = Store().client, keep_three("new")
    for run_id in told:
        client.delete_tag(run_id, metrics.HOST_TAG)
    assert "energy, emissions: not every run tells the machine." in printed(capsys)


def test_the_time_of_a_benchmark_is_no_time_of_its_work(home: Home, capsys):
    for name in ("old", "new"):
        for noise in NOISE:
            keep(name, work(10 * noise), {metrics.SORT_NS: 4.0})
    out = printed(capsys)
    assert set(verdicts(out).values()) == {"verdict", "not compared"}
    assert "a benchmark repeats its work" in out


def test_medians_have_the_bands_of_their_meters(home: Home, capsys):
    known = {"cpu_origin": replace(CURVE, factor=2.0), "ram_origin": replace(MODULES, factor=4.0)}
    for noise in NOISE:
        keep("old", work(3600 * noise, **known))
        keep("new", work(7200 * noise))
    row = lines(printed(capsys))["energy"]
    assert row[:2] == ["46 Wh (20.5–112)", "92 Wh"], "36 W and 10 W for an hour"


def test_how_energy_is_known_is_told(home: Home, capsys):
    keep_three("old")
    keep_three("new", tags=WHERE | {metrics.WALL_TAG: "not metered, up to × 1.3 (X)"})
    out = printed(capsys)
    assert (
        "\nHow energy is known, first: CPU measured: RAPL package-0; RAM measured: RAPL dram\n"
        in out
    )
    assert "second: CPU measured: RAPL package-0; RAM measured: RAPL dram; wall not metered" in out
    assert "At the wall: not metered, up to × 1.3 (X)." in out
    keep_three("same")
    out = printed(capsys, "--first=old", "--second=same")
    assert "\nHow energy is known: CPU measured: RAPL package-0; RAM measured: RAPL dram\n" in out


def test_the_heading_tells_the_runs_and_in_what_they_differ(home: Home, capsys):
    for seed in "01":
        recipe = {"family": "cnn", "epochs": "5", "seed": seed}
        old = keep("old", work(), params={**recipe, "width": "16"})
        keep("new", work(), params={**recipe, "width": "8", "images": "100"}, experiment="b")
    out = printed(capsys)
    assert re.search(rf"First: old \w{{8}}, old {old[:8]}\nSecond: new", out)
    assert "They differ in experiment: a | b; width: 16 | 8; images: none | 100\n" in out
    assert "family" not in out


def test_groups_that_do_not_differ_say_so(home: Home, capsys):
    keep_three("old")
    keep_three("new")
    assert "They differ in no parameter\n" in printed(capsys)


def test_runs_are_found_by_name_and_by_id_and_counted_once(home: Home, capsys):
    one, two, three = keep_three("old")
    new = keep_three("new", 2.0)
    by_name = printed(capsys)
    words = (f"--first={one[:12]},{two},{three},{one},old", f"--second={','.join(new)}")
    assert printed(capsys, *words) == by_name


def test_nothing_in_the_store_is_changed(home: Home, capsys):
    run_ids = [*keep_three("old"), *keep_three("new")]
    before = [Store().view(run_id) for run_id in run_ids]
    printed(capsys)
    assert [Store().view(run_id) for run_id in run_ids] == before


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "--first is missing: names of runs, or beginnings of their ids"),
        (["--first=old"], "--second is missing"),
        (["--first=old", "--second="], "--second: no run has the name ''"),
        (["--first=old", "--second=abc"], "--second: no run has the name 'abc'"),
        (["--first=old", "--second=old"], "in --first and in --second: old "),
        (["--first=old", "--second=failed"], "--second: none of its runs can be compared: failed"),
    ],
)
def test_nonsense_is_refused(home: Home, words, line):
    keep("old", work())
    with contextlib.suppress(ValueError), Store().run("a", "failed", {}, {}):
        raise ValueError
    with pytest.raises(UserError, match=re.escape(line)):
        compare.main(words)


def test_the_beginning_of_two_ids_is_refused(home: Home):
    found = [replace(Store().view(keep("old", work())), run_id=f"abcd{n}") for n in range(2)]
    with pytest.raises(UserError, match="--first: the ids of 2 runs begin with 'abcd'; write more"):
        compare.chosen("--first", ["abcd"], found)
    assert compare.chosen("--first", ["abcd1"], found) == found[1:]
    with pytest.raises(UserError, match="at least 4 characters"):
        compare.chosen("--first", ["abc"], found[:1])


def test_the_command_of_the_docstring_runs_as_written(home: Home):
    for name in ("cnn-16x3 5ep", "cnn-8x3 5ep"):
        keep_three(name)
    (command, _) = re.findall(r"^    (python .*)", compare.__doc__ or "", re.MULTILINE)
    done = home.command(sys.executable, *shlex.split(command)[1:])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "Second against first" in done.stdout


def test_trials_of_a_real_study_are_compared(study_home: Home):
    trials = [run for run in Store().all_runs() if run.tags.get(metrics.KIND_TAG) == "trial"]
    first, second = (
        ",".join(run.run_id for run in trials if run.params["family"] == family)
        for family in ("mlp", "cnn")
    )
    words = ("compare", f"--first={first}", f"--second={second}")
    done = study_home.command(sys.executable, "-m", "ecotrack", *words)
    assert done.returncode == 0, done.stderr
    assert "They differ in family: mlp | cnn" in done.stdout
    assert "not compared" not in done.stdout
    assert "validation accuracy" in done.stdout
