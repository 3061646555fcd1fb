"""How many shards of a batch run side by side.

One step of a recurrence is too small a product for more than one core, so that a layer may split its batch and run
the shards at once. Their number is part of what is computed: sums over the batch depend on it in the last bit.
"""

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar

_single: ContextVar[bool] = ContextVar("single", default=False)


def available_shards() -> int:
    """The number of cores, at most 4: each shard adds its own loop to the graph."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 4)


@contextlib.contextmanager
def single_shard() -> Iterator[None]:
    """What is traced within runs in one shard, so that it does not depend on the machine it is traced on."""
    token = _single.set(True)
    try:
        yield
    finally:
        _single.reset(token)


def single_shard_wanted() -> bool:
    return _single.get()
