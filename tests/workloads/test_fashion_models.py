import zipfile

import keras
import numpy as np
import pytest
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from experiments.workloads.fashion import data, models, tf
from experiments.workloads.fashion.models import (
    AUGMENTATIONS,
    FAMILIES,
    SIZED,
    build,
    with_augmentation,
)

RANDOM = [name for name in AUGMENTATIONS if name != "none"]


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
    for measure in (keras.Model.count_params, models.flops, models.size_bytes):
        sizes = [measure(model) for model in built]
        assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_deepest_model_can_be_built(family, images):
    assert build(family, 1, 16).predict_on_batch(images).shape == (len(images), 10)


def test_a_model_is_named_by_its_shape(model):
    assert model.name in {"linear", *(f"{family}-4x2" for family in SIZED)}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("width", "depth"), [(1, 1), (4, 2), (8, 3), (2, 5)])
def test_planned_flops_are_those_of_the_model(family, width, depth):
    assert models.planned_flops(family, width, depth) == models.flops(build(family, width, depth))


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
    assert models.flops(model) == counted


@pytest.mark.parametrize("family", FAMILIES)
def test_flops_that_are_not_counted_are_a_few_percent(family):
    """Biases, normalisation, pooling: 4 % of a separable model; scaling pixels: 9 % of a linear."""
    model, few = build(family, 16, 3), 0.1 if family == "linear" else 0.05
    assert models.flops(model) == pytest.approx(sum(profiled_flops(model).values()), rel=few)


def test_flops_of_a_model_that_can_be_counted_by_hand():
    assert models.flops(build("mlp", 2, 1)) == 2 * (784 * 16 + 16 * 10)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_weights_of_the_served_and_the_trained_model_are_the_same(small, augmentation):
    served = small["cnn"]
    trained = with_augmentation(served, augmentation)
    assert [id(v) for v in trained.trainable_variables] == [
        id(v) for v in served.trainable_variables
    ]
    assert {id(v) for v in served.weights} <= {id(v) for v in trained.weights}


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_augmentation_is_absent_at_inference(small, images, augmentation):
    served = small["mlp"]
    trained = with_augmentation(served, augmentation)
    expected = served(images, training=False).numpy()
    for _ in range(2):
        assert np.array_equal(trained(images, training=False).numpy(), expected)
        assert np.array_equal(served.predict_on_batch(images), served.predict_on_batch(images))


@pytest.mark.parametrize("augmentation", RANDOM)
def test_augmentation_is_present_in_training(small, images, augmentation):
    trained = with_augmentation(small["mlp"], augmentation)
    one, other = (trained(images, training=True).numpy() for _ in range(2))
    assert not np.array_equal(one, other)


def test_without_augmentation_training_sees_the_images_themselves(small, images):
    trained = with_augmentation(small["mlp"], "none")
    expected = small["mlp"](images).numpy()
    assert np.array_equal(trained(images, training=True).numpy(), expected)


def augmented(augmentation: str, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 28, 28) before and after."""
    pixels = images[..., np.newaxis].astype("float32") / 255
    changed = tf.constant(pixels)
    for layer in models._augmenting(augmentation):
        changed = layer(changed, training=True)
    return pixels[..., 0], changed.numpy()[..., 0]


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Moved by whole pixels, black where it came from."""
    padded = np.pad(image, 2)
    return padded[2 - down : 30 - down, 2 - right : 30 - right]


def test_a_flipped_image_is_itself_or_its_mirror_image(images):
    before, after = augmented("flip", images)
    mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(after, before, strict=True)]
    kept = [np.array_equal(a, b) for a, b in zip(after, before, strict=True)]
    assert all(m or k for m, k in zip(mirrored, kept, strict=True))
    assert any(mirrored)
    assert any(kept)


def test_a_shifted_image_is_moved_by_two_pixels_at_most(images):
    before, after = augmented("shift", images)
    steps = range(-2, 3)
    for old, new in zip(before, after, strict=True):
        moved = [shifted(old, down, right) for down in steps for right in steps]
        assert any(np.allclose(new, m, atol=1e-6) for m in moved)


def test_cutout_erases_a_rectangle_of_some_images(images):
    before, after = augmented("cutout", images)
    assert after.min() >= 0
    assert after.max() <= 1
    touched = 0
    for rows, columns in (np.nonzero(a != b) for a, b in zip(after, before, strict=True)):
        if len(rows):
            touched += 1
            height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
            assert height * width <= 0.21 * 28 * 28
    assert 0 < touched < len(images)


@pytest.mark.parametrize("augmentation", ["none", "flip+shift"])
def test_what_is_saved_predicts_the_same_and_holds_no_augmentation(
    model, images, augmentation, tmp_path
):
    with_augmentation(model, augmentation)
    path = tmp_path / "model.keras"
    model.save(path)
    assert "Random" not in zipfile.ZipFile(path).read("config.json").decode()
    loaded = keras.saving.load_model(path, safe_mode=True)
    assert np.array_equal(loaded.predict_on_batch(images), model.predict_on_batch(images))
