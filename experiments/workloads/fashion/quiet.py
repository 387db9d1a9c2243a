"""TensorFlow and Keras without what they say as they are imported; take them from here.

Whoever only reads runs imports neither: they take longer than all the rest of this project.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with silence():  # some lines come whatever the level is (tensorflow#100442)
    import keras
    import tensorflow as tf
    from keras import layers

tf.get_logger().setLevel("ERROR")  # that every new model is traced anew is no news to a search

__all__ = ["keras", "layers", "silence", "tf"]
