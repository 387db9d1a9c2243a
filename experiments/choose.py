"""Which model of a study's front is enough for my need?

    mlflow run . -e choose --env-manager local --experiment-name fashion-mnist-search \\
        -P min-accuracy=0.90

Takes the cheapest model that meets the need, says what one step up or down the front would cost
and bring, and registers it as `fashion-mnist` with the alias `right-sized`. It takes seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import yaml

from ecotrack import metrics, reading, terminal
from ecotrack.choosing import Candidate, Choice, Need, NothingFitsError, choose
from ecotrack.cli import UserError, option
from ecotrack.launch import Session, session
from ecotrack.measurement import Result
from ecotrack.study_report import front_of
from ecotrack.tracking import RunView, Store, models

EXPERIMENT = "fashion-mnist-search"
MODEL, ALIAS = "fashion-mnist", "right-sized"


@dataclass(frozen=True)
class Config:
    """What `choose` can be told."""

    study: str = option("fashion-mnist", "the study to choose from", pattern=r"[\w.\- ]{1,100}")
    min_accuracy: float | None = option(None, "accuracy needed, 0 to 1", at_least=0, at_most=1)
    within: float | None = option(None, "or: points below the best", at_least=0, at_most=100)
    max_parameters: int | None = option(None, "largest model", at_least=1)
    max_latency_ms: float | None = option(
        None, "slowest single prediction", at_least=0, at_most=1e9
    )
    predictions: float = option(0.0, "how many it will make in its life", at_least=0, at_most=1e18)


def check(config: Config, store: Store) -> None:
    """Refuse a need that contradicts itself, or that nothing meets."""
    if config.min_accuracy is not None and config.within is not None:
        raise UserError("--min-accuracy and --within exclude each other; give one, or neither")
    decide(config, store)


def decide(config: Config, store: Store) -> tuple[Choice, list[Candidate]]:
    """The choice, and the front that it was made from."""
    runs = store.runs(EXPERIMENT, {metrics.STUDY_TAG: config.study, metrics.PARETO_TAG: "true"})
    front = front_of(runs)
    if not front:
        raise UserError(f"study {config.study!r} has no evaluated front; run `search` first")
    need = Need(
        config.min_accuracy,
        config.within,
        config.max_parameters,
        config.max_latency_ms,
        config.predictions,
    )
    try:
        return choose(front, need), front
    except NothingFitsError as error:
        raise UserError(str(error)) from error


def carry_out(started: Session, config: Config) -> None:
    """Choose, register, write the card, print."""
    store = started.store
    choice, front = decide(config, store)
    chosen = choice.chosen
    with started.run(EXPERIMENT, f"choose {chosen.name}", kind="choose") as record:
        card = model_card(choice, store.view(chosen.run_id), config)
        version = models.register(chosen.run_id, MODEL, ALIAS, card, {"study": config.study})
        record.log(
            Result(
                scores={
                    metrics.VAL_ACCURACY: chosen.val_accuracy,
                    metrics.EVAL_ACCURACY: chosen.accuracy,
                    metrics.EMISSIONS_G: chosen.training_g,
                },
                artifacts={"model_card.md": card, "front.json": [asdict(c) for c in front]},
                tags={
                    **grid_of(store.view(chosen.run_id)),
                    metrics.STUDY_TAG: config.study,
                    metrics.CHOSEN_TAG: chosen.run_id,
                },
            )
        )
    terminal.table(f"The front ({chosen.energy_known})", reading.front(front, chosen))
    terminal.say(f"Chosen: {chosen.name}, {choice.reason}.")
    for neighbour, step in ((choice.cheaper, "down"), (choice.dearer, "up")):
        if neighbour:
            terminal.say(f"One step {step}: {compare(chosen, neighbour, config.predictions)}.")
    terminal.say(f"Registered as models:/{MODEL}@{ALIAS} (version {version}).")


def grid_of(run: RunView) -> dict[str, str]:
    """The electricity that a model was trained on, and its grams reckoned by."""
    tags = (metrics.COUNTRY_TAG, metrics.INTENSITY_TAG, metrics.INTENSITY_SOURCE_TAG)
    return {tag: run.tags[tag] for tag in (*tags, metrics.INTENSITY_YEAR_TAG)}


def compare(chosen: Candidate, other: Candidate, predictions: float) -> str:
    """What another model would cost and bring instead."""
    ratio = other.cost_g(predictions) / chosen.cost_g(predictions)
    points = 100 * (other.val_accuracy - chosen.val_accuracy)
    return f"{other.name} costs {ratio:.3g} times as much and brings {points:+.2f} points"


def model_card(choice: Choice, run: RunView, config: Config) -> str:
    """A model card with the emissions in grams, as the Hugging Face hub reads it."""
    chosen, tags = choice.chosen, run.tags
    head = {
        "library_name": "keras",
        "datasets": ["fashion_mnist"],
        "metrics": ["accuracy"],
        "co2_eq_emissions": {
            "emissions": float(f"{chosen.training_g:.4g}"),
            "source": f"CodeCarbon ({chosen.energy_known})",
            "training_type": "from scratch",
            "geographical_location": tags[metrics.COUNTRY_TAG],
            "hardware_used": tags[metrics.HOST_TAG],
        },
    }

    def energy(name: str) -> str:
        return reading.amount(metrics.amount(name, run.metrics), "Wh")

    lines = [
        "---",
        yaml.safe_dump(head, sort_keys=False).rstrip(),
        "---",
        f"# {chosen.name}",
        f"Chosen from study `{config.study}`: {choice.reason}.",
        "",
        "| | |",
        "|---|---|",
        f"| validation accuracy | {reading.percent(chosen.val_accuracy)} |",
        f"| test accuracy | {reading.percent(chosen.accuracy)},"
        f" 95 % interval {100 * chosen.accuracy_low:.2f} to {100 * chosen.accuracy_high:.2f} |",
        f"| energy of training | {energy(metrics.TOTAL_WH)} |",
        f"| training | {reading.amount(chosen.training, 'g')} CO2e |",
        f"| energy of 1,000 predictions | {energy(metrics.INFERENCE_WH_PER_1K)} |",
        f"| 1,000 predictions | {reading.amount(chosen.inference_per_1k, 'g')} CO2e |",
        f"| one prediction | {chosen.latency_ms:.3g} ms |",
        f"| parameters | {chosen.parameters:,} |",
        "",
        "Takes uint8 images (n, 28, 28), gives ten probabilities. Accuracy is on the 10,000 test",
        "images of Fashion-MNIST, seen once. Emissions are of this model's training alone; the",
        "search that found it cost more, and stands in the study's run.",
        "",
        reading.legend([tags]),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with session("choose", Config, check) as started:
        carry_out(started, started.config)
