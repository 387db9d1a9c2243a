"""The variants of bench.ablation do what their names say; small arrays, and no training."""

import csv

import numpy as np
import pytest

from bench import ablation
from bench.variants import VARIANTS, convolutions, dirac, network, whitening
from experiments.workloads.fashion import data, models, training
from experiments.workloads.fashion.quiet import keras, tf
from experiments.workloads.fashion.recipes import RECIPES
from experiments.workloads.fashion.training import Schedule, one_cycle


@pytest.fixture
def images() -> np.ndarray:
    """(2000, 28, 28) uint8 whose neighbouring pixels are alike."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (2000, 7, 7))
    return coarse.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)


def test_with_nothing_changed_the_network_is_that_of_the_recipe(images):
    how = RECIPES[ablation.BASE].training
    theirs, ours = models.build(how.family, how.width, how.depth), network()
    theirs.set_weights(ours.get_weights())
    some = images[:8]
    np.testing.assert_allclose(
        theirs.predict_on_batch(some), ours.predict_on_batch(some), rtol=1e-5
    )


@pytest.mark.parametrize("name", [name for name, v in VARIANTS.items() if v.body is not None])
def test_a_changed_network_gives_probabilities(name, images):
    found = network(**VARIANTS[name].body).predict_on_batch(images[:4])
    assert found.shape == (4, 10)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_a_whitened_kernel_gives_uncorrelated_values_of_one_variance(images):
    model = network()
    whitening(model, images)
    kernel = convolutions(model)[0].kernel.numpy()
    half = kernel.shape[-1] // 2
    np.testing.assert_allclose(kernel[..., :half], -kernel[..., half:])
    seen = tf.nn.conv2d(images[..., None].astype(np.float32) / 255, kernel, 1, "VALID").numpy()
    covariance = np.cov(seen[..., :half].reshape(-1, half), rowvar=False)
    scale = np.sqrt(np.outer(*[np.diag(covariance)] * 2))
    assert np.abs(covariance / scale - np.eye(half)).max() < 0.2
    assert (np.diag(covariance) < 1.2).all()


def test_a_dirac_kernel_passes_its_channels_on_twice(images):
    model = network()
    dirac(model, images)
    second = convolutions(model)[1]
    passed = second(tf.random.normal((2, 7, 7, 32), seed=1)).numpy()
    np.testing.assert_array_equal(passed[..., :32], passed[..., 32:])
    values = np.random.default_rng(0).normal(size=(1, 7, 7, 32)).astype(np.float32)
    np.testing.assert_allclose(second(values).numpy()[..., :32], values, rtol=1e-6)


def test_the_rate_peaks_where_it_should():
    for share in (0.15, 0.5):
        rate = one_cycle(0.01, 100, share)
        rates = [float(rate(step)) for step in range(101)]
        assert int(np.argmax(rates)) == round(100 * share)
        assert max(rates) == pytest.approx(0.01, rel=1e-3)
        assert rates[-1] < 1e-5


def test_the_recipes_own_rate_is_the_default():
    schedule = Schedule(epochs=1, batch_size=256, learning_rate=0.01, seed=0)
    theirs = training._optimizer(schedule, 100)._learning_rate
    ours = one_cycle(0.01, 100)
    assert [float(theirs(step)) for step in range(100)] == [float(ours(s)) for s in range(100)]


def test_the_harder_half_is_what_is_learned_from(images):
    split = data.Split(images[:256], np.arange(256) % 10)
    schedule = Schedule(epochs=1, batch_size=256, learning_rate=0.01, seed=0)
    trainee = training.prepare(network(), split, schedule)
    seen = []
    trainee.trained.train_step = lambda batch: seen.append(batch[0].shape[0]) or {}
    ablation.learn_from_the_hardest(trainee.trained)
    labels = keras.utils.to_categorical(split.labels, 10)
    trainee.trained.train_step((tf.constant(split.images), tf.constant(labels)))
    assert seen == [128]


def test_what_a_file_has_is_not_trained_again(tmp_path):
    path = tmp_path / "found.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(ablation.COLUMNS)
        writer.writerow(["as it is", 0, 2, "19.1", "0.91"])
        writer.writerow(["as it is", 1, 3, "28.1", "0.92"])
    names = list(VARIANTS)
    left = list(ablation.missing(path, [0, 1], epochs=2))
    assert left == [(n, 0) for n in names[1:]] + [(n, 1) for n in reversed(names)]
