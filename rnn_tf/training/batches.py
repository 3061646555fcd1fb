"""Where batches come from: arrays held in memory, or a `tf.data.Dataset`.

Both answer `calls(length, log_every)`: for one epoch, what to hand to the compiled loop, call by call, each with
the number of steps to make in it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer


class Rows:
    """Batches of rows of `(x, y, sample_weight)`, arrays or nested structures of arrays.

    The order of pass p through the data follows from `(seed, p)` alone.
    """

    def __init__(self, data: Any, batch_size: int | None, repeat: bool, shuffle: bool, seed: int | None) -> None:
        self.data = data
        self.rows = len(tf.nest.flatten(data)[0])
        size = self.rows if batch_size is None else positive_integer("batch_size", batch_size)
        self.batch_size = min(size, self.rows)
        self.shuffle = shuffle
        self.seed = int(np.random.randint(2**31)) if seed is None else seed
        if not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"`seed` must be an integer that is not negative. Received: seed={seed!r}.")
        self.spec = tf.nest.map_structure(lambda rows: None if rows is None else _spec(rows), data)
        self.steps_an_epoch = None if repeat else -(-self.rows // self.batch_size)
        self._tensors = tf.nest.map_structure(lambda rows: None if rows is None else tf.constant(rows), data)
        self._next_pass = 0
        self._left = np.zeros(0, np.int32)  # of a pass that `length` cut short

    def calls(self, length: int, log_every: int) -> Iterator[tuple[Any, int]]:
        """A call of `length` steps, drawn from passes without end; or one pass, if `length` is 0."""
        if self.batch_size == self.rows:  # every step takes all rows: their order does not matter
            yield (self._tensors, None), length or 1
        elif length:
            while len(self._left) < length * self.batch_size:
                self._left = np.concatenate([self._left, self._pass()])
            rows, self._left = np.split(self._left, [length * self.batch_size])
            yield self._call(rows, log_every), length
        else:
            order = self._pass()
            whole = self.rows // self.batch_size
            size = min(log_every, whole)
            for first in range(0, whole, size):
                steps = min(size, whole - first)
                rows = order[first * self.batch_size : (first + steps) * self.batch_size]
                yield self._call(rows, size), steps
            rest = order[whole * self.batch_size :]
            if len(rest):
                yield (self._tensors, tf.constant(rest[np.newaxis])), 1

    def _pass(self) -> np.ndarray:
        order = np.arange(self.rows, dtype=np.int32)
        if self.shuffle:
            order = np.random.default_rng([self.seed, self._next_pass]).permutation(order)
        self._next_pass += 1
        return order

    def _call(self, rows: np.ndarray, steps: int) -> Any:
        """Row numbers [steps, batch], filled up with zeros so that calls of all lengths are compiled once."""
        indices = np.zeros([steps * self.batch_size], np.int32)
        indices[: len(rows)] = rows
        return self._tensors, tf.constant(indices.reshape(steps, self.batch_size))


class Batches:
    """The batches of a `tf.data.Dataset` that gives `(x, y)` or `(x, y, sample_weight)`."""

    def __init__(self, dataset: tf.data.Dataset, repeat: bool) -> None:
        spec = dataset.element_spec
        if not isinstance(spec, tuple) or len(spec) not in (2, 3):
            raise ValueError(
                "A dataset must give batches (x, y) or (x, y, sample_weight). "
                f"Received: a dataset whose elements are {spec}."
            )
        self.spec = spec
        cardinality = int(dataset.cardinality())
        self.steps_an_epoch = None if repeat or cardinality < 0 else cardinality
        if not repeat and cardinality == tf.data.INFINITE_CARDINALITY:
            raise ValueError("A dataset without end has no epochs. Give `steps` instead, or dataset.take(n).")
        self._dataset = dataset
        self._endless = iter(dataset.repeat()) if repeat else None

    def calls(self, length: int, log_every: int) -> Iterator[tuple[Any, int]]:
        """A call of `length` steps; or, if it is 0, calls for one pass, which may end before the last of them."""
        if self._endless is not None:
            yield self._endless, length
            return
        iterator = iter(self._dataset)
        if self.steps_an_epoch is None:
            while True:
                yield iterator, log_every
        for first in range(0, self.steps_an_epoch, log_every):
            yield iterator, min(log_every, self.steps_an_epoch - first)


def _spec(rows: np.ndarray) -> tf.TensorSpec:
    return tf.TensorSpec([None, *rows.shape[1:]], rows.dtype)
