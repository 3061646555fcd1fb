"""Batches that a `tf.data.Dataset` gives."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf.training.checkpoint import digest

NOTED = 4  # batches whose digests are kept


class DatasetBatches:
    """The batches of a `tf.data.Dataset` that gives `(x, y)` or `(x, y, sample_weight)`.

    Args:
        dataset: The dataset.
        repeat: Whether to begin it anew at its end, without end.
        replayable: Whether to note which batches come first, so that another order is found out when a run goes on.
    """

    def __init__(self, dataset: tf.data.Dataset, repeat: bool, replayable: bool = False) -> None:
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
        self._repeat = repeat
        self.first_batches: list[str] = []
        if replayable:
            if dataset.options().deterministic is False:
                raise ValueError(
                    "`checkpoint` and `workers` need a dataset in the same order again. Received: one with "
                    "options().deterministic = False. Set that to True."
                )
            dataset = noting_first(dataset, self.first_batches)
        self._dataset = dataset.repeat() if repeat else dataset
        self._iterator: Any = None

    def identity(self) -> dict[str, Any]:
        """See `Source`."""
        return {"data": f"{self.spec}, {self.steps_an_epoch}"}

    def seek(self, epoch: int, step: int, done: int, first_batches: list[str]) -> None:
        """See `Source`. All batches are drawn again: an order may depend on those before."""
        if not self._repeat:
            for _ in range(epoch):
                self._dataset.reduce(np.int64(0), lambda count, *_: count + 1)
        self._iterator = iter(self._dataset)
        try:
            _skip(self._iterator, tf.constant(step if self._repeat else done))
            ended = False
        except tf.errors.OutOfRangeError:
            ended = True
        common = min(len(first_batches), len(self.first_batches))
        if ended or first_batches[:common] != self.first_batches[:common]:
            raise ValueError(
                "`checkpoint` needs a dataset that gives the same batches in the same order again. Received: one whose "
                "first batches are others than those of the run that was saved. Make the dataset anew, and give its "
                "shuffle a seed, as in dataset.shuffle(1000, seed=1); or begin in another folder."
            )

    def calls(self, length: int, log_every: int, done: int = 0) -> Iterator[tuple[Any, int]]:
        """See `Source`."""
        if self._repeat:
            self._iterator = self._iterator or iter(self._dataset)
            yield self._iterator, length
            return
        iterator, self._iterator = self._iterator or iter(self._dataset), None
        if self.steps_an_epoch is None:
            while True:
                yield iterator, log_every
        for first in range(done, self.steps_an_epoch, log_every):
            yield iterator, min(log_every, self.steps_an_epoch - first)


def noting_first(dataset: tf.data.Dataset, noted: list[str]) -> tf.data.Dataset:
    """The same dataset, which writes the digests of its first batches into `noted` as they are drawn."""

    def note(number: Any, *flat: Any) -> np.ndarray:
        if len(noted) == number < NOTED:
            noted.append(digest(*flat))
        return number

    def pass_on(number: Any, batch: Any) -> Any:
        flat = tf.nest.flatten(batch, expand_composites=True)
        drawn = tf.numpy_function(note, [number, *flat], tf.int64)
        with tf.control_dependencies([drawn]):
            same = [tf.identity(one) for one in flat]
        return tf.nest.pack_sequence_as(batch, same, expand_composites=True)

    def noting(number: Any, batch: Any) -> Any:
        return tf.cond(number < NOTED, lambda: pass_on(number, batch), lambda: batch)

    return dataset.enumerate().map(noting)


@tf.function(reduce_retracing=True)
def _skip(iterator: Any, count: tf.Tensor) -> None:
    for _ in tf.range(count):
        iterator.get_next()
