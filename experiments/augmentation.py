"""Does augmentation pay, and what does it cost?

    mlflow run . -e augmentation --env-manager local --experiment-name fashion-mnist

Trains the same models with and without augmentation, all else equal, and puts accuracy, time and
emissions side by side. With the defaults it takes two minutes on two cores (Zen 4). Flips take 0.1
CPU-seconds an epoch of all images, shifts 0.3: next to nothing of what a CNN trains for, and much
of what an MLP does. At so few epochs neither helps yet; give it more epochs and look again.
"""

from dataclasses import dataclass
from itertools import product

import altair as alt

from ecotrack import Measurement, Result, figures, metrics, reading, terminal
from ecotrack.amount import columns, of_columns
from ecotrack.cli import option
from ecotrack.launch import launch
from ecotrack.measure import Meter
from ecotrack.metered import Metered, metered
from ecotrack.tracking import Store
from experiments import train
from experiments.reports import views
from experiments.workloads.fashion.augment import Augmentation
from experiments.workloads.fashion.models import Family
from experiments.workloads.fashion.training import Device


@dataclass(frozen=True)
class Config(Metered):
    """What `augmentation` can be told."""

    families: tuple[Family, ...] = option(("mlp", "cnn"), "models to compare, each with all below")
    augmentations: tuple[Augmentation, ...] = option(
        ("none", "flip", "flip+shift"), "what is done to the training images"
    )
    width: int = option(
        8, "channels of the first layer (mlp: eight units each)", at_least=1, at_most=512
    )
    depth: int = option(3, "hidden layers, convolutions or blocks", at_least=1, at_most=16)
    epochs: int = option(4, "times to see all training images", at_least=1, at_most=1000)
    batch_size: int = option(128, "images a step", at_least=1, at_most=10_000)
    learning_rate: float = option(0.005, "peak of the one-cycle schedule", at_least=1e-6, at_most=1)
    seed: int = option(0, "of weights, order and augmentation", at_least=0, at_most=2**31)
    images: int | None = option(None, "train on so many images only", at_least=100, at_most=55_000)
    device: Device = option("auto", "where to compute")


def check(config: Config, store: Store) -> None:
    """Refuse what `train` would."""
    train.check(recipe(config, config.families[0], config.augmentations[0]))


def title(config: Config) -> str:
    """A name that a person can read: `augmentation of mlp, cnn, 8x3 4ep`."""
    families = ", ".join(config.families)
    return f"augmentation of {families}, {config.width}x{config.depth} {config.epochs}ep"


def recipe(config: Config, family: Family, augmentation: Augmentation) -> train.Config:
    """One of the trainings to compare."""
    return train.Config(
        family=family,
        width=config.width,
        depth=config.depth,
        augmentation=augmentation,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        seed=config.seed,
        images=config.images,
        device=config.device,
        **metered(config),
    )


def run(config: Config, meter: Meter) -> Result:
    """Train each family with each augmentation, and set the results side by side."""
    rows, trained = [], Measurement()
    pairs = list(product(config.families, config.augmentations))
    with terminal.bar("augmentation", len(pairs)) as progress:
        for family, augmentation in pairs:
            result = train.run(recipe(config, family, augmentation), meter)
            cost = result.costs["training"]
            trained += cost
            rows.append(
                {
                    "model": f"{family}-{config.width}x{config.depth}",
                    "augmentation": augmentation,
                    "accuracy": result.scores[metrics.EVAL_ACCURACY],
                    "accuracy_low": result.scores[metrics.EVAL_ACCURACY_LOW],
                    "accuracy_high": result.scores[metrics.EVAL_ACCURACY_HIGH],
                    "training_s": cost.wall_s,
                    "training_cpu_s": cost.cpu_s,
                    "augmenting_cpu_s": result.scores[metrics.AUGMENTING_S],
                    **columns("energy_wh", cost.energy_wh),
                    **columns("emissions_g", cost.emissions_g),
                    "energy_known": reading.known(cost),
                }
            )
            progress.advance(f"{family} {augmentation}")
    known = reading.known(trained)
    return Result(
        costs={"training": trained},
        artifacts={
            "augmentation.json": rows,
            "augmentation.csv": rows,
            "augmentation.png": figures.png(picture(rows, known)),
        },
        summary={f"With and without augmentation ({reading.briefly(trained)})": readable(rows)},
    )


def readable(rows: list[dict]) -> list[dict[str, str]]:
    """The rows as they are printed; accuracies with their 95 % Wilson interval."""
    return [
        {
            "model": row["model"],
            "augmentation": row["augmentation"],
            "test": reading.percent(row["accuracy"]),
            "95 %": f"{100 * row['accuracy_low']:.1f}–{100 * row['accuracy_high']:.1f}",
            "training": f"{row['training_s']:.2f} s",
            "CPU time": f"{row['training_cpu_s']:.2f} s",
            "augmenting": f"{row['augmenting_cpu_s']:.2f} s",
            "energy": reading.amount(of_columns("energy_wh", row), "Wh"),
            "emissions": reading.amount(of_columns("emissions_g", row), "g"),
        }
        for row in rows
    ]


def picture(rows: list[dict], known: str) -> alt.HConcatChart:
    """Accuracy with its interval beside emissions with their band, for each of the models."""
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("augmentation:N", sort=None, title=None),
        color=alt.Color("model:N", title=None).scale(range=list(figures.COLOURS)),
        yOffset=alt.YOffset("model:N"),
    )
    accuracy = alt.X("accuracy:Q", title="accuracy on the test images").scale(zero=False)
    interval = base.mark_rule().encode(x="accuracy_low:Q", x2="accuracy_high:Q")
    dots = base.mark_point(filled=True, size=60).encode(x=accuracy)
    grams = alt.X("emissions_g:Q", title="emissions of training (g CO2e)")
    band = base.mark_rule().encode(
        x="emissions_g_low:Q", x2="emissions_g_high", color=alt.value("black")
    )
    return alt.hconcat(
        (interval + dots).properties(width=300, title="What it brings (95 % interval)"),
        (base.mark_bar().encode(x=grams) + band).properties(
            width=300, title="What it costs (lines: the meters' band)"
        ),
        title=alt.Title("With and without augmentation", subtitle=known.split("; ")),
    )


if __name__ == "__main__":
    launch(
        "augmentation",
        Config,
        run,
        experiment=train.EXPERIMENT,
        check=check,
        name=title,
        view=views.fashion,
    )
