"""Pictures of one model: what it confuses, class by class."""

import altair as alt
import numpy as np

from experiments.workloads.fashion.data import CLASSES


def confusion(counts: np.ndarray) -> alt.LayerChart:
    """Confusion matrix; counts: (10, 10), true class by predicted class."""
    rows = [
        {"true": CLASSES[i], "predicted": CLASSES[j], "images": int(counts[i, j])}
        for i in range(len(CLASSES))
        for j in range(len(CLASSES))
    ]
    axes = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("predicted:N", sort=list(CLASSES), title="predicted class"),
        y=alt.Y("true:N", sort=list(CLASSES), title="true class"),
    )
    squares = axes.mark_rect().encode(
        color=alt.Color("images:Q", title="images").scale(type="symlog", scheme="blues")
    )
    light_on_dark = alt.condition(alt.datum.images > 60, alt.value("white"), alt.value("black"))
    numbers = axes.mark_text(fontSize=10).encode(text="images:Q", color=light_on_dark)
    return (squares + numbers).properties(width=420, height=420)


def class_accuracy(counts: np.ndarray) -> alt.Chart:
    """Accuracy of each class; counts as in `confusion`."""
    shares = np.diag(counts) / np.maximum(counts.sum(axis=1), 1)
    rows = [{"class": name, "accuracy": float(s)} for name, s in zip(CLASSES, shares, strict=True)]
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("accuracy:Q", title="accuracy on the test images").scale(domain=(0, 1)),
            y=alt.Y("class:N", sort=list(CLASSES), title=None),
        )
        .properties(width=420)
    )
