import numpy as np

from experiments.workloads.fashion import data, duplicates


def test_what_is_known_is_what_is_found():
    images = data.load()
    every = np.concatenate([images.training.images, images.validation.images])
    some = images.test.images[:400]
    found = duplicates.find(some, every)
    assert found.any()
    assert np.array_equal(found, duplicates.known()[:400])


def test_near_is_less_than_the_radius():
    image = np.zeros((1, 28, 28), np.uint8)
    near, far = image.copy(), image.copy()
    near[0, :2, 0] = 255, 255
    far[0, :4, 0] = 255, 255, 255, 255
    assert np.sqrt(2) * 255 < duplicates.RADIUS < 2 * 255
    assert duplicates.find(near, image).all()
    assert not duplicates.find(far, image).any()
