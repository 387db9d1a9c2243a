import gzip
import hashlib
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from experiments.workloads.fashion import data
from experiments.workloads.fashion.data import DataError

LABELS = "t10k-labels-idx1-ubyte"  # small, so that spoiling it is quick
OTHER_LABELS = "train-labels-idx1-ubyte"
VALIDATION_SHA256 = "039addb8f7a47b952c8ff24b51a8bed7f32f5472aa55ef64640d5f6e09cea940"
load = data.load.__wrapped__  # past the cache of this process


@pytest.fixture(scope="module")
def images() -> data.FashionMNIST:
    return data.load()


@pytest.fixture(scope="module")
def originals(images) -> dict[str, Path]:
    """The real files, wherever this machine keeps them."""
    return data._find()


@pytest.fixture(scope="module")
def contents(originals) -> dict[str, bytes]:
    """IDX bytes by name."""
    return {name: unpacked(path) for name, path in originals.items()}


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch, images):
    """Every place where images are looked for is empty, and nothing can be fetched."""

    def unreachable(scratch: Path) -> Path:
        raise data._SourceError("no network in this test")

    monkeypatch.delenv("ECOTRACK_DATA_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(data, "DEBIAN_DIR", tmp_path / "debian")
    monkeypatch.setattr(data, "_from_keras", unreachable)
    monkeypatch.setattr(data, "_from_debian", unreachable)


@pytest.fixture
def good(tmp_path, originals) -> Path:
    """A folder with the four real files."""
    return filled(tmp_path / "good", originals)


@pytest.fixture
def poisoned(tmp_path, originals, contents) -> Path:
    """A folder in which one label of ten thousand is another."""
    folder = filled(tmp_path / "poisoned", originals)
    replace(folder, LABELS, gzip.compress(poison(contents[LABELS])))
    return folder


def unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def filled(folder: Path, files: dict[str, Path]) -> Path:
    folder.mkdir(parents=True)
    for path in files.values():
        (folder / path.name).symlink_to(path)
    return folder


def replace(folder: Path, name: str, content: bytes, suffix: str = ".gz") -> Path:
    """Put other content in the place of one of the four files."""
    for old in folder.glob(f"{name}*"):
        old.unlink()
    path = folder / f"{name}{suffix}"
    path.write_bytes(content)
    return path


def poison(idx: bytes) -> bytes:
    """The same length and head, the last byte another."""
    return idx[:-1] + bytes([(idx[-1] + 1) % 10])


def same(one: data.FashionMNIST, other: data.FashionMNIST) -> bool:
    return all(
        np.array_equal(getattr(getattr(one, split), part), getattr(getattr(other, split), part))
        for split in ("training", "validation", "test")
        for part in ("images", "labels")
    )


@pytest.mark.parametrize(
    ("split", "size", "of_each_class"),
    [("training", 55_000, 5_500), ("validation", 5_000, 500), ("test", 10_000, 1_000)],
)
def test_each_split_has_its_size_and_as_many_of_each_class(images, split, size, of_each_class):
    part = getattr(images, split)
    assert len(part) == size
    assert part.images.shape == (size, 28, 28)
    assert part.labels.shape == (size,)
    assert part.images.dtype == part.labels.dtype == np.uint8
    assert np.bincount(part.labels).tolist() == [of_each_class] * len(data.CLASSES)
    assert (part.images.min(), part.images.max()) == (0, 255)


def test_the_validation_images_are_the_same_for_ever(images):
    kept = images.validation.labels.tobytes() + images.validation.images.tobytes()
    assert hashlib.sha256(kept).hexdigest() == VALIDATION_SHA256


def test_every_original_image_is_in_training_or_in_validation_once(images, contents):
    def labelled(pixels: bytes, labels: bytes) -> Counter:
        return Counter((pixels[784 * i : 784 * (i + 1)], label) for i, label in enumerate(labels))

    original = labelled(contents["train-images-idx3-ubyte"][16:], contents[OTHER_LABELS][8:])
    parts = [
        labelled(split.images.tobytes(), split.labels.tobytes())
        for split in (images.training, images.validation)
    ]
    assert sum(parts, Counter()) == original


def test_the_first_images_keep_their_labels(images):
    few = images.test.first(7)
    assert len(few) == 7
    assert np.array_equal(few.images, images.test.images[:7])
    assert np.array_equal(few.labels, images.test.labels[:7])


def test_the_known_sums_are_those_of_the_real_files(contents):
    assert {name: hashlib.sha256(idx).hexdigest() for name, idx in contents.items()} == data.SHA256


def spoiled(how: str, contents: dict[str, bytes]) -> bytes:
    """Content that is not the original, as it would be packed."""
    packed = gzip.compress(contents[LABELS])
    return {
        "truncated": packed[: len(packed) // 2],
        "cut within the head": packed[:5],
        "empty": b"",
        "swapped": gzip.compress(contents[OTHER_LABELS]),
        "poisoned": gzip.compress(poison(contents[LABELS])),
        "shortened": gzip.compress(contents[LABELS][:-1]),
        "lengthened": gzip.compress(contents[LABELS] + b"\0"),
        "an error page": b"<html>404 Not Found</html>",
    }[how]


def assert_refused(path: Path, refusal: DataError, found: bytes | None) -> None:
    message = str(refusal)
    assert str(path) in message
    assert data.SHA256[LABELS] in message, "the sum expected"
    if found is not None:
        assert hashlib.sha256(found).hexdigest() in message, "the sum found"
    assert "\n" not in message


@pytest.mark.parametrize("how", ["swapped", "poisoned", "shortened", "lengthened"])
def test_another_content_is_refused_with_both_sums(how, good, contents, monkeypatch):
    content = spoiled(how, contents)
    path = replace(good, LABELS, content)
    monkeypatch.setenv("ECOTRACK_DATA_DIR", str(good))
    with pytest.raises(DataError) as refusal:
        load()
    assert_refused(path, refusal.value, gzip.decompress(content))


@pytest.mark.parametrize("how", ["truncated", "cut within the head", "empty", "an error page"])
def test_a_file_that_cannot_be_unpacked_is_refused_with_both_sums(how, good, contents, monkeypatch):
    path = replace(good, LABELS, spoiled(how, contents))
    monkeypatch.setenv("ECOTRACK_DATA_DIR", str(good))
    with pytest.raises(DataError) as refusal:
        load()
    assert_refused(path, refusal.value, None)
    assert len(set(re.findall(r"\b[0-9a-f]{64}\b", str(refusal.value)))) == 2


@pytest.mark.parametrize("cut", [0, 3, 8, 9_999])
def test_a_truncated_unpacked_file_is_refused_with_both_sums(cut, good, contents, monkeypatch):
    path = replace(good, LABELS, contents[LABELS][:cut], suffix="")
    monkeypatch.setenv("ECOTRACK_DATA_DIR", str(good))
    with pytest.raises(DataError) as refusal:
        load()
    assert_refused(path, refusal.value, contents[LABELS][:cut])


def test_unpacked_files_are_read_too(tmp_path, contents, images, monkeypatch):
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, idx in contents.items():
        (folder / name).write_bytes(idx)
    monkeypatch.setenv("ECOTRACK_DATA_DIR", str(folder))
    assert same(load(), images)


def test_packed_and_unpacked_files_may_stand_together(good, contents, images, monkeypatch):
    replace(good, LABELS, contents[LABELS], suffix="")
    monkeypatch.setenv("ECOTRACK_DATA_DIR", str(good))
    assert same(load(), images)


def test_a_named_folder_that_lacks_a_file_is_refused_by_name(good, monkeypatch):
    next(good.glob(f"{LABELS}*")).unlink()
    monkeypatch.setenv("ECOTRACK_DATA_DIR", str(good))
    with pytest.raises(DataError, match=r"ECOTRACK_DATA_DIR=.*lacks") as refusal:
        load()
    assert str(good) in str(refusal.value)


def place(folder: Path, where: str, monkeypatch) -> None:
    """Make a folder what one of the places holds."""
    if where == "ECOTRACK_DATA_DIR":
        monkeypatch.setenv(where, str(folder))
        return
    target = data.cache_dir() if where == "Keras cache" else data.DEBIAN_DIR
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(folder)


@pytest.mark.parametrize("where", ["ECOTRACK_DATA_DIR", "Keras cache", "Debian's package"])
def test_images_are_found_in_each_place(where, good, images, monkeypatch):
    place(good, where, monkeypatch)
    assert same(load(), images)


@pytest.mark.parametrize(
    ("first", "second"),
    [("ECOTRACK_DATA_DIR", "Keras cache"), ("Keras cache", "Debian's package")],
)
def test_the_first_place_is_read_and_the_second_is_not(
    first, second, good, poisoned, images, monkeypatch
):
    place(good, first, monkeypatch)
    place(poisoned, second, monkeypatch)
    assert same(load(), images)


@pytest.mark.parametrize(
    ("first", "second"),
    [("ECOTRACK_DATA_DIR", "Keras cache"), ("Keras cache", "Debian's package")],
)
def test_a_bad_file_in_the_first_place_is_not_passed_over(
    first, second, good, poisoned, monkeypatch
):
    place(poisoned, first, monkeypatch)
    place(good, second, monkeypatch)
    with pytest.raises(DataError, match="not the original"):
        load()


SOURCES = ("_from_keras", "_from_debian")


def cached() -> list[str]:
    return sorted(path.name for path in data.cache_dir().glob("*"))


@pytest.mark.parametrize("source", SOURCES)
def test_what_was_fetched_is_kept_and_not_fetched_again(source, good, images, monkeypatch):
    fetched = []
    monkeypatch.setattr(data, source, lambda scratch: fetched.append(scratch) or good)
    assert same(load(), images)
    assert len(cached()) == 4
    assert same(load(), images)
    assert len(fetched) == 1


@pytest.mark.parametrize("source", SOURCES)
def test_a_bad_file_is_never_cached(source, poisoned, monkeypatch):
    monkeypatch.setattr(data, source, lambda scratch: poisoned)
    with pytest.raises(DataError, match="not the original"):
        load()
    assert cached() == []


def test_debian_is_asked_when_keras_brings_too_little(good, tmp_path, images, monkeypatch):
    monkeypatch.setattr(data, "_from_keras", lambda scratch: scratch)
    monkeypatch.setattr(data, "_from_debian", lambda scratch: good)
    assert same(load(), images)


def test_an_interrupted_copy_leaves_no_file_under_its_name(good, monkeypatch):
    def interrupted(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "_from_keras", lambda scratch: good)
    monkeypatch.setattr(shutil, "copyfile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load()
    assert not [name for name in cached() if not name.startswith(".")]


def test_with_no_source_left_one_message_lists_four_ways():
    with pytest.raises(DataError) as refusal:
        load()
    message = str(refusal.value)
    ways = (
        "ECOTRACK_DATA_DIR",
        str(data.cache_dir()),
        "sudo apt install dataset-fashion-mnist",
        "storage.googleapis.com",
    )
    assert all(way in message for way in ways), message
    assert message.count("no network in this test") == 2, "why each source failed"
    assert "\n" not in message
    assert cached() == []
