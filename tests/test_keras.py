"""The callback in a real Keras training."""

import keras
import numpy as np
import pytest

from ecotrack.keras import EnergyPerEpoch
from ecotrack.measure import measure
from ecotrack.meters import CodeCarbonMeter, grid


@pytest.fixture(scope="module")
def meter():
    with CodeCarbonMeter(grid("WORLD")) as meter:
        yield meter


def test_each_epoch_has_its_energy_and_the_epochs_lie_within_the_training(meter):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    energy = EnergyPerEpoch(meter)
    x = np.ones((64, 8), np.float32)
    with measure(meter) as training:
        history = model.fit(x, x[:, :1], epochs=3, verbose=0, callbacks=[energy]).history
    assert history["energy_wh"] == [epoch.total_wh for epoch in energy.epochs]
    assert history["emissions_g"] == [epoch.co2_g for epoch in energy.epochs]
    assert len(energy.epochs) == 3
    assert all(epoch.total_j > 0 for epoch in energy.epochs)
    assert sum(epoch.total_j for epoch in energy.epochs) <= training.cost.total_j
    assert sum(epoch.cpu_s for epoch in energy.epochs) <= training.cost.cpu_s
