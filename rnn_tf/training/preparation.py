"""What a model does with the data of `fit` before the first step."""

import math
from abc import abstractmethod
from typing import Any, NamedTuple

import tensorflow as tf


class Prepared(NamedTuple):
    """What `fit` hands on: arrays of numbers, or a `tf.data.Dataset` of batches, where x is all there is."""

    x: Any
    y: Any = None
    sample_weight: Any = None
    class_weight: dict[int, float] | None = None


class PreparesData:
    """Base class of the models whose `prepare_data` `Trainer.fit` calls.

    A model of a user's own may have a method of this name that means something else.
    """

    @abstractmethod
    def prepare_data(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        *,
        training: bool,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int | None = None,
    ) -> Prepared:
        """Check and convert data; with `training`, learn from them what must be learned before the first step."""


def split_validation(columns: tuple[Any, ...], share: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """`(x, y, sample_weight)` to train on, and that to validate on: the last rows, from which nothing is learned.

    Args:
        columns: Arrays, lists, pandas columns, ragged tensors, or dicts and tuples of them; None stays.
        share: Of the rows to validate on.
    """
    size = _count(columns[0])
    first = math.floor(size * (1 - share))
    if not 0 < first < size:
        raise ValueError(
            f"`validation_split` must leave rows on both sides. Received: validation_split={share} of {size} rows."
        )
    before, after = (tuple(_rows_of(column, rows) for column in columns) for rows in (slice(first), slice(first, None)))
    return before, after


def _count(x: Any) -> int:
    if isinstance(x, dict) or _is_parts(x):
        return _count(next(iter(x.values())) if isinstance(x, dict) else x[0])
    return int(x.nrows()) if isinstance(x, tf.RaggedTensor) else len(x)


def _is_parts(x: Any) -> bool:
    """Whether it is a tuple of inputs of their own; a list holds rows."""
    return isinstance(x, tuple) and bool(x) and all(getattr(one, "shape", ()) for one in x)


def _rows_of(value: Any, rows: slice) -> Any:
    """The named rows of an array, a list, a pandas column, or of each in a dict or a tuple."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {name: _rows_of(one, rows) for name, one in value.items()}
    if _is_parts(value):
        return tuple(_rows_of(one, rows) for one in value)
    return value.iloc[rows] if hasattr(value, "iloc") else value[rows]
