import numpy as np
import pytest
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from experiments.workloads.fashion import data, models, operations
from experiments.workloads.fashion.models import FAMILIES, SIZED, build
from experiments.workloads.fashion.quiet import keras, tf


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Some of the real ones."""
    return data.load().test.images[:32]


@pytest.fixture(scope="module")
def small() -> dict[str, keras.Model]:
    """Family -> an untrained model."""
    keras.utils.set_random_seed(0)
    return {family: build(family, 4, 2) for family in FAMILIES}


@pytest.fixture(params=FAMILIES)
def model(request, small) -> keras.Model:
    return small[request.param]


def test_raw_images_become_ten_probabilities(model, images):
    assert images.dtype == np.uint8
    assert model.inputs[0].dtype == "uint8"
    assert model.inputs[0].shape == (None, 28, 28)
    probabilities = model.predict_on_batch(images)
    assert probabilities.shape == (len(images), 10)
    assert (probabilities >= 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_model_sees_one_image_as_it_sees_many(model, images):
    alone = np.concatenate([model.predict_on_batch(images[i : i + 1]) for i in range(4)])
    assert alone == pytest.approx(model.predict_on_batch(images)[:4], abs=1e-6)


def test_pixels_are_scaled_inside(model, images):
    pixels = images[..., np.newaxis].astype("float32") / 255
    body = model.get_layer(model.name)
    assert model.predict_on_batch(images) == pytest.approx(body.predict_on_batch(pixels), abs=1e-6)


@pytest.mark.parametrize("family", SIZED)
def test_sizes_span_two_orders_of_magnitude(family):
    smallest, largest = build(family, 1, 1), build(family, 64, 4)
    assert largest.count_params() >= 100 * smallest.count_params()


@pytest.mark.parametrize("family", SIZED)
def test_a_wider_model_is_larger_and_works_more(family):
    built = [build(family, width, 3) for width in (1, 2, 4, 8)]
    for measure in (keras.Model.count_params, operations.flops, models.size_bytes):
        sizes = [measure(model) for model in built]
        assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_deepest_model_can_be_built(family, images):
    assert build(family, 1, 16).predict_on_batch(images).shape == (len(images), 10)


def test_a_model_is_named_by_its_shape(model):
    assert model.name in {"linear", "keras", *(f"{family}-4x2" for family in SIZED)}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("width", "depth"), [(1, 1), (4, 2), (8, 3), (2, 5)])
def test_planned_flops_are_those_of_the_model(family, width, depth):
    assert operations.planned_flops(family, width, depth) == operations.flops(
        build(family, width, depth)
    )


def test_size_is_four_bytes_a_weight(model):
    assert models.size_bytes(model) == 4 * model.count_params()


def profiled_flops(model: keras.Model) -> dict[str, int]:
    """TensorFlow's own count for one image, by kind of operation."""
    serve = tf.function(lambda x: model(x, training=False))
    concrete = serve.get_concrete_function(tf.TensorSpec((1, 28, 28), "uint8"))
    graph = convert_variables_to_constants_v2(concrete).graph
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    profile = profiler.profile(graph, cmd="op", options=options)
    found = {}
    while profile.children:
        (profile,) = profile.children
        found[profile.name] = profile.float_ops
    return found


@pytest.mark.parametrize("width", [1, 8, 32])
@pytest.mark.parametrize("family", FAMILIES)
def test_flops_of_dense_and_convolution_layers_are_those_of_tensorflow(family, width):
    model = build(family, width, 3)
    profiled = profiled_flops(model)
    counted = sum(profiled.get(kind, 0) for kind in ("MatMul", "Conv2D", "DepthwiseConv2dNative"))
    assert operations.flops(model) == counted


@pytest.mark.parametrize("family", FAMILIES)
def test_flops_that_are_not_counted_are_a_few_percent(family):
    """Biases, normalisation, pooling: 4 % of a separable model; scaling pixels: 9 % of a linear."""
    model, few = build(family, 16, 3), 0.1 if family == "linear" else 0.05
    assert operations.flops(model) == pytest.approx(sum(profiled_flops(model).values()), rel=few)


def test_flops_of_a_model_that_can_be_counted_by_hand():
    assert operations.flops(build("mlp", 2, 1)) == 2 * (784 * 16 + 16 * 10)


def test_what_is_saved_predicts_the_same(model, images, tmp_path):
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path, safe_mode=True)
    assert np.array_equal(loaded.predict_on_batch(images), model.predict_on_batch(images))


def test_a_mirrored_model_predicts_the_mean_of_both_ways_for_twice_the_operations(images, tmp_path):
    model = build("pooled", 4, 2)
    both = models.mirrored(model)
    mean = (model.predict_on_batch(images) + model.predict_on_batch(images[:, :, ::-1])) / 2
    assert both.predict_on_batch(images) == pytest.approx(mean, abs=1e-6)
    assert both.predict_on_batch(images[:, :, ::-1]) == pytest.approx(mean, abs=1e-6)
    assert operations.flops(both) == 2 * operations.flops(model)
    assert models.size_bytes(both) == models.size_bytes(model)

    model.set_weights([0 * weight for weight in model.get_weights()])
    assert both.predict_on_batch(images) == pytest.approx(0.1), "it shares the weights"
    both.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert np.array_equal(loaded.predict_on_batch(images), both.predict_on_batch(images))
