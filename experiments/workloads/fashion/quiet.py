"""TensorFlow and Keras without what they say as they are imported; take them from here.

They are imported at their first use: it takes longer than all the rest of this project, and neither
who reads runs nor who places the trials of others needs them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any


@contextmanager
def silence() -> Iterator[None]:
    """Close stderr to C++ for a moment; what fails in Python still raises."""
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@cache
def load() -> None:
    """Import both. Whoever measures looks for its device before, which does."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silence():  # some lines come whatever the level is (tensorflow#100442)
        import_module("keras")
        tensorflow = import_module("tensorflow")
    tensorflow.get_logger().setLevel("ERROR")  # a search need not hear of each model it traces


class Later(ModuleType):
    """A module that is imported at its first use."""

    def __getattr__(self, name: str) -> Any:
        load()
        return getattr(import_module(self.__name__), name)


if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    from keras import layers
else:
    keras, layers, tf = Later("keras"), Later("keras.layers"), Later("tensorflow")

__all__ = ["keras", "layers", "silence", "tf"]
