"""What the page's script is told of a study: exports are among what it recommends."""

import pytest

from ecotrack import metrics
from ecotrack.measurement import Result
from ecotrack.tracking import Store
from experiments import choose
from experiments.page.front import lives, payload, table
from tests.conftest import Home
from tests.page import stores


def test_an_export_is_recommended_shown_and_priced_as_its_original(home: Home):
    store = Store()
    stores.add_study(store)
    original = store.runs(stores.SEARCH, {metrics.KIND_TAG: "trial"})[-1]
    tags = {metrics.KIND_TAG: "export", metrics.STUDY_TAG: "fashion-mnist", **stores.GRID}
    tags |= {metrics.EXPORT_OF_TAG: original.run_id}
    name, result = f"{original.name} int8", stores.trained(5)
    with store.child(original.parent_id or "", name, {"precision": "int8"}, tags) as child:
        child.log(Result(costs={"export": stores.cost(1.0, co2_g=0.003)}, scores=result.scores))

    found = choose.searched(choose.Config(), store)
    told = payload(found, lambda run: f"to {run.run_id}")
    export = told["candidates"][-1]
    assert export["name"] == name
    (shown,) = [run for run in told["runs"] if run["run"] == export["run"] == child.run_id]
    assert shown["link"] == f"to {child.run_id}"
    assert shown["training"]["g"] == export["training_g"] > told["candidates"][-2]["training_g"]
    for row in table(found):
        for price in (row["training"], row["1,000 predictions"]):
            assert 1000 * price.grams.value / price.wh == pytest.approx(told["intensity"])
    assert [life["run"] for life in lives(found)][-2:] == [child.run_id, "baseline"]
