"""What a run of training knows beside its place in the data: variables, and what callbacks noted."""

import copy
import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnn_tf.training.checkpoint import is_plain

NOT_NOTED = ("min_delta", "params")  # Keras's callbacks turn the sign of the one when they first see their metric


def variables_of(model: keras.Model) -> list[Any]:
    """All variables of a model and its optimizer that hold numbers, seeds of dropout among them, each once."""
    found = {id(one): one for one in [*model.variables, *model.optimizer.variables] if one.dtype != "string"}
    return list(found.values())


class Notes:
    """What callbacks have noted since training began: plain attributes that changed.

    Args:
        callbacks: Those of Keras, after their `on_train_begin`.
    """

    def __init__(self, callbacks: Sequence[Any]) -> None:
        self.callbacks = callbacks
        self._at_first = [copy.deepcopy(_plain_attributes(one)) for one in callbacks]

    def read(self) -> list[dict[str, Any]]:
        """A dict for each callback."""
        found = []
        for callback, at_first in zip(self.callbacks, self._at_first, strict=True):
            now = _plain_attributes(callback)
            changed = {
                name: value for name, value in now.items() if name not in at_first or not _same(value, at_first[name])
            }
            found.append({"attributes": changed, "size": _size(callback)})
        return found


def write_notes(callbacks: Sequence[Any], notes: Sequence[dict[str, Any]]) -> None:
    """Let callbacks know what they noted."""
    for callback, noted in zip(callbacks, notes, strict=True):
        vars(callback).update(noted["attributes"])


def rewind_files(callbacks: Sequence[Any], notes: Sequence[dict[str, Any]]) -> None:
    """Cut what a `CSVLogger` wrote after the save, and let it write on."""
    for callback, noted in zip(callbacks, notes, strict=True):
        if isinstance(callback, keras.callbacks.CSVLogger):
            callback.append = True
            if os.path.exists(callback.filename) and noted["size"] is not None:
                os.truncate(callback.filename, min(noted["size"], os.path.getsize(callback.filename)))


def _plain_attributes(callback: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(callback).items() if name not in NOT_NOTED and is_plain(value)}


def _size(callback: Any) -> int | None:
    """How much a `CSVLogger` has written."""
    if not isinstance(callback, keras.callbacks.CSVLogger) or not os.path.exists(callback.filename):
        return None
    return os.path.getsize(callback.filename)


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(np.array_equal(one, other))
