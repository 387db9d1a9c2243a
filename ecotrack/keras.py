"""Energy per epoch in any Keras training: a callback."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import keras

from ecotrack.anywhere import own_meter, own_turn
from ecotrack.measure import Meter, Window
from ecotrack.measurement import Measurement


class EnergyPerEpoch(keras.callbacks.Callback):
    """Measures each epoch, validation included, and puts the figures into Keras' own history.

    >>> energy = EnergyPerEpoch()
    >>> history = model.fit(x, y, epochs=3, callbacks=[energy])
    >>> history.history["energy_wh"]  # one figure an epoch
    >>> energy.epochs[0].cpu_s  # the whole Measurement

    List it first: what other callbacks do at the end of an epoch is then not measured.

    Args:
        meter: whatever has a `read()`; None: the process's own. Then the training waits for the
            machine's turn, too, and keeps it to its end: to that of the callback, if it raises.

    Attributes:
        epochs: a Measurement for each epoch.
    """

    def __init__(self, meter: Meter | None = None) -> None:
        super().__init__()
        self.epochs: list[Measurement] = []
        self._given, self._turn = meter, ExitStack()
        self._meter = meter or own_meter()
        self._window: Window | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Wait for the machine's turn."""
        self._turn.close()  # what an interrupted training left
        if self._given is None:
            self._turn.enter_context(own_turn())

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Give it back."""
        self._turn.close()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Open the window."""
        self._window = Window(self._meter)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Close it, and add the epoch's figures to Keras' logs."""
        if self._window is None:
            return
        cost = self._window.so_far()
        self.epochs.append(cost)
        if logs is not None:
            logs |= {"energy_wh": cost.total_wh, "emissions_g": cost.co2_g}
