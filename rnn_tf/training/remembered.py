"""What a run of training knows beside its place in the data: variables, and what callbacks noted."""

import copy
import os
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnn_tf.training.checkpoint import is_plain

# Keras's callbacks turn the sign of `min_delta` round when they first see their metric; the last four are of a process.
NOT_NOTED = ("params", "min_delta", "_is_tracing", "_profiler_started", "_epoch_start_time", "_batch_start_time")


def variables_of(model: keras.Model) -> list[Any]:
    """All variables of a model and its optimizer that hold numbers, seeds of dropout among them, each once.

    Also the states that a model carries from batch to batch.
    """
    variables = [*model.variables, *model.optimizer.variables, *carried_by(model)]
    found = {id(one): one for one in variables if one.dtype != "string"}
    return list(found.values())


def carried_by(model: keras.Model) -> list[Any]:
    """The states `[rows of a batch, size]` that a model carries from batch to batch, a row for each of its streams."""
    return getattr(model, "carried_variables", [])


class Notes:
    """What callbacks have noted since training began: plain attributes that changed.

    Args:
        callbacks: Those of Keras, after their `on_train_begin`.
        kept: What was read in the process before, or None.
    """

    def __init__(self, callbacks: Sequence[Any], kept: Sequence[dict[str, Any]] | None = None) -> None:
        self.callbacks = callbacks
        self._at_first = [copy.deepcopy(_plain_attributes(one)) for one in callbacks]
        self._changed = [set(one["attributes"]) for one in kept] if kept else [set() for _ in callbacks]

    def read(self) -> list[dict[str, Any]]:
        """A dict for each callback."""
        found = []
        for callback, at_first, changed in zip(self.callbacks, self._at_first, self._changed, strict=True):
            now = _plain_attributes(callback)
            changed.update(name for name, value in now.items() if not _same(value, at_first.get(name, _Nothing)))
            found.append({"attributes": {name: now[name] for name in changed if name in now}, "size": _size(callback)})
            if isinstance(callback, keras.callbacks.History) or not type(callback).__module__.startswith("keras."):
                _warn_of_lost(callback, at_first, now)
        return found


class _Nothing:
    """No value of an attribute."""


def _warn_of_lost(callback: Any, at_first: dict[str, Any], now: dict[str, Any]) -> None:
    """Once for each attribute that was plain and is not any more."""
    for name in [name for name in at_first if name in vars(callback) and name not in now]:
        del at_first[name]
        warnings.warn(
            "`checkpoint` keeps what callbacks note in numbers, texts, arrays, and lists and dicts of them. Received: "
            f"something else in `{name}` of {type(callback).__name__}, which is not kept. Note numbers there, as by "
            "float(...).",
            stacklevel=2,
        )


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
