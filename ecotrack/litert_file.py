"""A LiteRT file at work, for batches of any size.

MLflow keeps a copy of this module beside each exported model, which it serves without ecotrack and
without TensorFlow: nothing of ours may be imported here.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

End = tuple[np.dtype[Any], tuple[int, ...]]  # type and shape of an input or output; -1: any length


class LiteRTFile:
    """A model of one input and one output, on all cores; threads take turns.

    Attributes:
        content: the file.
        takes, gives: its two ends.
    """

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter  # whoever exports nothing needs none

        self.content = content
        self._interpreter = Interpreter(model_content=content, num_threads=os.cpu_count())
        (taken,) = self._interpreter.get_input_details()
        (given,) = self._interpreter.get_output_details()
        self.takes, self.gives = _end(taken), _end(given)
        self._input, self._output = taken["index"], given["index"]
        self._shape: tuple[int, ...] = ()
        self._turn = Lock()

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """What the model says to a batch, (n, ...) of the type that it takes."""
        if not len(batch):  # LiteRT has no empty tensors
            kind, shape = self.gives
            return np.empty((0, *shape[1:]), kind)
        with self._turn:
            if batch.shape != self._shape:
                self._shape = ()  # if this batch fails, the next one is prepared again
                self._interpreter.resize_tensor_input(self._input, batch.shape)
                self._interpreter.allocate_tensors()
                self._shape = batch.shape
            self._interpreter.set_tensor(self._input, batch)
            self._interpreter.invoke()
            return self._interpreter.get_tensor(self._output)

    predict_on_batch = predict  # as Keras calls it


def _load_pyfunc(path: str) -> LiteRTFile:
    """MLflow's way in."""
    return LiteRTFile(Path(path).read_bytes())


def _end(details: dict[str, Any]) -> End:
    return np.dtype(details["dtype"]), tuple(int(n) for n in details["shape_signature"])
