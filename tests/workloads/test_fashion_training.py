import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.workloads.fashion import data, models, training
from experiments.workloads.fashion.augment import Augmentation
from experiments.workloads.fashion.quiet import keras, tf
from tests import naive

ROOT = Path(__file__).parents[2]
IMAGES, EPOCHS, BATCH, RATE = 2000, 2, 64, 0.01
DIGEST = """
from tests.workloads.test_fashion_training import digest, trained
print(digest(trained("cnn", "flip+shift", seed=3)))
"""
GPUS = tf.config.list_physical_devices("GPU")


@pytest.fixture(scope="module")
def images() -> data.FashionMNIST:
    return data.load()


def schedule(augmentation: Augmentation = "none", seed: int = 0, **other: Any) -> training.Schedule:
    how = {"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": RATE, **other}
    return training.Schedule(augmentation=augmentation, seed=seed, **how)


def prepared(family: str, augmentation: str, *, seed: int) -> training.Trainee:
    """A small model on a subset of the real images, ready to train."""
    training.start_afresh(seed)
    return training.prepare(
        models.build(family, 4, 2), data.load().training.first(IMAGES), schedule(augmentation, seed)
    )


def trained(family: str, augmentation: str, *, seed: int) -> keras.Model:
    trainee = prepared(family, augmentation, seed=seed)
    for number in range(EPOCHS):
        trainee.epoch(number)
    return trainee.model


def digest(model: keras.Model) -> str:
    """Equal for models whose weights are equal to the last bit."""
    return hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()


@pytest.fixture(scope="module")
def cnn() -> keras.Model:
    return trained("cnn", "flip+shift", seed=3)


@pytest.mark.parametrize(
    ("family", "augmentation"), [("mlp", "none"), ("separable", "cutout"), ("residual", "flip")]
)
def test_the_same_seed_gives_the_same_weights(family, augmentation):
    assert digest(trained(family, augmentation, seed=7)) == digest(
        trained(family, augmentation, seed=7)
    )


def test_the_same_seed_gives_the_same_weights_in_another_process(cnn):
    done = subprocess.run(
        [sys.executable, "-c", DIGEST], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == digest(cnn)


def test_another_seed_gives_other_weights(cnn):
    assert digest(trained("cnn", "flip+shift", seed=4)) != digest(cnn)


@pytest.mark.parametrize("augmentation", ["cutout", "flip+shift"])
def test_tracing_leaves_everything_as_freshly_built(augmentation):
    training.start_afresh(5)
    fresh = models.build("cnn", 4, 2)
    expected = [variable.numpy() for variable in fresh.variables]

    trainee = prepared("cnn", augmentation, seed=5)
    found = [variable.numpy() for variable in trainee.trained.variables]
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one, other)
    optimizer = trainee.trained.optimizer
    assert int(optimizer.iterations) == 0
    moments = [v for v in optimizer.variables if v.shape and "learning_rate" not in v.path]
    assert len(moments) >= 2 * len(trainee.model.trainable_variables)
    assert not any(np.any(v.numpy()) for v in moments)


def test_an_epoch_counts_its_own_steps_only():
    trainee = prepared("mlp", "none", seed=0)
    steps = IMAGES // BATCH
    for number in range(EPOCHS):
        trainee.epoch(number)
        assert int(trainee.trained.optimizer.iterations) == steps * (number + 1)


def test_the_learning_rate_rises_to_its_peak_and_falls_to_zero():
    optimizer = prepared("mlp", "none", seed=0).trained.optimizer
    steps = EPOCHS * (IMAGES // BATCH)
    rates = []
    for step in range(steps + 1):
        optimizer.iterations.assign(step)
        rates.append(float(optimizer.learning_rate))
    peak = int(np.argmax(rates))
    assert rates[0] == pytest.approx(RATE / 25)
    assert rates[peak] == pytest.approx(RATE)
    assert peak == pytest.approx(0.3 * steps, abs=1)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_an_epoch_sees_each_image_once_with_its_label_in_a_new_order(images):
    trainee = prepared("mlp", "none", seed=0)
    subset = images.training.first(IMAGES)
    labels_of = {}
    for pixels, label in zip(subset.images, subset.labels, strict=True):
        labels_of.setdefault(pixels.tobytes(), []).append(label)
    epochs = []
    for number in range(2):
        batches = trainee.batches(number, subset.images).as_numpy_iterator()
        seen = [(x, y.argmax()) for xs, ys in batches for x, y in zip(xs, ys, strict=True)]
        assert len(seen) == IMAGES // BATCH * BATCH
        assert all(y in labels_of[x.tobytes()] for x, y in seen)
        assert len({x.tobytes() for x, _ in seen}) >= 0.99 * len(seen), "hardly any is twice"
        epochs.append([int(y) for _, y in seen])
    assert epochs[0] != epochs[1]


def test_a_batch_larger_than_the_data_is_all_of_it(images):
    few = images.training.first(50)
    trainee = training.prepare(models.build("linear", 1, 1), few, schedule(batch_size=128))
    assert [len(y) for _, y in trainee.batches(0, few.images)] == [50]


@pytest.mark.parametrize("family", models.FAMILIES)
def test_every_family_learns(family, images):
    training.start_afresh(0)
    model = models.build(family, 8, 2)
    trainee = training.prepare(
        model,
        images.training.first(IMAGES),
        schedule(batch_size=32),
    )
    losses = [trainee.epoch(number)[0] for number in range(EPOCHS)]
    assert losses == sorted(losses, reverse=True)
    assert training.evaluate(model, images.validation).accuracy > 0.5


@pytest.mark.parametrize("size", [1, 700, 1000, 1700])
def test_evaluation_agrees_with_counting_by_hand(cnn, images, size):
    split = images.validation.first(size)
    found = training.evaluate(cnn, split)
    probabilities = cnn.predict(split.images, batch_size=size, verbose=0)
    predicted = probabilities.argmax(axis=1).tolist()
    assert found.confusion.tolist() == naive.confusion(split.labels.tolist(), predicted, 10)
    assert found.total == found.confusion.sum() == size
    assert found.correct == np.trace(found.confusion)
    assert found.accuracy == np.mean(split.labels == predicted)
    loss = keras.losses.SparseCategoricalCrossentropy()(split.labels, probabilities)
    assert found.loss == pytest.approx(float(loss), rel=1e-4)


def test_evaluation_changes_nothing(cnn, images):
    before = digest(cnn)
    training.evaluate(cnn, images.validation.first(100))
    assert digest(cnn) == before


@pytest.mark.parametrize("size", [1, 100])
def test_a_predictor_predicts_what_the_model_does(cnn, images, size):
    some = images.test.images[:size]
    predict = training.predictor(cnn, some)
    assert predict() == pytest.approx(cnn.predict_on_batch(some), abs=1e-5)
    assert np.array_equal(predict(), predict())


@pytest.mark.skipif(bool(GPUS), reason="there is a GPU here")
@pytest.mark.parametrize("wanted", ["auto", "cpu"])
def test_the_cpu_is_taken_where_there_is_no_gpu(wanted):
    assert training.choose_device(wanted) == "cpu"


@pytest.mark.skipif(bool(GPUS), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(training.DeviceError, match="--device gpu"):
        training.choose_device("gpu")


@pytest.mark.skipif(not GPUS, reason="there is no GPU here")
def test_a_gpu_is_taken_by_its_name():
    assert training.choose_device("gpu") == training.choose_device("auto") != "cpu"
