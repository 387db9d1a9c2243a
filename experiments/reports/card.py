"""A model card with the emissions in grams, as the Hugging Face hub reads it."""

from __future__ import annotations

import yaml

from ecotrack import metrics, reading
from ecotrack.tracking import RunView
from experiments.reports.choice import Decision, certainty


def model_card(decision: Decision, run: RunView, trained: RunView, study: str) -> str:
    """The card of what was chosen, in Markdown.

    `trained` is the run that trained the model: of an export, that of its original.
    """
    choice, tags = decision.choice, run.tags
    chosen = choice.chosen
    exported = metrics.EXPORT_OF_TAG in tags
    _, conversion_wh, _ = metrics.phase_metrics("export")
    head = {
        "library_name": "litert" if exported else "keras",
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

    def energy(name: str, of: RunView = run) -> str:
        return reading.amount(metrics.amount(name, of.metrics), "Wh")

    smaller = [
        f"LiteRT's version of `{trained.name}`: trained once and converted, which both count as",
        "training here. Its file is `data/model.tflite`.",
    ]
    energies = {"energy of training": energy(metrics.TOTAL_WH, trained)}
    if exported:
        energies["energy of conversion"] = energy(conversion_wh)
    energies["energy of 1,000 predictions"] = energy(metrics.INFERENCE_WH_PER_1K)
    lines = [
        "---",
        yaml.safe_dump(head, sort_keys=False).rstrip(),
        "---",
        f"# {chosen.name}",
        f"Chosen from study `{study}`: {choice.reason}.",
        certainty(decision),
        *(smaller if exported else []),
        "",
        "| | |",
        "|---|---|",
        f"| validation accuracy | {reading.percent(chosen.val_accuracy)} |",
        f"| test accuracy | {reading.percent(chosen.accuracy)},"
        f" 95 % interval {100 * chosen.accuracy_low:.2f} to {100 * chosen.accuracy_high:.2f} |",
        *(f"| {what} | {told} |" for what, told in energies.items()),
        f"| training | {reading.amount(chosen.training, 'g')} CO2e |",
        f"| 1,000 predictions | {reading.amount(chosen.inference_per_1k, 'g')} CO2e |",
        f"| one prediction | {chosen.latency_ms:.3g} ms |",
        f"| parameters | {chosen.parameters:,} |",
        f"| size | {reading.quantity(chosen.size_bytes, 'B')} |",
        "",
        "Takes uint8 images (n, 28, 28), gives ten probabilities. Accuracy is on the 10,000 test",
        "images of Fashion-MNIST, seen once. Emissions are of this model's training alone; the",
        "search that found it cost more, and stands in the study's run.",
        decision.life.verdict(),
        "",
        reading.legend([tags]),
    ]
    return "\n".join(lines) + "\n"
