"""Exports by LiteRT: small files that predict as their originals do."""

from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import keras
import numpy as np
import pytest

from ecotrack.litert_file import LiteRTFile
from experiments.workloads.fashion import data, models, training
from experiments.workloads.fashion.export import EXAMPLES, Precision, litert


@pytest.fixture(scope="module")
def examples() -> np.ndarray:
    return data.load().training.images[:EXAMPLES]


@pytest.fixture(scope="module")
def some() -> data.Split:
    return data.load().validation.first(1000)


@pytest.fixture(scope="module")
def cnn() -> keras.Model:
    training.start_afresh(0)
    model = models.build("cnn", 8, 3)
    schedule = training.Schedule(epochs=2, batch_size=64, learning_rate=0.01, seed=0)
    trainee = training.prepare(model, data.load().training.first(3000), schedule)
    for number in range(2):
        trainee.epoch(number)
    return model


@pytest.fixture(scope="module")
def files(cnn: keras.Model, examples: np.ndarray) -> dict[str, LiteRTFile]:
    return {p: LiteRTFile(litert(cnn, p, examples)) for p in get_args(Precision)}


def test_fewer_bits_make_a_smaller_file(cnn, files):
    int8, float16, float32 = (len(files[p].content) for p in ("int8", "float16", "float32"))
    weights = models.size_bytes(cnn)
    assert int8 < float16 < weights < float32, "what a file holds besides comes on top"
    assert int8 < 0.4 * weights
    assert float16 < 0.6 * weights


@pytest.mark.parametrize(
    ("precision", "off", "as_named"), [("float32", 1e-5, 1.0), ("float16", 0.01, 0.995)]
)
def test_an_export_in_floats_says_what_its_original_does(
    cnn, files, precision, off, as_named, some
):
    expected, found = cnn.predict_on_batch(some.images), files[precision].predict(some.images)
    assert np.abs(found - expected).max() < off
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) >= as_named


def test_an_export_in_whole_numbers_names_nearly_all_images_alike(cnn, files, some):
    expected, found = cnn.predict_on_batch(some.images), files["int8"].predict(some.images)
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) > 0.95


def test_whole_numbers_are_learned_from_the_examples(cnn, some, examples):
    """Black images show no layer what to expect, and the export is of no use."""
    blind = LiteRTFile(litert(cnn, "int8", np.zeros_like(examples)))
    expected = cnn.predict_on_batch(some.images).argmax(axis=1)
    assert np.mean(blind.predict(some.images).argmax(axis=1) == expected) < 0.9


@pytest.mark.parametrize("family", ["mlp", "separable", "residual", "pooled"])
def test_every_family_can_be_exported(family, some, examples):
    training.start_afresh(0)
    small = LiteRTFile(litert(models.build(family, 2, 1), "int8", examples[:10]))
    assert small.takes == (np.dtype("uint8"), (-1, 28, 28))
    assert small.gives == (np.dtype("float32"), (-1, 10))
    assert small.predict(some.images[:7]).sum(axis=1) == pytest.approx(np.ones(7), abs=0.05)


@pytest.mark.parametrize(("precision", "as_named"), [("int8", 0.95), ("float32", 1.0)])
def test_a_model_that_predicts_both_ways_can_be_exported(cnn, some, examples, precision, as_named):
    both = models.mirrored(cnn)
    small = LiteRTFile(litert(both, precision, examples))
    expected = both.predict_on_batch(some.images).argmax(axis=1)
    assert np.mean(small.predict(some.images).argmax(axis=1) == expected) >= as_named


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_a_batch_of_any_size_is_predicted_as_its_images_are_alone(files, precision, some):
    small = files[precision]
    alone = np.concatenate([small.predict(some.images[i : i + 1]) for i in range(20)])
    for size in (20, 3, 20):
        assert small.predict(some.images[:size]) == pytest.approx(alone[:size], abs=1e-6)
    assert small.predict(some.images[:0]).shape == (0, 10)


def test_a_batch_of_another_type_is_refused_and_the_next_one_served(files, some):
    small = files["int8"]
    expected = small.predict(some.images[:5])
    with pytest.raises(ValueError, match="FLOAT32"):
        small.predict(some.images[:7].astype(np.float32))
    assert np.array_equal(small.predict(some.images[:5]), expected)


def test_threads_that_share_an_interpreter_get_their_own_answers(files, some):
    small = files["float32"]
    sizes = [1 + n % 5 for n in range(200)]
    expected = {size: small.predict(some.images[:size]) for size in set(sizes)}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda size: small.predict(some.images[:size]), sizes))
    for size, answer in zip(sizes, found, strict=True):
        assert answer == pytest.approx(expected[size], abs=1e-6)


def test_it_is_evaluated_and_served_as_a_keras_model_is(files, some):
    small = files["int8"]
    found = training.evaluate(small, some)
    named = small.predict(some.images).argmax(axis=1)
    assert found.accuracy == np.mean(named == some.labels)
    assert np.array_equal(
        training.predictor(small, some.images[:9])(), small.predict(some.images[:9])
    )
