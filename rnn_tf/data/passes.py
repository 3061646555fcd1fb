"""The order in which rows come, pass after pass, as a dataset: what a batch is gathered by."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def row_numbers(batches_of: Callable[[int], list[np.ndarray]], steps: int, first: int | None) -> Any:
    """A `tf.data.Dataset` of the row numbers of a batch, int32 `[batch]`; each time it is iterated is the next pass.

    Args:
        batches_of: Gives the batches of a pass, from its number.
        steps: How many batches make a pass.
        first: The number of the first pass. None if all passes are the same, which then need no Python.
    """
    import tensorflow as tf  # a user's data are read without it

    def slices(rows: Any, sizes: Any) -> Any:
        return tf.data.Dataset.from_tensor_slices(tf.RaggedTensor.from_row_lengths(rows, sizes))

    def of_pass(number: int) -> tuple[np.ndarray, list[int]]:
        batches = batches_of(number)
        return np.concatenate(batches), [len(one) for one in batches]

    if first is None:
        return slices(*of_pass(0)).apply(tf.data.experimental.assert_cardinality(steps))
    numbers = itertools.count(first)

    def next_pass() -> Iterator[tuple[np.ndarray, list[int]]]:
        yield of_pass(next(numbers))

    specs = (tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int64))
    passes = tf.data.Dataset.from_generator(next_pass, output_signature=specs)
    return passes.flat_map(slices).apply(tf.data.experimental.assert_cardinality(steps))
