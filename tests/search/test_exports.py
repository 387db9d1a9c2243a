"""Exports as candidates: what they cost, what is believed of them, and when they are chosen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack import metrics
from ecotrack.fronts.choosing import Need, NothingFitsError, choose
from ecotrack.search.exports import Export, exports_of, rows, sentences, told
from ecotrack.tracking import RunView
from tests.fronts.test_choosing import ALL, BEST, GOOD, TINY, exactly, models

CONVERSION_WH, CONVERSION_G = metrics.phase_metrics("export")[1:]


def run_of(original, precision: str, **other: float) -> RunView:
    """A run that exported this candidate: as accurate, a quarter of its size, twice as quick."""
    seen = {
        metrics.VAL_ACCURACY: original.val_accuracy,
        metrics.EVAL_ACCURACY: original.accuracy,
        metrics.EVAL_ACCURACY_LOW: original.accuracy_low,
        metrics.EVAL_ACCURACY_HIGH: original.accuracy_high,
        metrics.SIZE_BYTES: original.size_bytes / 4,
        metrics.LATENCY_MS: original.latency_ms / 2,
        metrics.INFERENCE_G_PER_1K: original.inference_g_per_1k / 2,
        CONVERSION_G: 0.01,
        **{getattr(metrics, name): value for name, value in other.items()},
    }
    name, tags = f"{original.name} {precision}", {metrics.EXPORT_OF_TAG: original.run_id}
    known = ({"precision": precision}, seen, tags, "1", 0.0, 1.0, False)
    return RunView(name, name, "FINISHED", *known)


def exported(original, precision: str = "int8", **other: float) -> Export:
    (export,) = exports_of([original], [run_of(original, precision, **other)])
    return export


def test_an_export_costs_its_original_s_training_and_its_own_conversion():
    assert exported(GOOD).candidate.training_g == pytest.approx(GOOD.training_g + 0.01)


def test_the_bands_of_training_and_conversion_are_added():
    original = replace(GOOD, training_g_low=0.025, training_g_high=0.1)
    run = run_of(original, "int8")
    ends = {CONVERSION_WH: 1.0, f"{CONVERSION_WH}_low": 0.5, f"{CONVERSION_WH}_high": 2.0}
    (export,) = exports_of([original], [replace(run, metrics={**run.metrics, **ends})])
    known = export.candidate.training
    assert (known.low, known.high) == (pytest.approx(0.03), pytest.approx(0.12))


def test_only_finished_and_believable_exports_of_members_of_the_front_are_offered():
    whole = run_of(GOOD, "int8")
    half = replace(run_of(BEST, "int8"), metrics={CONVERSION_G: 0.01})
    of_none = run_of(replace(TINY, run_id="beaten"), "int8")
    wrong = run_of(GOOD, "float16")
    wrong = replace(wrong, tags={**wrong.tags, metrics.INVALID_TAG: "a counter went back"})
    found = exports_of([TINY, GOOD, BEST], [half, of_none, wrong, whole])
    assert [export.candidate.run_id for export in found] == [whole.run_id]


def test_what_rounding_took_from_the_first_result_it_takes_from_the_repeats():
    original = replace(GOOD, repeats=(0.89, 0.91))
    worse = exported(original, VAL_ACCURACY=0.87).candidate
    assert worse.repeats == pytest.approx((0.86, 0.88))
    assert worse.bound(Need(5000)) < original.bound(Need(5000))


def test_a_lucky_export_is_believed_no_more_than_its_original():
    need = Need(5000)
    for original in (GOOD, replace(GOOD, repeats=(0.89, 0.91))):
        lucky = exported(original, VAL_ACCURACY=0.93).candidate
        assert lucky.val_accuracy == 0.93
        assert lucky.bound(need) == original.bound(need)
        assert lucky.sure_of(0.9, need) == original.sure_of(0.9, need)


gaps = st.lists(st.integers(-5, 5).map(lambda n: n / 100), min_size=1, max_size=8)


@given(st.lists(models, min_size=1, max_size=8), gaps, st.sampled_from([None, 0.3, 0.6]))
def test_what_is_never_used_is_never_exported(originals, gaps, floor):
    """Without predictions and limits exports change no choice, however accurate they seem."""
    need = exactly(min_accuracy=floor)
    exports = [
        exported(original, VAL_ACCURACY=min(1.0, max(0.0, original.val_accuracy + gap))).candidate
        for original, gap in zip(originals, gaps, strict=False)
    ]

    def chosen(among):
        try:
            return choose(among, need).chosen.name
        except NothingFitsError:
            return None

    assert chosen([*originals, *exports]) == chosen(originals)


def test_an_export_is_chosen_once_its_predictions_have_paid_for_its_conversion():
    """Half of a milligram a thousand is saved: ten milligrams after 20,000 predictions."""
    small, need = exported(GOOD).candidate, exactly(min_accuracy=0.9)
    assert choose([*ALL, small], replace(need, predictions=19_000)).chosen == GOOD
    assert choose([*ALL, small], replace(need, predictions=21_000)).chosen == small


def test_an_export_whose_bound_misses_the_need_is_never_chosen():
    need = Need(5000, min_accuracy=0.89, predictions=1e9)
    assert GOOD.bound(need) > 0.89
    small = exported(GOOD).candidate
    assert choose([GOOD, small], need).chosen == small
    rounded = exported(GOOD, VAL_ACCURACY=0.895).candidate
    assert rounded.val_accuracy > 0.89 > rounded.bound(need)
    assert choose([GOOD, rounded], need).chosen == GOOD


def test_a_limit_of_latency_or_size_that_only_an_export_keeps_chooses_it():
    original = replace(GOOD, size_bytes=80_000)
    small = exported(original).candidate
    assert choose([original, small], exactly(max_size_kb=20)).chosen == small
    assert choose([original, small], exactly(max_size_kb=80)).chosen == original
    assert choose([original, small], exactly(max_latency_ms=0.5)).chosen == small
    with pytest.raises(NothingFitsError, match=r"19 kB \(the lightest, good int8, has 20 kB\)"):
        choose([original, small], exactly(max_size_kb=19))


def test_a_row_holds_what_an_export_saves():
    original = replace(GOOD, size_bytes=80_000)
    (row,) = rows([exported(original, VAL_ACCURACY=0.88)])
    assert row["points"] == pytest.approx(-2)
    assert (row["size_share"], row["latency_share"], row["inference_share"]) == (0.25, 0.5, 0.5)
    assert row["conversion_g"] == pytest.approx(0.01)
    (line,) = told([row])
    assert line["valid."] == "88.00 % (-2.00)"
    assert line["file"] == "20 kB (× 0.25)"


def test_what_gains_nothing_is_said():
    originals = [replace(model, size_bytes=80_000) for model in (GOOD, BEST)]
    slow = exported(originals[0], LATENCY_MS=1.5, VAL_ACCURACY=0.88)
    sentence, price = sentences([slow, exported(originals[1])])
    assert "int8 against Keras (models: 2): -2.00 to +0.00 points" in sentence
    assert "0.25 to 0.25 times the size, 0.5 to 1.5 times the time" in sentence
    assert sentence.endswith("without gain in one of these: 1.")
    assert "its conversion" in price
    assert sentences([]) == []
