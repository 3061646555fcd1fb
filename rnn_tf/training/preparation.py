"""What a model does with the data of `fit` before the first step."""

import math
from collections.abc import Callable
from os import PathLike
from typing import Any, NamedTuple

from rnn_tf._checks import is_parts, rows_in


class Prepared(NamedTuple):
    """What `fit` hands on: arrays of numbers; or x alone, as `Batches` or a `tf.data.Dataset` of batches."""

    x: Any
    y: Any = None
    sample_weight: Any = None
    class_weight: dict[int, float] | None = None


class PreparesData:
    """Base class of the models whose `prepare_data` `Trainer.fit` calls, to check and convert the data first.

    It takes `(x, y, sample_weight, class_weight, *, training, batch_size, shuffle, seed)`; with `training`, the model
    learns what must be learned before the first step. A model of a user's own may have a method of this name that means
    something else.
    """

    prepare_data: Callable[..., Prepared]


def split_validation(columns: tuple[Any, ...], share: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """`(x, y, sample_weight)` to train on, and that to validate on: the last rows, from which nothing is learned.

    Args:
        columns: Arrays, lists, pandas columns, ragged tensors, or dicts and tuples of them; None stays.
        share: Which part of the rows to validate on, between 0 and 1.
    """
    if isinstance(columns[0], PathLike):
        raise ValueError(
            "`validation_split` cuts what is in memory. Received: the path of a file. Give its text, by "
            "path.read_text('utf-8'), or another file as `validation_data`."
        )
    size = rows_in(columns[0])
    first = math.floor(size * (1 - share))
    if not 0 < first < size:
        raise ValueError(
            f"`validation_split` must leave rows on both sides. Received: validation_split={share} of {size} rows."
        )
    before, after = (tuple(rows_of(column, rows) for column in columns) for rows in (slice(first), slice(first, None)))
    return before, after


def rows_of(value: Any, rows: slice) -> Any:
    """The named rows of an array, a list, a pandas column, or of each in a dict or a tuple."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {name: rows_of(one, rows) for name, one in value.items()}
    if is_parts(value):
        return tuple(rows_of(one, rows) for one in value)
    return value.iloc[rows] if hasattr(value, "iloc") else value[rows]
