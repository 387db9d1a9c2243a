"""What a life costs, whether its search has paid, and the picture of it."""

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack import figures
from ecotrack.fronts import life_figure
from ecotrack.fronts.choosing import Candidate, Need, choose
from ecotrack.fronts.envelope import Life
from ecotrack.fronts.life_figure import HEIGHT, LINE_PX, WIDTH, Mark, Scale, in_rows, spread
from ecotrack.fronts.whole_life import WholeLife, readable
from tests import naive


def model(name: str, val_accuracy: float, training_g: float, g_per_1k: float) -> Candidate:
    tested = (val_accuracy, val_accuracy - 0.01, val_accuracy + 0.01)
    return Candidate(name, name, val_accuracy, training_g, *tested, 1000, 1.0, g_per_1k)


POOR = model("poor", 0.70, 0.1, 0.1)
HASTY = model("hasty", 0.90, 1.0, 2.0)
THRIFTY = model("thrifty", 0.90, 5.0, 1.0)
DEAR = model("dear", 0.93, 9.0, 1.5)
FRONT = [POOR, HASTY, THRIFTY, DEAR]
BIG = Life("big without a search", 20.0, 0.004)


def life(
    predictions: float = 0.0, search_g: float = 30.0, baseline: Life = BIG, front=FRONT
) -> WholeLife:
    choice = choose(front, Need(5000, min_accuracy=0.88, predictions=predictions))
    return WholeLife(choice, front, search_g, baseline, 0.95, predictions)


def test_a_bill_adds_up_to_the_life():
    for bill in life(predictions=2000).bills():
        parts = [bill[part] for part in ("search_g", "training_g", "predictions_g")]
        assert sum(parts) == pytest.approx(bill["life_g"])


def test_every_member_carries_the_search_and_the_baseline_does_not():
    *members, baseline = life().bills()
    assert [bill["search_g"] for bill in members] == [30.0] * 4
    assert [bill["training_g"] for bill in members] == pytest.approx([0.1, 1.0, 5.0, 9.0])
    assert (baseline["search_g"], baseline["training_g"]) == (0.0, 20.0)


def test_the_cheapest_is_told_among_those_that_meet_the_need():
    spans = {bill["model"]: bill["cheapest"] for bill in readable(life().bills())}
    assert spans == {
        "poor": "need not met",
        "hasty": "0 to 4,000",
        "thrifty": "from 4,000 on",
        "dear": "never",
        "big without a search": "",
    }


def test_predictions_choose_as_the_envelope_says():
    assert life(predictions=3_900).chosen.name == "hasty"
    assert life(predictions=4_100).chosen.name == "thrifty"


def test_each_break_even_and_the_search_s_have_a_row():
    between, search = life(predictions=1e4).break_evens()
    assert between == {
        "cheaper": "thrifty",
        "than": "hasty",
        "after": "4,000",
        "predictions": pytest.approx(4000),
    }
    assert search == {
        "cheaper": "thrifty with its search",
        "than": "big without a search",
        "after": "5,000",
        "predictions": pytest.approx(15 / 0.003),
    }


@pytest.mark.parametrize(
    ("baseline", "said"),
    [
        pytest.param(BIG, "has paid for itself after 5,500 predictions", id="in time"),
        pytest.param(Life("b", 9, 0.002), "never pays for itself", id="as much each"),
        pytest.param(Life("b", 9, 0.001), "never pays for itself", id="more each"),
        pytest.param(Life("b", 50, 0.004), "has paid for itself from the start:", id="at once"),
        pytest.param(
            Life("b", 50, 0.001),
            "has paid for itself from the start, but only up to 19,000 predictions",
            id="for a while",
        ),
    ],
)
def test_whether_the_search_has_paid_is_said_plainly(baseline, said):
    sentence = life(baseline=baseline).verdict()
    assert said in sentence
    assert "validates at 90.00 %, not 95.00 %" in sentence
    assert "\n" not in sentence


def test_a_choice_that_is_its_own_baseline_is_not_set_against_itself():
    same = Life("hasty without a search", 1.0, 0.002)
    sentence = life(search_g=3.0, front=[HASTY], baseline=same).verdict()
    assert sentence == (
        "Against hasty without a search the search never pays for itself:"
        " nothing cheaper meets the need, and knowing that took 3 g."
    )


def test_never_is_a_word_in_the_table_and_null_in_its_figures():
    *_, search = life(baseline=Life("b", 1, 0)).break_evens()
    assert (search["after"], search["predictions"]) == ("never", None)
    assert "Infinity" not in json.dumps([life().break_evens(), life().bills()])


def test_a_search_that_was_free_pays_from_the_start_if_its_model_is_no_dearer():
    (row,) = life(search_g=0.0, front=[HASTY], baseline=Life("same", 1.0, 0.002)).break_evens()
    assert row["predictions"] == 0


pixels = st.lists(st.floats(0, HEIGHT), max_size=12)


@given(pixels)
def test_names_are_moved_apart_within_the_picture_and_keep_their_order(wanted):
    placed = spread(wanted, LINE_PX, HEIGHT)
    assert all(0 <= place <= HEIGHT for place in placed)
    assert all(b - a >= LINE_PX - 1e-9 for a, b in pairwise(sorted(placed)))
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    assert [placed[i] for i in order] == sorted(placed)


@given(pixels)
def test_a_name_that_covers_no_other_stays(wanted):
    placed = spread(wanted, LINE_PX, HEIGHT)
    if all(b - a >= LINE_PX for a, b in pairwise(sorted(wanted))):
        assert placed == wanted


marks = st.builds(
    Mark,
    st.floats(1, 1e9),
    st.just(1.0),
    st.sampled_from(["1", "12,300", "search paid after 1,230,000"]),
)


@given(st.lists(marks, max_size=10))
def test_numbers_over_the_picture_do_not_touch(marks):
    across = Scale(1, 1e9, WIDTH)
    placed = in_rows(marks, across)
    spans = [(row, *life_figure.reach(mark, across)) for mark, row in placed]
    for (row, left, right), (other, left2, right2) in pairs(spans):
        assert row != other or right <= left2 or right2 <= left
    assert all(left >= 0 and right <= WIDTH for _, left, right in spans)
    assert len(placed) == len(marks)


def pairs(things):
    return [(one, other) for i, one in enumerate(things) for other in things[:i]]


def test_the_picture_has_titles_with_units_and_a_line_for_each_life():
    drawn = json.dumps(life(predictions=1e4).chart("s", "CPU modelled; RAM assumed").to_dict())
    for text in ("g CO2e, log scale", "predictions (log scale", "4,000", "search paid after 5,000"):
        assert text in drawn, text
    assert all(f'"text": "{name}"' in drawn for name in ("poor", "hasty", "thrifty", "dear"))
    assert BIG.name in drawn


def test_the_band_of_the_picture_is_the_lower_envelope():
    able = [(HASTY.training_g, 0.002), (THRIFTY.training_g, 0.001), (DEAR.training_g, 0.0015)]
    drawn = life(predictions=1e4).chart("s", "").to_dict()
    band = drawn["datasets"][drawn["layer"][0]["data"]["name"]]
    assert len(band) > 50
    for row in band:
        cheapest = naive.cheapest(able, row["predictions"])
        assert row["grams"] == pytest.approx(30.0 + cheapest)


@pytest.mark.parametrize(
    ("front", "predictions", "baseline"),
    [
        pytest.param([HASTY], 0.0, BIG, id="one model"),
        pytest.param([HASTY, HASTY], 1.0, BIG, id="twice the same"),
        pytest.param([model("free", 0.9, 0.0, 0.0)], 10.0, Life("b", 0, 0), id="for nothing"),
        pytest.param([model("once", 0.9, 1.0, 0.0)], 1e18, Life("b", 0, 1), id="only training"),
        pytest.param([HASTY, THRIFTY], 1e18, Life("b", 1e-12, 1e9), id="far apart"),
        pytest.param(
            [HASTY, model("barely", 0.9, 5.0, math.nextafter(2.0, 0))], 1, BIG, id="too far to draw"
        ),
    ],
)
def test_the_picture_can_be_drawn(front, predictions, baseline):
    picture = figures.png(life(predictions, 0.0, baseline, front).chart("s", "known"))
    assert picture.startswith(b"\x89PNG")
