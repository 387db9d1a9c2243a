import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack import metrics
from ecotrack.fronts.choosing import Candidate, Need, NothingFitsError, candidate, choose
from ecotrack.fronts.envelope import Life, envelope


def exactly(**asked) -> Need:
    """A need judged by so many images that the bound is the accuracy itself."""
    return Need(10**12, 0.5, **asked)


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
        pytest.param(exactly(min_accuracy=0.5), TINY, id="anything will do"),
        pytest.param(exactly(min_accuracy=0.80), TINY, id="exactly reached"),
        pytest.param(exactly(min_accuracy=0.81), GOOD, id="a little more"),
        pytest.param(exactly(min_accuracy=0.92), BEST, id="all there is"),
        pytest.param(exactly(within=0), BEST, id="within nothing of the best"),
        pytest.param(exactly(within=1.9), BEST, id="within less than the gap"),
        pytest.param(exactly(within=2), GOOD, id="within exactly the gap"),
        pytest.param(exactly(within=100), TINY, id="within everything"),
        pytest.param(exactly(), GOOD, id="the knee"),
        pytest.param(exactly(within=0, max_parameters=20_000), GOOD, id="best of the small"),
        pytest.param(exactly(min_accuracy=0.5, max_parameters=1_999), BEATEN, id="off the front"),
        pytest.param(exactly(within=0, max_latency_ms=1.0), GOOD, id="best of the quick"),
        pytest.param(exactly(max_latency_ms=0.5), TINY, id="only one is as quick"),
        pytest.param(
            exactly(within=0, max_parameters=20_000, max_latency_ms=0.9), TINY, id="small and quick"
        ),
    ],
)
def test_the_cheapest_that_meets_the_need_is_chosen(need, expected):
    assert choose(ALL, need).chosen == expected


def test_rounding_does_not_refuse_a_model_exactly_as_far_below_the_best():
    assert 0.92 - 7 / 100 > 0.85, "as numbers of this machine"
    below = model("below", 0.85, 0.1)
    assert choose([BEST, below], exactly(within=7)).chosen == below


def test_predictions_change_the_winner():
    once = model("cheap to train", 0.90, 1.0, inference_g_per_1k=1.0)
    often = model("cheap to use", 0.90, 10.0, inference_g_per_1k=0.1)
    need = exactly(min_accuracy=0.9)
    assert choose([once, often], need).chosen == once
    assert choose([once, often], replace(need, predictions=9_000)).chosen == once
    assert choose([once, often], replace(need, predictions=11_000)).chosen == often


def test_predictions_bring_a_beaten_model_back():
    slow = model("slow", 0.90, 1.0, inference_g_per_1k=1.0)
    frugal = model("frugal", 0.89, 2.0, inference_g_per_1k=0.0)
    need = exactly(min_accuracy=0.89)
    assert choose([slow, frugal], need).chosen == slow
    assert choose([slow, frugal], replace(need, predictions=1e6)).chosen == frugal


@pytest.mark.parametrize(
    ("need", "reason"),
    [
        (exactly(min_accuracy=0.9), "the cheapest that validates at least 90.00 %"),
        (exactly(within=2), "within 2 points of the best's (92.00 %)"),
        (exactly(), "log10 of the grams"),
    ],
)
def test_the_reason_says_what_was_asked_and_on_which_scale(need, reason):
    assert reason in choose(ALL, need).reason


@pytest.mark.parametrize(
    ("need", "cheaper", "dearer"),
    [
        pytest.param(exactly(within=100), None, GOOD, id="the cheapest"),
        pytest.param(exactly(), TINY, BEST, id="in the middle"),
        pytest.param(exactly(within=0), GOOD, None, id="the dearest"),
    ],
)
def test_the_neighbours_are_one_step_along_the_front(need, cheaper, dearer):
    choice = choose(ALL, need)
    assert (choice.cheaper, choice.dearer) == (cheaper, dearer)


def test_one_model_has_no_neighbours():
    choice = choose([GOOD], exactly())
    assert (choice.chosen, choice.cheaper, choice.dearer) == (GOOD, None, None)


@pytest.mark.parametrize(
    ("need", "said"),
    [
        pytest.param(exactly(min_accuracy=0.95), ["95.00 %", "best", "92.00 %"], id="accuracy"),
        pytest.param(exactly(max_parameters=999), ["999", "beaten", "1,000"], id="parameters"),
        pytest.param(exactly(max_latency_ms=0.1), ["0.1 ms", "tiny", "0.5 ms"], id="latency"),
        pytest.param(
            exactly(max_parameters=1_500, max_latency_ms=0.5),
            ["1,500", "beaten", "0.5 ms", "tiny"],
            id="each limit alone could be kept",
        ),
        pytest.param(
            exactly(min_accuracy=0.91, max_parameters=20_000),
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
        choose([], exactly())


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
    st.builds(exactly, **limits),
    st.builds(exactly, min_accuracy=st.integers(0, 20).map(lambda n: n / 20), **limits),
    st.builds(exactly, within=st.integers(0, 100).map(float), **limits),
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


@given(
    st.lists(models, min_size=1, max_size=8),
    st.sampled_from([0.0, 1000.0, 1e5]),
    st.integers(0, 20).map(lambda n: n / 20),
)
def test_the_choice_lies_on_the_lower_envelope_of_all_that_are_able(models, uses, floor):
    try:
        choice = choose(models, exactly(min_accuracy=floor, predictions=uses))
    except NothingFitsError:
        return
    lives = [Life(c.name, c.training_g, c.inference_g_per_1k / 1000) for c in choice.able]
    (cheapest,) = (s.life for s in envelope(lives) if s.start <= uses < s.end)
    assert choice.chosen.cost_g(uses) == pytest.approx(cheapest.cost_g(uses))


def test_a_lucky_result_on_few_images_is_not_enough():
    """0.90 of 1,000 images may be chance: of 0.89 one is not 95 % sure; of 100,000 it is none."""
    assert choose([GOOD, BEST], Need(1000, min_accuracy=0.89)).chosen == BEST
    assert choose([GOOD, BEST], Need(100_000, min_accuracy=0.89)).chosen == GOOD
    assert choose([GOOD, BEST], Need(1000, 0.6, min_accuracy=0.89)).chosen == GOOD


def test_a_recipe_whose_repeats_differ_is_trusted_less():
    steady = replace(GOOD, name="steady", training_g=0.06, repeats=(0.899, 0.901, 0.9))
    moody = replace(GOOD, name="moody", repeats=(0.85, 0.93, 0.88))
    need = Need(100_000, min_accuracy=0.89)
    assert choose([moody, steady], need).chosen == steady
    assert choose([replace(moody, repeats=()), steady], need).chosen.name == "moody"


def test_a_first_result_that_the_repeats_do_not_confirm_counts_for_less():
    lucky = replace(GOOD, repeats=(0.88, 0.88, 0.88))
    assert lucky.bound(Need(10**6)) < 0.886


@pytest.mark.parametrize("need", [Need(1000, min_accuracy=0.85), Need(1000, within=3), Need(1000)])
def test_one_is_as_sure_of_the_choice_as_was_asked_or_surer(need):
    choice = choose(ALL, need)
    assert choice.chosen.sure_of(choice.floor, need) >= 0.95 - 1e-9


def test_if_nothing_is_sure_the_best_bound_is_told():
    with pytest.raises(NothingFitsError, match=r"is 95 % sure to validate at 92.00 %.*best") as no:
        choose(ALL, Need(5000, min_accuracy=0.92))
    assert "sure of 91.3" in str(no.value)


SEEN = {
    metrics.VAL_ACCURACY: 0.91,
    metrics.EMISSIONS_G: 0.5,
    metrics.EVAL_ACCURACY: 0.90,
    metrics.EVAL_ACCURACY_LOW: 0.89,
    metrics.EVAL_ACCURACY_HIGH: 0.92,
    metrics.PARAMETERS: 1234.0,
    metrics.SIZE_BYTES: 4936.0,
    metrics.LATENCY_MS: 0.7,
    metrics.INFERENCE_G_PER_1K: 0.002,
}


def test_a_run_with_its_metrics_is_a_candidate():
    assert candidate("id", "cnn-8x3", SEEN) == Candidate(
        "id", "cnn-8x3", 0.91, 0.5, 0.90, 0.89, 0.92, 1234, 0.7, 0.002, size_bytes=4936
    )


def test_the_repeats_of_a_run_belong_to_its_candidate():
    assert candidate("id", "cnn-8x3", SEEN, [0.9, 0.92]).repeats == (0.9, 0.92)


@pytest.mark.parametrize("missing", [metrics.EVAL_ACCURACY, metrics.VAL_ACCURACY])
def test_a_run_without_its_accuracies_is_no_candidate_yet(missing):
    assert candidate("id", "name", {k: v for k, v in SEEN.items() if k != missing}) is None
