"""The tables of trained configurations, and what is replayed on them."""

import numpy as np
import pytest

from bench import search as bench
from bench.replay import TABLES, Replay, Table, key_of
from bench.table_file import Row, read, trainings
from bench.tables import PARTS, full_grid, generate
from ecotrack.cli import UserError
from ecotrack.fronts import pareto
from ecotrack.search.problem import Rules
from ecotrack.search.searching import BudgetError, repeat_front, search
from ecotrack.search.space import draw, holds
from ecotrack.search.study import Study
from experiments.workloads.fashion.operations import planned_flops

NAMES = ("one", "two")


@pytest.fixture(scope="module", params=NAMES)
def table(request) -> Table:
    return Table(request.param)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_holds_every_configuration_once_with_all_its_epochs(name):
    rows = read(TABLES / f"{name}.csv.gz")
    curves = list(trainings(rows))
    assert {curve[0].configuration for curve in curves} == set(full_grid())
    assert len(full_grid()) >= 120
    for curve in curves:
        assert [row.epoch for row in curve] == list(range(1, curve[0].epochs + 1))
        assert all(row.energy_j > 0 and row.cpu_s > 0 and 0 < row.val_accuracy < 1 for row in curve)
        first = curve[0]
        flops = planned_flops(first.family, first.width, first.depth)
        assert first.operations == 3 * flops * first.images * first.epochs


def test_no_two_tables_share_an_image_or_a_seed():
    one, two = PARTS["one"], PARTS["two"]
    assert one.first_image + one.images <= two.first_image
    seeds = [{row.seed for row in read(TABLES / f"{name}.csv.gz")} for name in NAMES]
    assert not seeds[0] & seeds[1]


def test_the_space_of_a_table_is_the_table(table: Table):
    rng = np.random.default_rng(0)
    drawn = [draw(table.space, rng) for _ in range(2000)]
    assert {key_of(params) for params in drawn} == set(table.trained)
    assert all(holds(table.space, start) for start in bench.STARTS)


def test_a_search_to_the_end_finds_the_whole_front(table: Table):
    course = bench.patient(table, 0)
    points = [table.trained[key].point for key in course.finished]
    assert bench.reached(table, points)
    assert list(course.spent_g) == sorted(course.spent_g)
    assert course.spent_g[-1] == pytest.approx(
        sum(table.trained[k].whole_g for k in course.finished)
    )
    share = pareto.hypervolume(points, table.reference) / table.best_known[False]
    assert 0.95 <= share <= 1


def test_grams_until_a_share_are_those_of_the_first_trial_that_reaches_it(table: Table):
    course = bench.plain(table, 3, kind="Optuna random")
    for share in bench.SHARES:
        points = [table.trained[key].point for key in course.finished]
        reached = next(
            grams
            for number, grams in enumerate(course.spent_g, 1)
            if pareto.hypervolume(points[:number], table.reference)
            >= share * table.best_known[False]
        )
        assert course.until(table, share, log=False) == reached


def test_what_was_given_up_of_the_front_is_counted(table: Table):
    member, *_ = table.front
    other = next(key for key in table.trained if key not in table.front)
    course = bench.Course((other,), (1.0,), (member,))
    assert bench.lost(table, [course]) == 1.0
    assert bench.lost(table, [bench.Course((member, other), (1.0, 2.0))]) == 0.0


def test_grams_foretold_after_two_epochs_are_near_the_truth(table: Table):
    known = bench.forecast(table)
    assert known["median_error"] <= 0.10
    assert known["covered"] >= 0.85


def budgeted(table: Table, seed: int) -> tuple[float, float, float]:
    """(spent, budget, the dearest epoch) of one replayed study with stopping and repeats."""
    replay, study = Replay(table), Study(None, "replay", bench.DIRECTIONS)
    epochs_g = [max(t.epochs_g) + t.eval_g for t in table.trained.values()]
    budget_g = float(10 ** np.random.default_rng(seed).uniform(-2, 0))
    rules = Rules(len(table.trained), seed=seed, budget_g=budget_g)
    judge = search(study, replay.problem(bench.STARTS), rules, replay.bill)
    repeat_front(judge, ("max", "min"), 3)
    return replay.spent_g, budget_g, max(epochs_g)


# In 22 a family that nobody has tried yet takes more to be built than all that is left.
@pytest.mark.parametrize("seed", [*range(5), 22])
def test_a_replayed_study_keeps_its_budget(seed):
    spent_g, budget_g, epoch_g = budgeted(Table("two"), seed)
    assert spent_g <= max(1.02 * budget_g, budget_g + epoch_g)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", NAMES)
def test_a_hundred_replayed_studies_keep_their_budgets(name):
    for seed in range(50):
        spent_g, budget_g, epoch_g = budgeted(Table(name), seed)
        assert spent_g <= max(1.02 * budget_g, budget_g + epoch_g)


def test_a_budget_below_one_set_up_is_refused(table: Table):
    replay, study = Replay(table), Study(None, "replay", bench.DIRECTIONS)
    rules = Rules(10, budget_g=1e-9)
    with pytest.raises(BudgetError, match="too small for one trial"):
        search(study, replay.problem([{**bench.STARTS[-1]}]), rules, replay.bill)


def test_a_table_goes_on_and_refuses_another_machine_s(tmp_path, monkeypatch):
    made = []

    def fake(config, part, seed, meter):  # a training without its cost
        made.append(config)
        values = dict.fromkeys(Row.__dataclass_fields__, 1.0)
        about = {"seed": seed, "images": 5000, "operations": 1, "parameters": 1}
        return [Row(**{**values, **vars(config), **about, "epoch": 1})]

    monkeypatch.setattr("bench.tables.train", fake)
    monkeypatch.setattr("bench.tables.reading.known", lambda reading: "a fake meter")
    meter = type("Meter", (), {"read": lambda self: None})()
    file = tmp_path / "t.csv.gz"
    some = full_grid()[:3]
    assert generate(PARTS["one"], some, file, meter, stop_after_s=0) == 3
    assert generate(PARTS["one"], some, file, meter) == 0
    assert {row.configuration for row in read(file)} == set(some)
    made.clear()
    assert generate(PARTS["one"], some, file, meter) == 0
    assert made == []
    monkeypatch.setattr("bench.tables.host.describe", lambda: "another machine")
    with pytest.raises(UserError, match="was begun with machine"):
        generate(PARTS["one"], some, file, meter)
    file.write_bytes(b"no table")
    with pytest.raises(UserError, match="damaged"):
        read(file)
