"""Columns as people have them: lists, arrays, pandas columns, and datasets of rows."""

from typing import Any

import numpy as np
import tensorflow as tf


def as_column(name: str, values: Any) -> list[Any]:
    """A list of plain Python values from a list, an array, a tensor, or a pandas column."""
    if isinstance(values, (str, bytes)) or values is None:
        raise ValueError(f"`{name}` must be a list or an array, one entry a row. Received: {values!r}.")
    if tf.is_tensor(values):
        values = values.numpy()
    if isinstance(values, (list, tuple)):
        column = [value.item() if isinstance(value, np.generic) else value for value in values]
    else:
        array = np.asarray(values)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise ValueError(
                f"`{name}` must have one entry a row. Received: shape {array.shape}. Labels are names or numbers of "
                "classes, not one-hot rows: take argmax(axis=1) of those."
            )
        column = array.tolist()
    if not column:
        raise ValueError(f"`{name}` must have at least one row. Received: none.")
    return column


def columns_of(dataset: tf.data.Dataset, *others: Any) -> tuple[Any, Any, Any, int | None]:
    """The columns (x, y, sample_weight) of a dataset of single rows or of batches, and the size of its first batch.

    Args:
        dataset: A finite one.
        *others: Columns given beside it; it is an error unless they are None.
    """
    if any(other is not None for other in others):
        raise ValueError("A dataset of texts brings its own labels and weights. Received: others beside it.")
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError("A dataset of texts must have an end: they are tokenised first. Give dataset.take(n).")
    elements = [element if isinstance(element, tuple) else (element,) for element in dataset.as_numpy_iterator()]
    if not elements:
        raise ValueError("The dataset gave no text. Give one that has at least one.")
    batched = isinstance(elements[0][0], np.ndarray)
    size = len(elements[0][0]) if batched else None
    columns = [np.concatenate(column) if batched else list(column) for column in zip(*elements, strict=True)]
    x, y, weights = (*columns, None, None)[:3]
    return x, y, weights, size
