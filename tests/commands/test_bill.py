"""Adding up runs: nothing twice, nothing left out without saying so."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack import metrics
from ecotrack.amount import Amount
from ecotrack.commands.bill import Bill, bills, shares, whole
from ecotrack.measurement import J_PER_WH, Measurement
from ecotrack.tracking import RunView
from ecotrack.tracking.run_view import PARENT_TAG
from ecotrack.tracking.sessions import account, second_account

PROCESS = {metrics.RUN_WH: 5.0, metrics.RUN_G: 2.0}
STUDY = {metrics.SEARCH_WH: 7.0, metrics.SEARCH_G: 3.0}
MAIN = {metrics.TOTAL_WH: 1.0, metrics.EMISSIONS_G: 0.5}
_, SETUP_WH, SETUP_G = metrics.phase_metrics("setup")


def run(
    name: str, values=None, *, parent: str | None = None, kind: str = "train", **more
) -> RunView:
    tags = {metrics.KIND_TAG: kind, **({PARENT_TAG: parent} if parent else {}), **more}
    return RunView(name, name, "FINISHED", {}, values or {}, tags, "1", 0.0, 1.0, False)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(MAIN, Bill(1.0, 0.5), id="one phase"),
        pytest.param({**MAIN, SETUP_WH: 0.25, SETUP_G: 0.125}, Bill(1.25, 0.625), id="two phases"),
        pytest.param({**MAIN, **PROCESS}, Bill(5.0, 2.0), id="the process holds its phases"),
        pytest.param({**PROCESS, **STUDY}, Bill(7.0, 3.0), id="the study holds its sessions"),
        pytest.param({metrics.EMISSIONS_G: 9.0}, None, id="grams copied from another run"),
        pytest.param({metrics.VAL_ACCURACY: 0.9}, None, id="no figures"),
    ],
)
def test_what_a_run_says_of_itself(values, expected):
    assert whole(run("a", values)) == expected


def test_bands_are_added_with_their_runs_and_emissions_have_that_of_their_energy():
    one = metrics.with_band(metrics.RUN_WH, Amount(2, 1, 4)) | {metrics.RUN_G: 4.0}
    phases = metrics.with_band(metrics.TOTAL_WH, Amount(3, 2, 5)) | {metrics.EMISSIONS_G: 3.0}
    phases |= metrics.with_band(SETUP_WH, Amount(1, 0.5, 2)) | {SETUP_G: 1.0}
    total = sum((bill for _, bill in bills([run("a", one), run("b", phases)])), Bill())
    assert total.energy == Amount(6, 3.5, 11)
    assert total.emissions == Amount(8, 4.5, 15)


def test_a_run_without_a_band_leaves_the_sum_without():
    told = metrics.with_band(metrics.RUN_WH, Amount(2, 1, 4)) | {metrics.RUN_G: 4.0}
    total = sum((bill for _, bill in bills([run("a", told), run("b", MAIN)])), Bill())
    assert (total.energy.value, total.energy.is_banded) == (3, False)
    assert (total.emissions.value, total.emissions.is_banded) == (4.5, False)


def test_children_are_within_their_parent():
    family = [run("a", PROCESS), run("b", MAIN, parent="a"), run("c", MAIN, parent="a")]
    assert bills(family) == [(family[0], Bill(5.0, 2.0))]


def test_a_child_that_says_nothing_is_within_its_parent_all_the_same():
    family = [run("a", PROCESS), run("killed", parent="a")]
    assert bills(family) == [(family[0], Bill(5.0, 2.0))]


def test_a_parent_that_says_nothing_costs_what_its_children_do_and_is_not_known():
    family = [run("a"), run("b", MAIN, parent="a"), run("killed", parent="a")]
    ((_, bill),) = bills(family)
    assert (bill.energy_wh, bill.emissions_g) == (1.0, 0.5)
    assert {missing.name for missing in bill.unknown} == {"a", "killed"}


def test_a_parent_killed_before_it_wrote_costs_no_less_than_its_children():
    family = [run("a", MAIN), run("b", MAIN, parent="a"), run("c", MAIN, parent="a")]
    assert bills(family) == [(family[0], Bill(2.0, 1.0))]


def test_a_child_whose_parent_is_not_here_stands_for_itself():
    orphan = run("b", MAIN, parent="gone")
    assert bills([orphan]) == [(orphan, Bill(1.0, 0.5))]


def test_a_mere_launch_is_no_run_of_its_own():
    assert bills([run("launched", kind="launch")]) == []


def test_what_exec_measured_from_outside_is_within_it():
    family = [run("exec", PROCESS), run("sorting", MAIN, **{metrics.WITHIN_TAG: "exec"})]
    part = run("a sort", MAIN, parent="sorting", **{metrics.WITHIN_TAG: "exec"})
    assert bills([*family, part]) == [(family[0], Bill(5.0, 2.0))]


def session(process: str, wh: float, g: float, within: str = "") -> dict[str, str]:
    outer = {f"{metrics.WITHIN_TAG}.{process}": within} if within else {}
    return account(process, (wh, g)) | outer


def test_of_a_study_the_sessions_that_exec_measured_are_within_it():
    """Of 7 Wh, two sessions of 1 and 2 Wh; one more was measured by what is in another store."""
    marks = {
        metrics.WITHIN_TAG: "exec",
        **session("here:1", 1.0, 0.5, within="exec"),
        **session("here:2", 2.0, 1.0, within="exec"),
        **session("here:3", 1.0, 0.5, within="gone"),
        **session("here:4", 3.0, 1.0),
    }
    outer, study = run("exec", PROCESS), run("study", STUDY, **marks)
    assert bills([outer, study]) == [(outer, Bill(5.0, 2.0)), (study, Bill(4.0, 1.5))]
    killed = run("exec", MAIN)
    assert bills([killed, study])[0] == (killed, Bill(3.0, 1.5)), "no less than its parts"


def test_what_killed_sessions_cost_beyond_the_study_s_figure_is_counted():
    """The first session was killed 2 Wh after it had kept 1 Wh, the second before it kept any."""
    killed = Measurement(cpu_j=3 * J_PER_WH, co2_g=1.5)
    older = Measurement(cpu_j=0.5 * J_PER_WH, co2_g=0.25)
    marks = {
        **session("here:1", 1.0, 0.5, within="exec"),
        **second_account("here:1", killed),
        **second_account("here:2", killed),
        **session("here:3", 1.0, 0.5),
        **second_account("here:3", older),
    }
    assert whole(run("study", STUDY, **marks)) == Bill(7.0 + 2.0 + 3.0, 3.0 + 1.0 + 1.5)
    assert whole(run("study", **second_account("here:1", killed))) == Bill(3.0, 1.5)
    assert shares(run("study", STUDY, **marks)) == [("exec", Bill(3.0, 1.5))]


@pytest.mark.parametrize("amount", [-1.0, math.nan, math.inf])
def test_what_cannot_be_an_amount_is_not_added(amount):
    assert whole(run("a", {metrics.RUN_WH: amount, metrics.RUN_G: 1.0})) is None
    assert whole(run("a", {**MAIN, metrics.RUN_WH: amount, metrics.RUN_G: 1.0})) == Bill(1.0, 0.5)


@st.composite
def families(draw: st.DrawFn) -> list[RunView]:
    """Runs that each lie within an earlier one or none, with figures of their own or none."""
    runs: list[RunView] = []
    for number in range(draw(st.integers(0, 12))):
        parent = draw(st.sampled_from([None, *(r.name for r in runs)]))
        wh = draw(st.none() | st.integers(0, 100))
        values = None if wh is None else {metrics.RUN_WH: float(wh), metrics.RUN_G: float(wh)}
        runs.append(run(f"run {number}", values, parent=parent))
    return runs


@given(families())
def test_the_sum_lies_between_the_dearest_run_and_all_of_them(runs):
    total = sum((bill for _, bill in bills(runs)), Bill())
    own = [known.energy_wh for r in runs if (known := whole(r))]
    assert max(own, default=0) <= total.energy_wh <= sum(own)
    assert total.emissions_g == total.energy_wh


@given(families(), st.randoms())
def test_the_order_of_runs_does_not_matter(runs, random):
    shuffled = random.sample(runs, len(runs))
    as_found = {one.name: (b.energy_wh, len(b.unknown)) for one, b in bills(runs)}
    assert {one.name: (b.energy_wh, len(b.unknown)) for one, b in bills(shuffled)} == as_found
