"""What is traced for an export: one shard of a batch, and no hand-written gradients.

One step of a recurrence is too small a product for more than one core, so that a layer may split its batch and run
the shards at once. Their number is part of what is computed: sums over the batch depend on it in the last bit. An
export must not depend on the machine that it was traced on; and a SavedModel does not hold gradients written in
Python, so that whoever loads it would be warned of them.
"""

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar

from rnn_tf._keras import traced_by_keras_export

_exporting: ContextVar[bool] = ContextVar("exporting", default=False)


def available_shards() -> int:
    """The number of cores, at most 4: each shard adds its own loop to the graph."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 4)


@contextlib.contextmanager
def for_export() -> Iterator[None]:
    """What is traced within is for an export."""
    token = _exporting.set(True)
    try:
        yield
    finally:
        _exporting.reset(token)


def traced_for_export() -> bool:
    """Whether what is traced now is for an export: ours, or that of `keras.Model.export`, which says so nowhere."""
    return _exporting.get() or traced_by_keras_export()
