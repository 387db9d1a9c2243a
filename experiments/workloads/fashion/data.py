"""The 60,000 + 10,000 real images of Fashion-MNIST, from wherever they can be had, verified.

Xiao, Rasul, Vollgraf 2017, https://arxiv.org/abs/1708.07747. The files are checked by the SHA-256
of their decompressed IDX bytes: sources pack them differently, and Keras checks nothing.
"""

import gzip
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

HOMEPAGE = "https://github.com/zalandoresearch/fashion-mnist"
CLASSES = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
DEBIAN_DIR = Path("/usr/share/datasets/fashion-mnist")
DEBIAN_PACKAGE = "dataset-fashion-mnist"
KERAS_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
VALIDATION_PER_CLASS = 500
TRAINING_IMAGES = 60_000 - 10 * VALIDATION_PER_CLASS
SPLIT_SEED = 20170825  # the day the data set was published; any constant serves


class DataError(Exception):
    """The images cannot be had, or are not the images."""


@dataclass(frozen=True)
class Split:
    """Images, uint8 (n, 28, 28), and their labels, uint8 (n,), 0 to 9."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, n: int) -> "Split":
        """The first n images with their labels."""
        return Split(self.images[:n], self.labels[:n])


@dataclass(frozen=True)
class FashionMNIST:
    """55,000 images to train on, 5,000 to choose by, 10,000 to report on, once."""

    training: Split
    validation: Split
    test: Split


@cache
def load() -> FashionMNIST:
    """Read the data set from the first place that has it; fetch it where none has.

    Looked for, in order, in $ECOTRACK_DATA_DIR, the Keras cache and Debian's package; then
    downloaded by Keras, else by apt as an ordinary user.

    Raises:
        DataError: a file is not the original, or no source is left.
    """
    files = _find() or _fetch()
    idx = {name: _read_idx(path, SHA256[name]) for name, path in files.items()}
    images, labels = idx["train-images-idx3-ubyte"], idx["train-labels-idx1-ubyte"]
    validation = _stratified(labels, VALIDATION_PER_CLASS, SPLIT_SEED)
    return FashionMNIST(
        training=Split(images[~validation], labels[~validation]),
        validation=Split(images[validation], labels[validation]),
        test=Split(idx["t10k-images-idx3-ubyte"], idx["t10k-labels-idx1-ubyte"]),
    )


def cache_dir() -> Path:
    """Where Keras keeps this data set; the only folder that this module writes to."""
    home = os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser()
    return Path(home) / "datasets" / "fashion-mnist"


def _stratified(labels: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """Mask (n,) of bool that picks `per_class` images of each class."""
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        chosen[rng.choice(np.flatnonzero(labels == label), per_class, replace=False)] = True
    return chosen


def _find() -> dict[str, Path] | None:
    """The four files by name, in the first folder that holds them all."""
    named = os.environ.get("ECOTRACK_DATA_DIR")
    if named:
        files = _files(Path(named))
        if not files:
            raise DataError(
                f"ECOTRACK_DATA_DIR={named} lacks some of {', '.join(SHA256)} (.gz or not)"
            )
        return files
    return _files(cache_dir()) or _files(DEBIAN_DIR)


def _files(folder: Path) -> dict[str, Path] | None:
    """The four files by name, packed or not; None unless all are there."""
    found = {}
    for name in SHA256:
        candidates = [folder / f"{name}.gz", folder / name]
        found[name] = next((path for path in candidates if path.is_file()), None)
    return {name: path for name, path in found.items() if path} if all(found.values()) else None


def _read_idx(path: Path, sha256: str) -> np.ndarray:
    """Decompress, verify and parse one IDX file: magic 00 00 08 nd, then nd big-endian sizes."""
    idx = content = path.read_bytes()
    if path.suffix == ".gz":
        with suppress(OSError, EOFError, zlib.error):  # what does not unpack fails by its sum
            idx = gzip.decompress(content)
    found = hashlib.sha256(idx).hexdigest()
    if found != sha256:
        raise DataError(
            f"{path} is damaged or not the original: the SHA-256 of its content is {found},"
            f" expected {sha256}; delete it and start again"
        )
    dimensions = idx[3]
    shape = np.frombuffer(idx, ">i4", dimensions, offset=4)
    return np.frombuffer(idx, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _fetch() -> dict[str, Path]:
    """Bring the files into the Keras cache; a file enters it only when verified."""
    reasons = []
    for source, fetch in (("Keras' host", _from_keras), ("Debian", _from_debian)):
        with tempfile.TemporaryDirectory(prefix="fashion-mnist-") as scratch:
            try:
                return _install(_files(fetch(Path(scratch))) or {})
            except _SourceError as error:
                reasons.append(str(error))
            except DataError as error:
                raise DataError(
                    f"{source} sent something else, and nothing is kept: {error}"
                ) from error
    raise DataError(
        f"Fashion-MNIST is not here and cannot be fetched ({'; '.join(reasons)}). "
        "Four ways to get it: put its four files into a folder named by ECOTRACK_DATA_DIR; "
        f"or into {cache_dir()}; or `sudo apt install {DEBIAN_PACKAGE}`; "
        "or start again with a network that reaches storage.googleapis.com"
    )


class _SourceError(Exception):
    """This source cannot be reached; the next one may."""


def _install(files: dict[str, Path]) -> dict[str, Path]:
    """Verify every file, then put each into the cache by an atomic rename."""
    if not files:
        raise _SourceError("the source lacks some of the four files")
    for name, path in files.items():
        _read_idx(path, SHA256[name])
    cache_dir().mkdir(parents=True, exist_ok=True)
    cached = {}
    for name, path in files.items():
        partial = cache_dir() / f".{path.name}.{os.getpid()}"
        shutil.copyfile(path, partial)
        cached[name] = partial.replace(cache_dir() / path.name)
    return cached


def _from_keras(scratch: Path) -> Path:
    from experiments.workloads.fashion.quiet import keras

    for name in SHA256:
        socket.setdefaulttimeout(30)  # Keras itself would wait for a silent host for ever
        try:
            keras.utils.get_file(
                f"{name}.gz", KERAS_ORIGIN + f"{name}.gz", cache_dir=scratch, cache_subdir="."
            )
        except Exception as error:  # Keras raises a bare Exception when a URL cannot be fetched
            raise _SourceError(f"Keras: {str(error).splitlines()[0]}") from error
        finally:
            socket.setdefaulttimeout(None)
    return scratch


def _from_debian(scratch: Path) -> Path:
    """`apt-get download` needs no root when its state lies in a folder of ours."""
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (scratch / folder).mkdir(parents=True)
    options = {
        "Dir::State": scratch / "state",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": scratch / "cache",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "",
    }
    apt = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in options.items())]
    for command in ([*apt, "update"], [*apt, "download", DEBIAN_PACKAGE]):
        _run(command, scratch)
    (package,) = scratch.glob("*.deb")
    _run(["dpkg-deb", "-x", str(package), "unpacked"], scratch)
    return scratch / "unpacked" / DEBIAN_DIR.relative_to("/")


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise _SourceError(f"{command[0]}: {said[-1] if said else error}") from error
