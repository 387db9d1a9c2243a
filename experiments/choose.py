"""Which model of a study's front is enough for my need?

    mlflow run . -e choose --env-manager local --experiment-name fashion-mnist-search \\
        -P min-accuracy=0.90

Takes the cheapest model that surely meets the need, over all its predictions; says what one step
up or down the front would cost and bring, and whether the search has paid for itself; and registers
the model as `fashion-mnist` with the alias `right-sized`. It takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ecotrack import metrics, reading, terminal
from ecotrack.cli import UserError, option
from ecotrack.fronts.choosing import Candidate, Choice, Need, NothingFitsError
from ecotrack.fronts.table import table
from ecotrack.fronts.whole_life import readable
from ecotrack.launch import Session, in_numbers, session, show
from ecotrack.measurement import Result
from ecotrack.metered import grid_tags
from ecotrack.search.exports import exports_of
from ecotrack.search.study_report import front_of, front_title
from ecotrack.terminal import Shown
from ecotrack.tracking import RunView, Store, models
from experiments.reports.card import model_card
from experiments.reports.choice import Decision, Searched, certainty, pictures, scores
from experiments.workloads.fashion import data

EXPERIMENT = "fashion-mnist-search"
MODEL, ALIAS = "fashion-mnist", "right-sized"
ABOUT = (
    "The cheapest model that surely does the job, chosen from a study's front by `choose`. The"
    " alias `right-sized` points to the latest choice; each version has a card with its emissions."
)


@dataclass(frozen=True)
class Config(Shown):
    """What `choose` can be told."""

    study: str = option("fashion-mnist", "name of the study", pattern=r"[\w.\- ]{1,100}")
    min_accuracy: float | None = option(None, "accuracy needed, 0 to 1", at_least=0, at_most=1)
    within: float | None = option(None, "or: points below the best", at_least=0, at_most=100)
    confidence: float = option(
        0.95, "how sure the accuracy must be, by its lower bound", at_least=0.5, at_most=0.999999
    )
    max_parameters: int | None = option(None, "largest model", at_least=1)
    max_latency_ms: float | None = option(
        None, "slowest single prediction", at_least=0, at_most=1e9
    )
    max_size_kb: float | None = option(
        None, "largest model, by its weights or its LiteRT file", at_least=0, at_most=1e12
    )
    predictions: float = option(0.0, "how many it will make in its life", at_least=0, at_most=1e18)
    search_share: float = option(
        1.0, "how much of the search's own cost the model carries", at_least=0, at_most=1
    )
    baseline: str | None = option(
        None, "model that the search must beat; none: of the most operations a prediction"
    )
    hardware: str | None = option(
        None, "of a study on several kinds of machine, whose front: words of its name"
    )


def check(config: Config, store: Store) -> None:
    """Refuse a need that contradicts itself, or that nothing meets."""
    check_need(config)
    decide(config, store)


def check_need(config: Config, store: Store | None = None) -> None:
    """Refuse a need that contradicts itself."""
    if config.min_accuracy is not None and config.within is not None:
        raise UserError("--min-accuracy and --within exclude each other; give one, or neither")


def decide(config: Config, store: Store) -> Decision:
    """The choice, and all that it rests on.

    Raises:
        UserError: there is no front to choose from, or nothing on it meets the need.
    """
    return decided(searched(config, store))


def decided(found: Searched) -> Decision:
    """The same, once the study is read.

    Raises:
        UserError: nothing on the front meets the need.
    """
    try:
        return found.decide()
    except NothingFitsError as error:
        raise UserError(str(error)) from error


def searched(config: Config, store: Store) -> Searched:
    """What the study found, and what is asked of it.

    Raises:
        UserError: there is no such study, it has no evaluated front, or no such baseline.
    """
    ours = {metrics.STUDY_TAG: config.study}
    members = store.runs(EXPERIMENT, {**ours, metrics.PARETO_TAG: "true"})
    members = of_one_kind(members, config.hardware)
    repeats = store.runs(EXPERIMENT, {**ours, metrics.KIND_TAG: "repeat"})
    front = front_of([*members, *repeats])
    if not front:
        raise UserError(f"study {config.study!r} has no evaluated front; run `search` first")
    need = Need(
        images=data.VALIDATION_PER_CLASS * len(data.CLASSES),
        confidence=config.confidence,
        min_accuracy=config.min_accuracy,
        within=config.within,
        max_parameters=config.max_parameters,
        max_latency_ms=config.max_latency_ms,
        max_size_kb=config.max_size_kb,
        predictions=config.predictions,
    )
    whole, instead = store.view(members[0].parent_id or ""), baseline(config, store, members)
    exports = exports_of(front, store.runs(EXPERIMENT, {**ours, metrics.KIND_TAG: "export"}))
    return Searched(front, exports, members, whole, instead, need, config.search_share)


def of_one_kind(members: Sequence[RunView], words: str | None) -> list[RunView]:
    """The members of one kind of machine's front: what others cost does not compare.

    Raises:
        UserError: there are several, and `words` are in the name of none, or of more than one.
    """
    kinds = list(dict.fromkeys(run.tags.get(metrics.HARDWARE_TAG, "") for run in members))
    if len(kinds) < 2 and not words:
        return list(members)
    meant = [kind for kind in kinds if (words or "") in kind]
    if len(meant) != 1:
        raise UserError(
            f"the study ran on {reading.few(kinds, between=' | ')}, whose costs do not compare;"
            f" --hardware names one of them, got {words or 'none'!r}"
        )
    return [run for run in members if run.tags.get(metrics.HARDWARE_TAG, "") in meant]


def baseline(config: Config, store: Store, members: Sequence[RunView]) -> RunView:
    """What would have been trained without a search: the largest, unless it is named.

    `members` are of one kind of machine, and so it is.

    Raises:
        UserError: no trial is called so, or several are, or its predictions were never measured.
    """
    kind, name = members[0].tags.get(metrics.HARDWARE_TAG), config.baseline
    tags = {metrics.STUDY_TAG: config.study, metrics.KIND_TAG: "trial", metrics.HARDWARE_TAG: kind}
    most = "" if name else metrics.FLOPS
    measured = store.runs(EXPERIMENT, tags, having=metrics.INFERENCE_G_PER_1K, most=most)
    known = [run for run in measured if metrics.PARETO_TAG in run.tags]
    return known[0] if name is None else called(known, name)


def called(known: Sequence[RunView], name: str) -> RunView:
    """The one that is called so, with its number or without.

    Raises:
        UserError: none is, or several are.
    """
    found = [run for run in known if name in (run.name, run.name.partition(" ")[2])]
    if len(found) != 1:
        names = reading.few(sorted(run.name for run in found or known), 12)
        raise UserError(f"--baseline takes one of {names}; got {name!r}")
    return found[0]


def carry_out(started: Session, config: Config) -> dict[str, Any]:
    """Choose, register, write the card, print; returns the choice in numbers."""
    store = started.store
    found = searched(config, store)
    decision = decided(found)
    choice, life = decision.choice, decision.life
    chosen = choice.chosen
    with started.run(EXPERIMENT, f"choose {chosen.name}", kind="choose") as record:
        run = store.view(chosen.run_id)
        trained = store.view(run.tags.get(metrics.EXPORT_OF_TAG, run.run_id))
        card = model_card(decision, run, trained, config.study)
        tags = {"study": config.study}
        version = models.register(chosen.run_id, MODEL, ALIAS, card=card, about=ABOUT, tags=tags)
        result = Result(
            scores=scores(decision),
            artifacts={
                "model_card.md": card,
                "front.json": [asdict(c) for c in decision.candidates],
                **pictures(decision, config.study),
            },
            tags={
                **grid_of(run),
                metrics.STUDY_TAG: config.study,
                metrics.CHOSEN_TAG: chosen.run_id,
            },
            summary={
                front_title(config.study, found.number): table(decision.candidates, chosen),
                f"A life of {config.predictions:,.0f} predictions": readable(life.bills()),
            },
            findings=[
                f"Chosen: {chosen.name}, {choice.reason}.",
                certainty(decision),
                *steps(choice, config.predictions),
                life.verdict(),
                f"Registered as models:/{MODEL}@{ALIAS} (version {version}).",
            ],
        )
        record.log(result)
    show(result)
    told = {"chosen": asdict(chosen), "registered": {"model": MODEL, "version": version}}
    return {**told, **in_numbers(result, record.run_id)}


def steps(choice: Choice, predictions: float) -> list[str]:
    """What the neighbours of the chosen one on the front would cost and bring."""
    neighbours = ((choice.cheaper, "down"), (choice.dearer, "up"))
    return [
        f"One step {step}: {compare(choice.chosen, neighbour, predictions)}."
        for neighbour, step in neighbours
        if neighbour
    ]


def grid_of(run: RunView) -> dict[str, str]:
    """The electricity that a model was trained on, and its grams reckoned by."""
    tags = (metrics.COUNTRY_TAG, metrics.INTENSITY_TAG, metrics.INTENSITY_SOURCE_TAG)
    return {tag: run.tags[tag] for tag in (*tags, metrics.INTENSITY_YEAR_TAG)}


def compare(chosen: Candidate, other: Candidate, predictions: float) -> str:
    """What another model would cost and bring instead."""
    ratio = other.cost_g(predictions) / chosen.cost_g(predictions)
    points = 100 * (other.val_accuracy - chosen.val_accuracy)
    return (
        f"{other.name} costs {ratio:.3g} times as much, the search left out, and brings"
        f" {points:+.2f} points"
    )


if __name__ == "__main__":
    with session("choose", Config, check) as started:
        told = carry_out(started, started.config)
        terminal.say(reading.how(told["chosen"]["energy_known"]))
        terminal.say(reading.legend([grid_tags(started.meter)]))
        terminal.result(started.config, told)
