import keras
import numpy as np
import pytest

from experiments.workloads.fashion import cheap_layers, data, models, twin
from experiments.workloads.fashion.quiet import tf

FORMATS = ("float32", "bfloat16")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Some of the real ones."""
    return data.load().test.images[:64]


@pytest.fixture(params=models.FAMILIES)
def model(request) -> keras.Model:
    keras.utils.set_random_seed(0)
    return models.build(request.param, 4, 3)


@pytest.mark.parametrize("number_format", FORMATS)
def test_a_twin_predicts_as_the_model_does(model, images, number_format):
    close = 1e-6 if number_format == "float32" else 0.02
    found = twin.of(model, number_format)(images, training=False).numpy()
    assert found.dtype == np.float32
    assert found == pytest.approx(model(images, training=False).numpy(), abs=close)


def test_weights_go_there_and_back_in_the_same_order(model):
    double = twin.of(model, "bfloat16")
    assert [w.shape for w in double.weights] == [w.shape for w in model.weights]
    assert all(w.dtype == "float32" for w in double.trainable_variables)
    for one, other in zip(double.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_the_model_itself_stays_plain_keras_in_float32(model):
    twin.of(model, "bfloat16")
    kinds = {type(layer).__module__.partition(".")[0] for layer in model._flatten_layers()}
    assert kinds == {"keras"}
    assert {layer.compute_dtype for layer in model._flatten_layers()} <= {"float32", "uint8"}


def test_fused_normalisation_does_what_keras_does():
    rng = np.random.default_rng(0)
    inputs = rng.normal(3, 2, (64, 7, 7, 8)).astype("float32")
    plain, fused = (
        kind(momentum=0.9)
        for kind in (keras.layers.BatchNormalization, cheap_layers.FusedBatchNormalization)
    )
    for layer in (plain, fused):
        layer.build(inputs.shape)
        layer.gamma.assign(rng.normal(1, 0.1, 8) if layer is plain else plain.gamma)
    assert fused(inputs, training=True).numpy() == pytest.approx(
        plain(inputs, training=True).numpy(), abs=1e-4
    )
    assert fused.moving_mean.numpy() == pytest.approx(plain.moving_mean.numpy(), abs=1e-5)
    n = inputs[..., 0].size  # the variance of a sample, where Keras takes that of the batch
    sample = (plain.moving_variance.numpy() - 0.9) * n / (n - 1) + 0.9
    assert fused.moving_variance.numpy() == pytest.approx(sample, rel=1e-4)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize(("count", "side"), [(8, 7), (5, 7), (1, 3), (16, 3), (9, 5), (3, 14)])
def test_a_kernel_learns_the_same_from_images_side_by_side(count, side, kernel):
    rng = np.random.default_rng(0)
    inputs = keras.ops.array(rng.normal(size=(count, side, side, 4)).astype("float32"))
    wanted = rng.normal(size=(count, side, side, 6)).astype("float32")
    found = []
    for kind in (keras.layers.Conv2D, cheap_layers.StripConv2D):
        layer = kind(6, kernel, padding="same", kernel_initializer=keras.initializers.HeNormal(1))
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
            loss = tf.reduce_sum(outputs * wanted)
        found.append((outputs, *tape.gradient(loss, [inputs, layer.kernel.value])))
    for plain, ours in zip(*found, strict=True):
        assert ours.numpy() == pytest.approx(plain.numpy(), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize(("flags", "taken"), [("amx_bf16", True), ("avx512_bf16", False)])
def test_strips_are_for_amx(flags, taken, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    monkeypatch.setattr(twin, "CPUINFO", tmp_path / "cpuinfo")
    trained = twin.of(models.build("cnn", 4, 3), "bfloat16")
    kinds = {type(layer) for layer in trained._flatten_layers()}
    assert (cheap_layers.StripConv2D in kinds) is taken


@pytest.mark.parametrize("wanted", FORMATS)
def test_what_is_asked_for_is_taken(wanted):
    assert twin.choose_format(wanted) == wanted


@pytest.mark.parametrize(
    ("flags", "chosen"), [("fpu avx512_bf16", "bfloat16"), ("fpu avx2", "float32")]
)
def test_auto_asks_the_cpu(flags, chosen, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    monkeypatch.setattr(twin, "CPUINFO", tmp_path / "cpuinfo")
    assert twin.choose_format("auto") == chosen


def test_a_system_that_tells_nothing_gets_float32(tmp_path, monkeypatch):
    monkeypatch.setattr(twin, "CPUINFO", tmp_path / "nothing")
    assert twin.choose_format("auto") == "float32"
