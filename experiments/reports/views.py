"""What each MLflow experiment says of itself, and the view that it opens with."""

from __future__ import annotations

from collections.abc import Sequence

from ecotrack import metrics
from ecotrack.cli import spell
from ecotrack.tracking import Store
from ecotrack.tracking.views import View, bar, line, parallel, scatter

RECIPE = ("family", "width", "depth", "augmentation", "epochs", "batch-size", "learning-rate")
ACCURACY = f"metrics.`{metrics.VAL_ACCURACY}`"
TESTED = f"metrics.`{metrics.EVAL_ACCURACY}`"
WEIGHTS = f"metrics.`{metrics.PARAMETERS}`"
REPORTS = "report"  # the experiment of the pages


def sorting(store: Store) -> str:
    """Time and emissions by size, a line a sort; the link to it."""
    return store.offer(
        "sorting",
        "Which sort costs least time and carbon, and how does that change as the data grows? Each"
        " comparison is a run, each of its sorts a run below it. Curves go by the number of"
        " elements.",
        View(
            key="sorting-by-size",
            name="Time and emissions by size",
            charts=[line(name, "elements") for name in (metrics.SORT_NS, metrics.SORT_G)],
            columns=[f"metrics.`{metrics.SORT_NS}`", f"metrics.`{metrics.SORT_UJ}`"],
            order_by=metrics.SORT_NS,
            search=of_kind("sorting-part"),
        ),
    )


def pi(store: Store) -> str:
    """Time, energy and error by method; the link to it."""
    shown = (metrics.PI_NS, metrics.PI_NJ, metrics.PI_EXPECTED_ERROR)
    return store.offer(
        "pi",
        "Does parallelism save carbon on the way to π, and does a better algorithm beat it? Each"
        " comparison is a run, each of its methods a run below it.",
        View(
            key="pi-by-method",
            name="Time and energy by method",
            charts=[bar(name) for name in shown],
            columns=[f"metrics.`{name}`" for name in shown],
            order_by=metrics.PI_NS,
            search=of_kind("pi-part"),
        ),
    )


def fashion(store: Store) -> str:
    """Accuracy against emissions of single trainings, and what led to it; the link to it."""
    return store.offer(
        "fashion-mnist",
        "What does one model cost, and how good is it? Trainings on Fashion-MNIST, and comparisons"
        " with and without augmentation.",
        View(
            key="accuracy-by-emissions",
            name="Accuracy against emissions",
            charts=[
                scatter(metrics.EMISSIONS_G, metrics.EVAL_ACCURACY),
                parallel(RECIPE, [metrics.EMISSIONS_G, metrics.EVAL_ACCURACY]),
            ],
            columns=[ACCURACY, TESTED, WEIGHTS],
            order_by=metrics.EMISSIONS_G,
            search=of_kind("train"),
        ),
    )


def search(store: Store, study: str, parameters: Sequence[str]) -> str:
    """A study's front, and what led to it; the link to it."""
    return store.offer(
        "fashion-mnist-search",
        "Which models give the most accuracy for each gram of CO2? Each study is a run, its trials"
        " are runs below it, `ecotrack.pareto` marks its front, and each choice from it is a run.",
        View(
            key=f"pareto-{study}",
            name=f"Pareto: accuracy x carbon ({study})",
            charts=[
                scatter(metrics.EMISSIONS_G, metrics.VAL_ACCURACY),
                parallel(
                    [spell(name) for name in parameters],
                    [metrics.EMISSIONS_G, metrics.VAL_ACCURACY],
                ),
            ],
            columns=[f"tags.`{metrics.PARETO_TAG}`", ACCURACY, TESTED, WEIGHTS],
            order_by=metrics.EMISSIONS_G,
            search=f"tags.`{metrics.STUDY_TAG}` = '{study}' AND {of_kind('trial')}",
        ),
    )


def report(store: Store) -> str:
    """The pages so far; the link to them."""
    about = "Pages that open anywhere: `report.html` among the files of each run."
    return store.describe(REPORTS, about)


def of_kind(kind: str) -> str:
    """The runs of a kind, in MLflow's search syntax."""
    return f"tags.`{metrics.KIND_TAG}` = '{kind}'"
