"""What the report concludes: nothing where the interval holds "no difference"."""

from typing import Any

import pytest

from ecotrack.amount import Amount
from experiments.page.augmented import Trained
from experiments.page.words import (
    Sentence,
    better,
    of_augmentation,
    of_rungs,
    of_sorting,
    of_threads,
)
from tests.fronts.test_choosing import model


def row(name: str, ratio: float | None, low: float = 0.0, high: float = 0.0) -> dict[str, Any]:
    ends = {"time_ratio": ratio, "time_ratio_low": low, "time_ratio_high": high}
    named = {"algorithm": name, "method": name, "threads": 1, "size": 10}
    return {**named, "against": "np-quicksort", **ends}


def test_a_ratio_is_claimed_only_where_its_interval_leaves_out_1():
    quick, same = of_sorting([row("fast", 0.5, 0.4, 0.6), row("merge", 1.1, 0.9, 1.3)])
    assert quick == Sentence(
        "fast takes 0.5 (0.4–0.6) times as long as np-quicksort at 10 elements.", True
    )
    assert same.text.startswith("Whether merge is quicker than np-quicksort")
    assert not same.holds


def test_disturbed_sorts_tell_nothing():
    (said,) = of_sorting([row("fast", None)])
    assert not said.holds


def test_rungs_without_a_difference_are_left_open():
    said = list(of_rungs([row("a", 0.5, 0.4, 0.6), row("b", 1.0, 0.9, 1.1), row("c", None)]))
    assert [sentence.holds for sentence in said] == [True, False]
    assert "a on 1" in said[0].text
    assert "b on 1" in said[1].text


@pytest.mark.parametrize(
    ("answer", "holds"), [("greener", True), ("not greener", True), ("no difference seen", False)]
)
def test_parallel_is_greener_only_where_the_rule_says_so(answer, holds):
    (said,) = of_threads([{"method": "m, 1 to 2", "parallel is": answer, "gross": "1.2 (1.1–1.3)"}])
    assert said.holds == holds


def training(augmentation: str, accuracy: float, half: float) -> Trained:
    ends = (accuracy, accuracy - half, accuracy + half)
    return Trained("m", augmentation, ends, 1.0, Amount(), Amount())


@pytest.mark.parametrize(("gain", "holds"), [(0.02, True), (0.005, False), (-0.02, True)])
def test_augmentation_is_judged_by_the_interval_of_the_difference(gain, holds):
    said, seed = of_augmentation(
        [[training("none", 0.9, 0.006), training("flip", 0.9 + gain, 0.006)]]
    )
    assert said.holds == holds
    assert ("better" in said.text) == (gain > 0.01)
    assert not seed.holds, "one training each"


def test_a_dearer_model_is_better_only_beyond_the_test_images_doubt():
    near = model("near", 0.900, 1.0, accuracy=0.9, accuracy_low=0.894, accuracy_high=0.906)
    far = model("far", 0.930, 4.0, accuracy=0.93, accuracy_low=0.925, accuracy_high=0.935)
    same = model("same", 0.903, 4.0, accuracy=0.903, accuracy_low=0.897, accuracy_high=0.909)
    assert better(far, near).holds
    assert "took 4 times the emissions" in better(far, near).text
    assert not better(same, near).holds
