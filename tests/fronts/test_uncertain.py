"""Fronts with error bars, on results whose truth is known."""

import numpy as np
import pytest

from ecotrack.fronts import uncertain
from ecotrack.fronts.pareto import hypervolume

WAYS = ("max", "min")
TRUTH = np.array([[0.80, 1.0], [0.85, 2.0], [0.851, 2.1], [0.90, 5.0], [0.70, 9.0]])
SPREAD = np.array([0.01, 0.1])


def simulated(rng: np.random.Generator, repeats: int) -> list[list[tuple[float, float]]]:
    noise = rng.standard_normal((len(TRUTH), repeats, 2)) * SPREAD
    return [
        [(gain + a, float(cost * np.exp(b))) for a, b in noise[i]]
        for i, (gain, cost) in enumerate(TRUTH)
    ]


def test_a_mean_of_costs_is_geometric_and_of_gains_arithmetic():
    ((gain, cost),) = uncertain.means([[(0.8, 1.0), (0.9, 4.0)]], WAYS)
    assert gain.value == pytest.approx(0.85)
    assert cost.value == pytest.approx(2.0)
    assert gain.low < 0.85 < gain.high
    assert cost.low * cost.high == pytest.approx(4.0)


def test_without_repeats_there_is_a_mean_and_no_interval():
    (first, _) = uncertain.means([[(0.8, 1.0)], [(0.9, 2.0)]], WAYS)
    assert first[0].value == 0.8
    assert np.isnan([first[0].low, first[0].high, first[1].low]).all()


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng, held = np.random.default_rng(0), []
    for _ in range(400):
        rows = uncertain.means(simulated(rng, 3), WAYS)
        held += [
            part.low <= true <= part.high
            for row, truth in zip(rows, TRUTH, strict=True)
            for part, true in zip(row, truth, strict=True)
        ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_what_was_tried_once_borrows_the_spread_of_the_others():
    results = simulated(np.random.default_rng(1), 4)
    single = [results[0][:1], *results[1:]]
    few, many = uncertain.means(single, WAYS)[0][0], uncertain.means(results, WAYS)[0][0]
    assert few.high - few.low > 1.5 * (many.high - many.low)


def test_who_is_sure_to_be_on_the_front_and_who_is_not():
    chance = uncertain.on_front(simulated(np.random.default_rng(2), 5), WAYS)
    assert chance[0] > 0.99
    assert chance[3] > 0.99
    assert chance[4] < 0.01
    assert 0.05 < chance[1] <= 1
    assert 0.05 < chance[2] < 0.99
    assert (chance == uncertain.on_front(simulated(np.random.default_rng(2), 5), WAYS)).all()


def test_one_candidate_is_the_front():
    assert uncertain.on_front([[(0.5, 1.0)]], WAYS) == [1.0]


@pytest.mark.parametrize("log", [False, True])
def test_the_interval_of_hypervolume_holds_the_truth(log):
    reference = (0.1, 20.0)
    true = hypervolume(TRUTH, reference, WAYS, log=log)
    rng, held = np.random.default_rng(3), []
    for _ in range(40):
        found = uncertain.hypervolume_interval(simulated(rng, 4), reference, WAYS, log=log)
        assert found.low <= found.value <= found.high
        held.append(found.low <= true <= found.high)
    assert np.mean(held) >= 0.85


def test_the_winner_s_curse_is_found_where_luck_decided():
    """Equal candidates: whoever is best first was lucky, and the repeats show it."""
    rng, leads = np.random.default_rng(4), []
    for _ in range(50):
        accuracy = 0.9 + 0.01 * rng.standard_normal((12, 6))
        results = [[(float(a), 1.0 + i * 1e-9) for a in row] for i, row in enumerate(accuracy)]
        curse = uncertain.winners_curse(results, WAYS, 0)
        assert curse
        leads.append(curse.lead.value)
    assert np.mean(leads) > 0.003


def test_no_curse_is_told_where_nobody_was_repeated():
    assert uncertain.winners_curse([[(0.9, 1.0)], [(0.8, 0.5)]], WAYS, 0) is None


def test_of_one_repeated_member_there_is_no_interval():
    curse = uncertain.winners_curse([[(0.9, 2.0), (0.88, 1.0)]], WAYS, 0)
    assert curse
    assert curse.members == 1
    assert curse.lead.value == pytest.approx(0.02)
    assert np.isnan(curse.lead.low)
    cheaper = uncertain.winners_curse([[(0.9, 2.0), (0.88, 1.0)]], WAYS, 1)
    assert cheaper
    assert cheaper.lead.value == pytest.approx(-np.log(2))  # it was dearer first


def test_the_cheap_and_the_doubtful_are_repeated_first_the_hopeless_never():
    results = [[(0.80, 1.0)], [(0.801, 50.0)], [(0.90, 50.0)], [(0.5, 60.0)]]
    spends = [1.0, 50.0, 50.0, 60.0]
    assert uncertain.next_to_repeat(results, spends, WAYS, most=3) == 0
    results[0] *= 3
    assert uncertain.next_to_repeat(results, spends, WAYS, most=3) == 2
    assert uncertain.next_to_repeat(results, spends, WAYS, most=3, budget=49.0) is None
    results[2] *= 3
    results[1] *= 3
    assert uncertain.next_to_repeat(results, spends, WAYS, most=3) is None
    assert uncertain.next_to_repeat([], [], WAYS, most=3) is None
