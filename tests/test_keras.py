"""The callback in a real Keras training."""

import gc
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from ecotrack.keras import EnergyPerEpoch
from ecotrack.measure import measure
from ecotrack.measurement import Measurement
from ecotrack.meters.codecarbon import CodeCarbonMeter, ScriptedMeter
from ecotrack.meters.grid import grid
from tests.meters.test_turn import is_taken


@pytest.fixture(scope="module")
def meter():
    with CodeCarbonMeter(grid("WORLD")) as meter:
        yield meter


def train(*callbacks: keras.callbacks.Callback) -> dict[str, list[float]]:
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((64, 8), np.float32)
    return model.fit(x, x[:, :1], epochs=3, verbose=0, callbacks=list(callbacks)).history


def after_each_epoch(call: Callable[[], object]) -> keras.callbacks.Callback:
    return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: call())


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("ecotrack.keras.own_meter", lambda: ScriptedMeter([Measurement()]))
    monkeypatch.setenv("ECOTRACK_LOCK", str(tmp_path / "turn.lock"))
    (tmp_path / "turn.lock").touch()
    return tmp_path / "turn.lock"


def test_a_training_has_the_machine_to_itself(lock):
    seen = []
    energy = EnergyPerEpoch()
    for _ in range(2):
        assert not is_taken(lock)
        train(energy, after_each_epoch(lambda: seen.append(is_taken(lock))))
    assert seen == 6 * [True]
    assert not is_taken(lock)


def test_with_a_meter_of_its_own_it_waits_for_nobody(lock):
    seen = []
    train(
        EnergyPerEpoch(ScriptedMeter([Measurement()])),
        after_each_epoch(lambda: seen.append(is_taken(lock))),
    )
    assert seen == 3 * [False]


def test_a_training_that_raises_gives_the_machine_back_with_its_callback(lock):
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(EnergyPerEpoch(), after_each_epoch(broken))
    gc.collect()
    assert not is_taken(lock)


def test_each_epoch_has_its_energy_and_the_epochs_lie_within_the_training(meter):
    energy = EnergyPerEpoch(meter)
    with measure(meter) as training:
        history = train(energy)
    assert history["energy_wh"] == [epoch.total_wh for epoch in energy.epochs]
    assert history["emissions_g"] == [epoch.co2_g for epoch in energy.epochs]
    assert len(energy.epochs) == 3
    assert all(epoch.total_j > 0 for epoch in energy.epochs)
    assert sum(epoch.total_j for epoch in energy.epochs) <= training.cost.total_j
    assert sum(epoch.cpu_s for epoch in energy.epochs) <= training.cost.cpu_s
