"""Batches of one long text, cut into streams that go on from one batch to the next."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer
from rnn_tf.training.batches import BLOCK
from rnn_tf.training.checkpoint import digest


class Pieces:
    """Equal pieces of streams, for back-propagation through time that is cut between two pieces.

    The ids of a text, one after the other, are cut into as many streams as a batch has rows. Step `p` takes the `p`-th
    piece of all streams, so that a row goes on where that of the step before ended. What is missing at the end of the
    last streams is filled up with 0 and counts nothing.

    A batch is `({"tokens": [streams, steps], "stream": [streams], "fresh": [streams]}, next tokens [streams, steps],
    weights [streams, steps])`. `fresh` is True in the first piece of a pass. Weights are 0 for what is filled up, and
    slightly above 1 for the rest: the mean over the batches of a pass is the mean over all ids but the first.

    Args:
        ids: Integers `[1 + predictions]`; the first is read only. It is held as it is.
        streams: Positive integer, the most rows of a batch. There are fewer where a stream would be shorter than a
            piece.
        steps: Positive integer, the most steps of a piece.
    """

    def __init__(self, ids: np.ndarray, streams: int, steps: int) -> None:
        self.ids = ids
        self.predictions = len(ids) - 1
        streams = positive_integer("batch_size", streams)
        self.batch_size = max(1, min(streams, self.predictions // steps))
        self.length = -(-self.predictions // self.batch_size)  # of a stream
        self.steps_an_epoch = -(-self.length // steps)
        self.steps = -(-self.length // self.steps_an_epoch)
        self.step = 0
        self.first_batches: list[str] = []
        grid = [None, self.steps]
        rows = {"tokens": grid, "stream": [None], "fresh": [None]}
        self.spec = (
            {name: tf.TensorSpec(shape, tf.bool if name == "fresh" else tf.int32) for name, shape in rows.items()},
            tf.TensorSpec(grid, tf.int32),
            tf.TensorSpec(grid, tf.float32),
        )

    def columns(self, first: int, count: int, size: int) -> Any:
        """The rows of `count` batches from step `first` on, filled up with zeros to those of `size` batches."""
        number = (first + np.arange(count)) % self.steps_an_epoch
        stream = np.arange(self.batch_size)
        within = number[:, None, None] * self.steps + np.arange(self.steps)  # place in a stream
        place = stream[:, None] * self.length + within
        counts = (within < self.length) & (place < self.predictions)
        place = np.minimum(place, self.predictions - 1)
        y = np.where(counts, self.ids[place + 1], 0)
        weight = self.steps_an_epoch * self.batch_size * self.steps / self.predictions
        x = {
            "tokens": self.ids[place],
            "stream": np.tile(stream, [count, 1]),
            "fresh": np.tile(number[:, None] == 0, [1, self.batch_size]),
        }
        rows = (x, y, weight * counts)

        def filled(array: np.ndarray, spec: tf.TensorSpec) -> np.ndarray:
            flat = np.zeros([size * self.batch_size, *array.shape[2:]], spec.dtype.as_numpy_dtype)
            flat[: count * self.batch_size] = array.reshape(-1, *array.shape[2:])
            return flat

        return tf.nest.map_structure(filled, rows, self.spec)

    def identity(self) -> dict[str, Any]:
        """See `rnn_tf.training.batches.Source`."""
        return {"batch_size": self.batch_size, "steps of a piece": self.steps, "data": digest(self.ids)}

    def seek(self, epoch: int, step: int, done: int, first_batches: list[str]) -> None:
        """See `rnn_tf.training.batches.Source`."""
        self.step = step

    def calls(self, length: int, log_every: int, done: int = 0) -> Iterator[tuple[Any, int]]:
        """See `rnn_tf.training.batches.Source`."""
        steps = length or self.steps_an_epoch
        size = min(log_every if length else min(log_every, steps), max(1, BLOCK // (12 * self.batch_size * self.steps)))
        for first in range(done, steps, size):
            count = min(size, steps - first)
            block = tf.nest.map_structure(tf.constant, self.columns(self.step, count, size))
            self.step += count
            yield (block, tf.reshape(tf.range(size * self.batch_size), [size, self.batch_size])), count

    def dataset(self) -> tf.data.Dataset:
        """The batches of a pass, as a finite `tf.data.Dataset` of known cardinality."""

        def batches() -> Iterator[Any]:
            return (self.columns(step, 1, 1) for step in range(self.steps_an_epoch))

        known = tf.data.experimental.assert_cardinality(self.steps_an_epoch)
        return tf.data.Dataset.from_generator(batches, output_signature=self.spec).apply(known).prefetch(2)
