import numpy as np
import pytest

from experiments.workloads.fashion import data
from experiments.workloads.fashion.augment import AUGMENTATIONS, augmented

RANDOM = [name for name in AUGMENTATIONS if name != "none"]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Some of the real ones."""
    return data.load().test.images[:64]


def mirrored(image: np.ndarray) -> np.ndarray:
    return image[:, ::-1]


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Moved by whole pixels, black where it came from."""
    padded = np.pad(image, 2)
    return padded[2 - down : 30 - down, 2 - right : 30 - right]


def test_without_augmentation_there_is_not_even_a_copy(images):
    assert augmented(images, "none", 0, 0) is images


@pytest.mark.parametrize("kind", RANDOM)
def test_the_images_themselves_stay_as_they_are(kind, images):
    before = images.copy()
    changed = augmented(images, kind, 0, 0)
    assert np.array_equal(images, before)
    assert changed.dtype == np.uint8
    assert changed.shape == images.shape
    assert not np.array_equal(changed, images)


@pytest.mark.parametrize("kind", RANDOM)
def test_seed_and_epoch_decide(kind, images):
    found = augmented(images, kind, 3, 1)
    assert np.array_equal(found, augmented(images, kind, 3, 1))
    assert not np.array_equal(found, augmented(images, kind, 3, 2))
    assert not np.array_equal(found, augmented(images, kind, 4, 1))


def test_an_image_is_flipped_in_every_other_epoch(images):
    one, other, third = (augmented(images, "flip", 5, epoch) for epoch in range(3))
    assert np.array_equal(one, third)
    flips = 0
    for original, a, b in zip(images, one, other, strict=True):
        straight_first = np.array_equal(a, original) and np.array_equal(b, mirrored(original))
        mirror_first = np.array_equal(a, mirrored(original)) and np.array_equal(b, original)
        assert straight_first or mirror_first
        flips += mirror_first
    assert 0 < flips < len(images)


def test_a_shifted_image_is_moved_by_two_pixels_at_most(images):
    steps = range(-2, 3)
    seen = set()
    for old, new in zip(images, augmented(images, "shift", 0, 0), strict=True):
        ways = [(d, r) for d in steps for r in steps if np.array_equal(new, shifted(old, d, r))]
        assert ways
        seen |= set(ways)
    assert len(seen) > 12, "most of the 25 ways"


def test_cutout_blackens_a_rectangle_of_some_images(images):
    touched = 0
    for old, new in zip(images, augmented(images, "cutout", 0, 0), strict=True):
        rows, columns = np.nonzero(old != new)
        if len(rows):
            touched += 1
            assert not new[rows, columns].any()
            assert np.ptp(rows) < 12
            assert np.ptp(columns) < 12
            inside = new[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert not inside.any()
    assert 0 < touched < len(images)
