import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack import metrics
from ecotrack.choosing import Candidate, Need, NothingFitsError, candidate, choose


def model(name: str, val_accuracy: float, training_g: float, **known) -> Candidate:
    ordinary = {
        "accuracy": val_accuracy - 0.005,
        "accuracy_low": val_accuracy - 0.01,
        "accuracy_high": val_accuracy,
        "parameters": 10_000,
        "latency_ms": 1.0,
        "inference_g_per_1k": 0.001,
    }
    return Candidate(name, name, val_accuracy, training_g, **{**ordinary, **known})


TINY = model("tiny", 0.80, 0.01, parameters=2_000, latency_ms=0.5, inference_g_per_1k=0.0001)
GOOD = model("good", 0.90, 0.05, parameters=20_000, latency_ms=1.0, inference_g_per_1k=0.0010)
BEST = model("best", 0.92, 1.00, parameters=900_000, latency_ms=4.0, inference_g_per_1k=0.0100)
BEATEN = model("beaten", 0.85, 0.50, parameters=1_000, latency_ms=2.0, inference_g_per_1k=0.0200)
ALL = (BEST, BEATEN, TINY, GOOD)


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        pytest.param(Need(min_accuracy=0.5), TINY, id="anything will do"),
        pytest.param(Need(min_accuracy=0.80), TINY, id="exactly reached"),
        pytest.param(Need(min_accuracy=0.81), GOOD, id="a little more"),
        pytest.param(Need(min_accuracy=0.92), BEST, id="all there is"),
        pytest.param(Need(within=0), BEST, id="within nothing of the best"),
        pytest.param(Need(within=1.9), BEST, id="within less than the gap"),
        pytest.param(Need(within=2), GOOD, id="within exactly the gap"),
        pytest.param(Need(within=100), TINY, id="within everything"),
        pytest.param(Need(), GOOD, id="the knee"),
        pytest.param(Need(within=0, max_parameters=20_000), GOOD, id="best of the small"),
        pytest.param(Need(min_accuracy=0.5, max_parameters=1_999), BEATEN, id="off the front"),
        pytest.param(Need(within=0, max_latency_ms=1.0), GOOD, id="best of the quick"),
        pytest.param(Need(max_latency_ms=0.5), TINY, id="only one is as quick"),
        pytest.param(
            Need(within=0, max_parameters=20_000, max_latency_ms=0.9), TINY, id="small and quick"
        ),
    ],
)
def test_the_cheapest_that_meets_the_need_is_chosen(need, expected):
    assert choose(ALL, need).chosen == expected


def test_rounding_does_not_refuse_a_model_exactly_as_far_below_the_best():
    assert 0.92 - 7 / 100 > 0.85, "as numbers of this machine"
    below = model("below", 0.85, 0.1)
    assert choose([BEST, below], Need(within=7)).chosen == below


def test_predictions_change_the_winner():
    once = model("cheap to train", 0.90, 1.0, inference_g_per_1k=1.0)
    often = model("cheap to use", 0.90, 10.0, inference_g_per_1k=0.1)
    need = Need(min_accuracy=0.9)
    assert choose([once, often], need).chosen == once
    assert choose([once, often], replace(need, predictions=9_000)).chosen == once
    assert choose([once, often], replace(need, predictions=11_000)).chosen == often


def test_predictions_bring_a_beaten_model_back():
    slow = model("slow", 0.90, 1.0, inference_g_per_1k=1.0)
    frugal = model("frugal", 0.89, 2.0, inference_g_per_1k=0.0)
    need = Need(min_accuracy=0.89)
    assert choose([slow, frugal], need).chosen == slow
    assert choose([slow, frugal], replace(need, predictions=1e6)).chosen == frugal


@pytest.mark.parametrize(
    ("need", "reason"),
    [
        (Need(min_accuracy=0.9), "the cheapest that validates at least 90.00 %"),
        (Need(within=2), "within 2 points of the best (92.00 %)"),
        (Need(), "log10 of the grams"),
    ],
)
def test_the_reason_says_what_was_asked_and_on_which_scale(need, reason):
    assert reason in choose(ALL, need).reason


@pytest.mark.parametrize(
    ("need", "cheaper", "dearer"),
    [
        pytest.param(Need(within=100), None, GOOD, id="the cheapest"),
        pytest.param(Need(), TINY, BEST, id="in the middle"),
        pytest.param(Need(within=0), GOOD, None, id="the dearest"),
    ],
)
def test_the_neighbours_are_one_step_along_the_front(need, cheaper, dearer):
    choice = choose(ALL, need)
    assert (choice.cheaper, choice.dearer) == (cheaper, dearer)


def test_one_model_has_no_neighbours():
    choice = choose([GOOD], Need())
    assert (choice.chosen, choice.cheaper, choice.dearer) == (GOOD, None, None)


@pytest.mark.parametrize(
    ("need", "said"),
    [
        pytest.param(Need(min_accuracy=0.95), ["95.00 %", "best", "92.00 %"], id="accuracy"),
        pytest.param(Need(max_parameters=999), ["999", "beaten", "1,000"], id="parameters"),
        pytest.param(Need(max_latency_ms=0.1), ["0.1 ms", "tiny", "0.5 ms"], id="latency"),
        pytest.param(
            Need(max_parameters=1_500, max_latency_ms=0.5),
            ["1,500", "beaten", "0.5 ms", "tiny"],
            id="each limit alone could be kept",
        ),
        pytest.param(
            Need(min_accuracy=0.91, max_parameters=20_000),
            ["91.00 %", "good", "90.00 %"],
            id="accuracy of those small enough",
        ),
    ],
)
def test_a_need_that_nothing_meets_is_told_how_close_the_front_comes(need, said):
    with pytest.raises(NothingFitsError) as refusal:
        choose(ALL, need)
    message = str(refusal.value)
    assert all(part in message for part in said), message
    assert "\n" not in message


def test_an_empty_front_is_no_choice():
    with pytest.raises(NothingFitsError, match="no evaluated model"):
        choose([], Need())


models = st.builds(
    model,
    name=st.uuids().map(str),
    val_accuracy=st.integers(0, 20).map(lambda n: n / 20),
    training_g=st.integers(1, 10).map(float),
    parameters=st.integers(1, 10),
    latency_ms=st.integers(1, 10).map(float),
    inference_g_per_1k=st.integers(0, 5).map(float),
)
limits = {
    "max_parameters": st.none() | st.integers(1, 10),
    "max_latency_ms": st.none() | st.integers(1, 10).map(float),
    "predictions": st.sampled_from([0.0, 1000.0, 1e5]),
}
needs = st.one_of(
    st.builds(Need, **limits),
    st.builds(Need, min_accuracy=st.integers(0, 20).map(lambda n: n / 20), **limits),
    st.builds(Need, within=st.integers(0, 100).map(float), **limits),
)


def meets(need: Need, one: Candidate, best_accuracy: float) -> bool:
    """Whether a model is small, quick and accurate enough, up to rounding."""
    floor = 0.0
    if need.min_accuracy is not None:
        floor = need.min_accuracy
    if need.within is not None:
        floor = best_accuracy - need.within / 100
    return (
        one.parameters <= (need.max_parameters or math.inf)
        and one.latency_ms <= (need.max_latency_ms or math.inf)
        and one.val_accuracy >= floor - 1e-6
    )


@given(st.lists(models, min_size=1, max_size=8), needs)
def test_the_choice_is_never_beaten_by_another_that_meets_the_need(candidates, need):
    kept = [c for c in candidates if meets(replace(need, min_accuracy=None, within=None), c, 0)]
    best = max((c.val_accuracy for c in kept), default=0.0)
    able = [c for c in candidates if meets(need, c, best)]
    try:
        choice = choose(candidates, need)
    except NothingFitsError:
        assert not able
        return
    chosen, price = choice.chosen, choice.chosen.cost_g(need.predictions)
    assert chosen in able
    for other in able:
        dearer = other.cost_g(need.predictions) > price
        assert dearer or other.val_accuracy <= chosen.val_accuracy
        if need.min_accuracy is not None or need.within is not None:
            assert other.cost_g(need.predictions) >= price, "the cheapest that meets the need"


@given(st.lists(models, min_size=1, max_size=8), needs, st.randoms())
def test_the_choice_does_not_depend_on_the_order(candidates, need, random):
    def chosen(among):
        try:
            found = choose(among, need).chosen
        except NothingFitsError as refusal:
            return type(refusal)
        return found.cost_g(need.predictions), found.val_accuracy

    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert chosen(shuffled) == chosen(candidates)


SEEN = {
    metrics.VAL_ACCURACY: 0.91,
    metrics.EMISSIONS_G: 0.5,
    metrics.EVAL_ACCURACY: 0.90,
    metrics.EVAL_ACCURACY_LOW: 0.89,
    metrics.EVAL_ACCURACY_HIGH: 0.92,
    metrics.PARAMETERS: 1234.0,
    metrics.LATENCY_MS: 0.7,
    metrics.INFERENCE_G_PER_1K: 0.002,
}


def test_a_run_with_its_metrics_is_a_candidate():
    assert candidate("id", "cnn-8x3", SEEN) == Candidate(
        "id", "cnn-8x3", 0.91, 0.5, 0.90, 0.89, 0.92, 1234, 0.7, 0.002
    )


@pytest.mark.parametrize("missing", [metrics.EVAL_ACCURACY, metrics.VAL_ACCURACY])
def test_a_run_without_its_accuracies_is_no_candidate_yet(missing):
    assert candidate("id", "name", {k: v for k, v in SEEN.items() if k != missing}) is None
